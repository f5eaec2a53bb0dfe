#include "checks.h"

#include <cinttypes>
#include <cmath>

#include "dtype.h"
#include "logits.h"
#include "objective.h"

namespace plait {
namespace {

// rows * stride * element_bytes as an extent in bytes; false if it does not fit 63 bits.
bool MatrixBytes(int64_t rows, int64_t vocab, int64_t stride, int64_t element_bytes, int64_t* bytes) {
  int64_t elements = 0;
  if (rows == 0) {
    *bytes = 0;
    return true;
  }
  return !__builtin_mul_overflow(rows - 1, stride, &elements) && !__builtin_add_overflow(elements, vocab, &elements) &&
         !__builtin_mul_overflow(elements, element_bytes, bytes);
}

plait_status CheckCount(const char* name, int64_t value) {
  if (value < 0) PLAIT_REFUSE("%s: expected a count >= 0, got %" PRId64, name, value);
  return PLAIT_OK;
}

}  // namespace

plait_status CheckStructBytes(const char* name, const void* pointer, int64_t expected) {
  if (!pointer) PLAIT_REFUSE("%s: expected a structure, got NULL", name);
  if (reinterpret_cast<uintptr_t>(pointer) % alignof(int64_t) != 0) {
    PLAIT_REFUSE("%s: expected an address aligned to 8 bytes, got %p", name, pointer);
  }
  const int64_t actual = *static_cast<const int64_t*>(pointer);
  if (actual != expected) {
    PLAIT_REFUSE("%s.struct_bytes: expected %" PRId64 ", got %" PRId64 " (caller and library of different versions?)",
                 name, expected, actual);
  }
  return PLAIT_OK;
}

void AddressRanges::Add(const char* name, const void* data, int64_t bytes, Use use) {
  if (!data || bytes <= 0 || size_ == kCapacity) return;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  ranges_[size_++] = {name, begin, begin + static_cast<uintptr_t>(bytes), use};
}

plait_status AddressRanges::Check(const Backend& backend, int32_t device) const {
  PLAIT_TRY(CheckOutputs());
  for (int i = 0; backend.check_memory && i < size_; ++i) {
    if (ranges_[i].use == Use::kStructure) continue;
    PLAIT_TRY(backend.check_memory(device, ranges_[i].name, reinterpret_cast<const void*>(ranges_[i].begin)));
  }
  return PLAIT_OK;
}

plait_status AddressRanges::CheckOutputs() const {
  for (int i = 0; i < size_; ++i) {
    if (ranges_[i].use != Use::kOutput) continue;
    for (int j = 0; j < size_; ++j) {
      if (i == j || ranges_[i].end <= ranges_[j].begin || ranges_[j].end <= ranges_[i].begin) continue;
      PLAIT_REFUSE("%s: expected memory of its own, got an overlap with %s", ranges_[i].name, ranges_[j].name);
    }
  }
  return PLAIT_OK;
}

plait_status CheckArray(const char* name, const void* data, int64_t count, int64_t element_bytes) {
  if (!data && count > 0) PLAIT_REFUSE("%s: expected %" PRId64 " elements, got NULL", name, count);
  return CheckOptionalArray(name, data, element_bytes);
}

plait_status CheckOptionalArray(const char* name, const void* data, int64_t element_bytes) {
  if (reinterpret_cast<uintptr_t>(data) % element_bytes != 0) {
    PLAIT_REFUSE("%s: expected an address aligned to %" PRId64 " bytes, got %p", name, element_bytes, data);
  }
  return PLAIT_OK;
}

plait_status AddInput(AddressRanges* ranges, const char* name, const void* data, int64_t count, int64_t element_bytes,
                      Presence presence) {
  PLAIT_TRY(presence == Presence::kRequired ? CheckArray(name, data, count, element_bytes)
                                            : CheckOptionalArray(name, data, element_bytes));
  ranges->AddInput(name, data, count * element_bytes);
  return PLAIT_OK;
}

plait_status AddOutput(AddressRanges* ranges, const char* name, const void* data, int64_t count, int64_t element_bytes,
                       Presence presence) {
  PLAIT_TRY(presence == Presence::kRequired ? CheckArray(name, data, count, element_bytes)
                                            : CheckOptionalArray(name, data, element_bytes));
  ranges->AddOutput(name, data, count * element_bytes);
  return PLAIT_OK;
}

plait_status CheckEnum(const char* name, int32_t value, int32_t last) {
  if (value < 0 || value > last) PLAIT_REFUSE("%s: expected a value in [0, %d], got %d", name, last, value);
  return PLAIT_OK;
}

plait_status CheckTemperature(const char* name, float temperature) {
  if (!IsTemperature(temperature)) {
    PLAIT_REFUSE("%s: expected a finite number > 0, not subnormal, got %g", name, temperature);
  }
  return PLAIT_OK;
}

plait_status CheckLogits(const plait_logits* logits, const void* dlogits, AddressRanges* ranges) {
  PLAIT_TRY(CheckStructBytes("logits", logits, sizeof(plait_logits)));
  ranges->AddStructure("logits", logits);
  const plait_logits& x = *logits;
  PLAIT_TRY(CheckEnum("logits.dtype", x.dtype, PLAIT_FLOAT16));
  if (x.target_dtype != PLAIT_INT32 && x.target_dtype != PLAIT_INT64) {
    PLAIT_REFUSE("logits.target_dtype: expected PLAIT_INT32 or PLAIT_INT64, got %d", x.target_dtype);
  }
  PLAIT_TRY(CheckCount("logits.rows", x.rows));
  PLAIT_TRY(CheckCount("logits.tokens", x.tokens));
  if (x.tokens > kMaxTokens) {
    PLAIT_REFUSE("logits.tokens: expected a count that fits memory, got %" PRId64, x.tokens);
  }
  if (x.vocab < 1) PLAIT_REFUSE("logits.vocab: expected >= 1, got %" PRId64, x.vocab);
  if (x.row_stride < x.vocab) {
    PLAIT_REFUSE("logits.row_stride: expected >= vocab (%" PRId64 "), got %" PRId64, x.vocab, x.row_stride);
  }
  if (x.vocab_begin < 0 || x.vocab_total < x.vocab || x.vocab_begin > x.vocab_total - x.vocab) {
    PLAIT_REFUSE("logits.vocab_begin: expected vocab_begin + vocab <= vocab_total, got %" PRId64 " + %" PRId64
                 " and %" PRId64,
                 x.vocab_begin, x.vocab, x.vocab_total);
  }
  if (!x.row_index && x.tokens != x.rows) {
    PLAIT_REFUSE("logits.tokens: expected rows (%" PRId64 ") without a row_index, got %" PRId64, x.rows, x.tokens);
  }
  if (x.tokens > x.rows) {
    PLAIT_REFUSE("logits.tokens: expected at most rows (%" PRId64 "), got %" PRId64, x.rows, x.tokens);
  }
  if (!x.temperatures) PLAIT_TRY(CheckTemperature("logits.temperature", x.temperature));
  if (x.reserved != 0) PLAIT_REFUSE("logits.reserved: expected 0, got %d", x.reserved);
  int64_t bytes = 0;
  if (!MatrixBytes(x.rows, x.vocab, x.row_stride, ElementBytes(x.dtype), &bytes)) {
    PLAIT_REFUSE("logits.row_stride: expected rows * row_stride to fit 63 bits, got %" PRId64 " * %" PRId64, x.rows,
                 x.row_stride);
  }
  PLAIT_TRY(CheckArray("logits.data", x.data, x.tokens, ElementBytes(x.dtype)));
  if (x.data != dlogits) ranges->AddInput("logits.data", x.data, bytes);
  PLAIT_TRY(AddInput(ranges, "logits.targets", x.targets, x.tokens, x.target_dtype == PLAIT_INT32 ? 4 : 8,
                     Presence::kRequired));
  PLAIT_TRY(AddInput(ranges, "logits.row_index", x.row_index, x.tokens, sizeof(int64_t), Presence::kOptional));
  return AddInput(ranges, "logits.temperatures", x.temperatures, x.tokens, sizeof(float), Presence::kOptional);
}

plait_status CheckDlogits(const plait_logits& logits, const void* dlogits, int64_t stride, AddressRanges* ranges) {
  if (stride < logits.vocab) {
    PLAIT_REFUSE("dlogits_stride: expected >= vocab (%" PRId64 "), got %" PRId64, logits.vocab, stride);
  }
  // Arrays without rows may share an address without being one another's place.
  if (dlogits == logits.data && logits.rows > 0 && stride != logits.row_stride) {
    PLAIT_REFUSE("dlogits_stride: expected logits.row_stride (%" PRId64 ") in place, got %" PRId64, logits.row_stride,
                 stride);
  }
  int64_t bytes = 0;
  if (!MatrixBytes(logits.rows, logits.vocab, stride, ElementBytes(logits.dtype), &bytes)) {
    PLAIT_REFUSE("dlogits_stride: expected rows * dlogits_stride to fit 63 bits, got %" PRId64 " * %" PRId64,
                 logits.rows, stride);
  }
  PLAIT_TRY(CheckArray("dlogits", dlogits, logits.tokens, ElementBytes(logits.dtype)));
  ranges->AddOutput("dlogits", dlogits, bytes);
  return PLAIT_OK;
}

plait_status CheckPacking(int64_t tokens, int64_t sequences, const int64_t* offsets, AddressRanges* ranges) {
  PLAIT_TRY(CheckCount("tokens", tokens));
  PLAIT_TRY(CheckCount("sequences", sequences));
  if (tokens > kMaxTokens) {
    PLAIT_REFUSE("tokens: expected a count that fits memory, got %" PRId64, tokens);
  }
  if (sequences > kMaxSequences) {
    PLAIT_REFUSE("sequences: expected a count that fits memory, got %" PRId64, sequences);
  }
  if (!offsets && sequences != 0) {
    PLAIT_REFUSE("offsets: expected %" PRId64 " elements for %" PRId64 " sequences, got NULL", sequences + 1,
                 sequences);
  }
  return AddInput(ranges, "offsets", offsets, sequences + 1, sizeof(int64_t), Presence::kOptional);
}

plait_status CheckBatch(const plait_token_batch* batch, const plait_objective& objective, AddressRanges* ranges) {
  PLAIT_TRY(CheckStructBytes("batch", batch, sizeof(plait_token_batch)));
  ranges->AddStructure("batch", batch);
  const plait_token_batch& b = *batch;
  PLAIT_TRY(CheckPacking(b.tokens, b.sequences, b.offsets, ranges));
  PLAIT_TRY(CheckEnum("batch.advantage_per_sequence", b.advantage_per_sequence, 1));
  if (b.reserved != 0) PLAIT_REFUSE("batch.reserved: expected 0, got %d", b.reserved);
  bool policy = false;
  bool kl = false;
  for (const plait_rule& rule : objective.rules) {
    policy = policy || HasPolicy(rule);
    kl = kl || rule.kl.coefficient != 0;
  }
  if (policy && !b.advantages && b.tokens > 0) {
    PLAIT_REFUSE("batch.advantages: expected an array for an objective with a policy loss, got NULL");
  }
  if (kl && !b.ref_logp && b.tokens > 0) {
    PLAIT_REFUSE("batch.ref_logp: expected an array for an objective with a KL term, got NULL");
  }
  if (UsesSampler(objective) && b.tokens > 0) {
    if (!b.sampler_logp) PLAIT_REFUSE("batch.sampler_logp: expected an array for a sampler correction, got NULL");
    if (!b.old_logp) PLAIT_REFUSE("batch.old_logp: expected an array for a sampler correction, got NULL");
  }
  const int64_t advantages = b.advantage_per_sequence ? (b.offsets ? b.sequences : 1) : b.tokens;
  PLAIT_TRY(AddInput(ranges, "batch.roles", b.roles, b.tokens, 1, Presence::kOptional));
  PLAIT_TRY(AddInput(ranges, "batch.advantages", b.advantages, advantages, sizeof(float), Presence::kOptional));
  PLAIT_TRY(AddInput(ranges, "batch.old_logp", b.old_logp, b.tokens, sizeof(float), Presence::kOptional));
  PLAIT_TRY(AddInput(ranges, "batch.ref_logp", b.ref_logp, b.tokens, sizeof(float), Presence::kOptional));
  return AddInput(ranges, "batch.sampler_logp", b.sampler_logp, b.tokens, sizeof(float), Presence::kOptional);
}

plait_status CheckWorkspace(const void* workspace, int64_t bytes, int64_t needed, AddressRanges* ranges) {
  if (bytes < needed) {
    PLAIT_REFUSE("workspace_bytes: expected at least %" PRId64 ", got %" PRId64, needed, bytes);
  }
  PLAIT_TRY(CheckArray("workspace", workspace, needed, sizeof(double)));
  ranges->AddOutput("workspace", workspace, needed);
  return PLAIT_OK;
}

plait_status CheckAdvantageOptions(const plait_advantage_options* options) {
  PLAIT_TRY(CheckStructBytes("options", options, sizeof(plait_advantage_options)));
  PLAIT_TRY(CheckEnum("options.baseline", options->baseline, PLAIT_BASELINE_WEIGHTED_MEAN));
  PLAIT_TRY(CheckEnum("options.scale", options->scale, PLAIT_SCALE_BATCH_STD));
  PLAIT_TRY(CheckEnum("options.singleton", options->singleton, PLAIT_SINGLETON_REFUSE));
  PLAIT_TRY(CheckEnum("options.sample_std", options->sample_std, 1));
  PLAIT_TRY(CheckEnum("options.epsilon_place", options->epsilon_place, PLAIT_EPSILON_VARIANCE));
  PLAIT_TRY(CheckEnum("options.statistics", options->statistics, PLAIT_STATISTICS_ROLLOUTS));
  PLAIT_TRY(CheckEnum("options.zero_std_one", options->zero_std_one, 1));
  if (!(options->std_floor >= 0) || std::isinf(options->std_floor)) {
    PLAIT_REFUSE("options.std_floor: expected a finite number >= 0, got %g", options->std_floor);
  }
  if (!(options->epsilon >= 0) || std::isinf(options->epsilon)) {
    PLAIT_REFUSE("options.epsilon: expected a finite number >= 0, got %g", options->epsilon);
  }
  if (options->reserved != 0) PLAIT_REFUSE("options.reserved: expected 0, got %d", options->reserved);
  return PLAIT_OK;
}

plait_status CheckTemperatureValues(const float* temperatures, int64_t count) {
  for (int64_t i = 0; temperatures && i < count; ++i) {
    if (!IsTemperature(temperatures[i])) {
      PLAIT_REFUSE("temperatures[%" PRId64 "]: expected a finite number > 0, not subnormal, got %g", i,
                   temperatures[i]);
    }
  }
  return PLAIT_OK;
}

plait_status CheckRowIndexValues(const plait_logits& logits) {
  for (int64_t t = 0; logits.row_index && t < logits.tokens; ++t) {
    const int64_t row = logits.row_index[t];
    if (row < 0 || row >= logits.rows) {
      PLAIT_REFUSE("logits.row_index[%" PRId64 "]: expected a row in [0, %" PRId64 "), got %" PRId64, t, logits.rows,
                   row);
    }
    if (t > 0 && row <= logits.row_index[t - 1]) {
      PLAIT_REFUSE("logits.row_index[%" PRId64 "]: expected more than the one before (%" PRId64 "), got %" PRId64, t,
                   logits.row_index[t - 1], row);
    }
  }
  return PLAIT_OK;
}

plait_status CheckOffsetValues(const int64_t* offsets, int64_t count, int64_t total) {
  if (!offsets) return PLAIT_OK;
  if (offsets[0] != 0) PLAIT_REFUSE("offsets[0]: expected 0, got %" PRId64, offsets[0]);
  for (int64_t i = 1; i <= count; ++i) {
    if (offsets[i] < offsets[i - 1]) {
      PLAIT_REFUSE("offsets[%" PRId64 "]: expected at least the one before (%" PRId64 "), got %" PRId64, i,
                   offsets[i - 1], offsets[i]);
    }
  }
  if (offsets[count] != total) {
    PLAIT_REFUSE("offsets[%" PRId64 "]: expected %" PRId64 ", got %" PRId64, count, total, offsets[count]);
  }
  return PLAIT_OK;
}

plait_status CheckRoleValues(const uint8_t* roles, int64_t tokens) {
  for (int64_t t = 0; roles && t < tokens; ++t) {
    if (roles[t] > PLAIT_HINT) PLAIT_REFUSE("roles[%" PRId64 "]: expected a plait_role, got %d", t, roles[t]);
  }
  return PLAIT_OK;
}

}  // namespace plait
