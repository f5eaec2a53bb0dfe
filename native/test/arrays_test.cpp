// Every array of every call: refused by name where it is missing, misaligned, or overlaps an output by one element, and
// accepted right beside one.
#include <functional>
#include <string>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

constexpr int64_t kTokens = 4, kVocab = 8, kSequences = 2, kShards = 2;
constexpr int64_t kSlot = 64 * 1024;  // room for each array, and as much before it

enum class Holds { kFloats, kOffsets, kIds, kRows, kRoles, kNothing };
enum class Use { kRequired, kOptional, kOutput, kOptionalOutput };

struct Array {
  const char* name;
  Holds holds;
  int64_t element_bytes;
  int64_t bytes;
  Use use;

  bool IsOutput() const { return use == Use::kOutput || use == Use::kOptionalOutput; }
  bool IsRequired() const { return use == Use::kRequired || use == Use::kOutput; }
};

using Pointers = std::vector<char*>;

struct Call {
  const char* name;
  std::vector<Array> arrays;
  std::function<int32_t(const Pointers&)> run;
};

Array Floats(const char* name, Use use, int64_t count = kTokens) { return {name, Holds::kFloats, 4, 4 * count, use}; }
Array Result(const char* name, Use use, int64_t count = kTokens, int64_t element = 4) {
  return {name, Holds::kNothing, element, element * count, use};
}

std::vector<Array> LogitsArrays() {
  return {Floats("logits.data", Use::kRequired, kTokens * kVocab),
          {"logits.targets", Holds::kIds, 8, 8 * kTokens, Use::kRequired},
          {"logits.row_index", Holds::kRows, 8, 8 * kTokens, Use::kOptional},
          Floats("logits.temperatures", Use::kOptional)};
}

std::vector<Array> BatchArrays() {
  return {{"offsets", Holds::kOffsets, 8, 8 * (kSequences + 1), Use::kRequired},
          {"batch.roles", Holds::kRoles, 1, kTokens, Use::kOptional},
          Floats("batch.advantages", Use::kRequired),
          Floats("batch.old_logp", Use::kRequired),
          Floats("batch.ref_logp", Use::kRequired),
          Floats("batch.sampler_logp", Use::kRequired)};
}

std::vector<Array> operator+(std::vector<Array> a, const std::vector<Array>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

template <class T>
T* As(char* pointer) {
  return reinterpret_cast<T*>(pointer);
}

plait_logits LogitsOf(const Pointers& p) {
  plait_logits logits = {};
  logits.struct_bytes = sizeof(logits);
  logits.data = p[0];
  logits.rows = logits.tokens = kTokens;
  logits.vocab = logits.vocab_total = logits.row_stride = kVocab;
  logits.targets = p[1];
  logits.row_index = As<int64_t>(p[2]);
  logits.temperatures = As<float>(p[3]);
  logits.target_dtype = PLAIT_INT64;
  logits.temperature = 1;
  return logits;
}

plait_token_batch BatchOf(const Pointers& p, size_t at) {
  plait_token_batch batch = EmptyBatch(kTokens);
  batch.sequences = kSequences;
  batch.offsets = As<int64_t>(p[at]);
  batch.roles = As<uint8_t>(p[at + 1]);
  batch.advantages = As<float>(p[at + 2]);
  batch.old_logp = As<float>(p[at + 3]);
  batch.ref_logp = As<float>(p[at + 4]);
  batch.sampler_logp = As<float>(p[at + 5]);
  return batch;
}

// One that uses every array.
plait_objective Objective() {
  plait_objective objective = EmptyObjective();
  plait_rule& rule = objective.rules[0];
  rule.policy_loss = PLAIT_POLICY_CLIP;
  rule.policy.coefficient = rule.kl.coefficient = rule.entropy.coefficient = 1;
  rule.sampler_correction = 1;
  objective.correction.level = PLAIT_CORRECTION_TOKEN;
  return objective;
}

int64_t ObjectiveBytes() { return plait_objective_workspace_bytes(kTokens, kSequences); }
int64_t AdvantageBytes() { return plait_group_advantage_workspace_bytes(kSequences); }

int32_t RunGroups(const Pointers& p, const int64_t* offsets, const int64_t* ids) {
  plait_advantage_options options = {};
  options.struct_bytes = sizeof(options);
  options.baseline = PLAIT_BASELINE_WEIGHTED_MEAN;
  return plait_group_advantage(Device(), nullptr, kTokens, As<float>(p[0]), As<uint8_t>(p[1]), As<float>(p[2]),
                               kSequences, offsets, ids, &options, As<float>(p[4]), As<float>(p[5]), As<float>(p[6]),
                               p[7], AdvantageBytes());
}

std::vector<Array> GroupArrays(const Array& groups) {
  return {Floats("rewards", Use::kRequired),
          {"roles", Holds::kRoles, 1, kTokens, Use::kOptional},
          Floats("weights", Use::kRequired),
          groups,
          Result("advantages", Use::kOutput),
          Result("group_mean", Use::kOptionalOutput, kSequences),
          Result("group_std", Use::kOptionalOutput, kSequences),
          Result("workspace", Use::kOutput, AdvantageBytes() / 8, 8)};
}

std::vector<Call> RowCalls() {
  const std::vector<Array> statistics = {Result("logp", Use::kOptionalOutput), Result("entropy", Use::kOptionalOutput),
                                         Result("logsumexp", Use::kOptionalOutput),
                                         Result("state", Use::kOptionalOutput, 4 * kTokens)};
  const Array bad_targets = Result("bad_targets", Use::kOptionalOutput, 1, 8);
  return {{"row_stats", LogitsArrays() + statistics + std::vector<Array>{bad_targets},
           [](const Pointers& p) {
             const plait_logits logits = LogitsOf(p);
             return plait_row_stats(Device(), nullptr, &logits, As<float>(p[4]), As<float>(p[5]), As<float>(p[6]),
                                    As<float>(p[7]), As<int64_t>(p[8]));
           }},
          {"row_stats_merge",
           std::vector<Array>{Floats("states", Use::kRequired, 4 * kTokens * kShards),
                              Floats("temperatures", Use::kOptional)} +
               statistics,
           [](const Pointers& p) {
             return plait_row_stats_merge(Device(), nullptr, As<float>(p[0]), kShards, kTokens, As<float>(p[1]), 1,
                                          As<float>(p[2]), As<float>(p[3]), As<float>(p[4]), As<float>(p[5]));
           }},
          {"logits_grad",
           LogitsArrays() + std::vector<Array>{Floats("state", Use::kRequired, 4 * kTokens),
                                               Floats("c", Use::kRequired), Floats("h", Use::kOptional),
                                               Result("dlogits", Use::kOutput, kTokens * kVocab), bad_targets},
           [](const Pointers& p) {
             const plait_logits logits = LogitsOf(p);
             return plait_logits_grad(Device(), nullptr, &logits, As<float>(p[4]), As<float>(p[5]), As<float>(p[6]),
                                      p[7], kVocab, As<int64_t>(p[8]));
           }},
          {"policy_step",
           LogitsArrays() + BatchArrays() +
               std::vector<Array>{Result("dlogits", Use::kOutput, kTokens * kVocab), Result("logp", Use::kOutput),
                                  Result("entropy", Use::kOutput), Result("token_loss", Use::kOptionalOutput),
                                  Result("metrics", Use::kOptionalOutput, sizeof(plait_metrics) / 8, 8),
                                  Result("workspace", Use::kOutput, ObjectiveBytes() / 8, 8)},
           [](const Pointers& p) {
             const plait_logits logits = LogitsOf(p);
             const plait_token_batch batch = BatchOf(p, 4);
             const plait_objective objective = Objective();
             return plait_policy_step(Device(), nullptr, &logits, &batch, &objective, nullptr, p[10], kVocab,
                                      As<float>(p[11]), As<float>(p[12]), As<float>(p[13]), As<plait_metrics>(p[14]),
                                      p[15], ObjectiveBytes());
           }}};
}

std::vector<Call> TokenCalls() {
  const Array offsets = BatchArrays()[0], roles = {"roles", Holds::kRoles, 1, kTokens, Use::kOptional};
  return {{"token_objective",
           BatchArrays() + std::vector<Array>{Floats("logp", Use::kRequired), Floats("entropy", Use::kRequired),
                                              Result("c", Use::kOptionalOutput), Result("h", Use::kOptionalOutput),
                                              Result("token_loss", Use::kOptionalOutput),
                                              Result("metrics", Use::kOptionalOutput, sizeof(plait_metrics) / 8, 8),
                                              Result("workspace", Use::kOutput, ObjectiveBytes() / 8, 8)},
           [](const Pointers& p) {
             const plait_token_batch batch = BatchOf(p, 0);
             const plait_objective objective = Objective();
             return plait_token_objective(Device(), nullptr, &batch, &objective, nullptr, As<float>(p[6]),
                                          As<float>(p[7]), As<float>(p[8]), As<float>(p[9]), As<float>(p[10]),
                                          As<plait_metrics>(p[11]), p[12], ObjectiveBytes());
           }},
          {"group_advantage by offsets", GroupArrays(offsets),
           [](const Pointers& p) { return RunGroups(p, As<int64_t>(p[3]), nullptr); }},
          {"group_advantage by ids", GroupArrays({"ids", Holds::kIds, 8, 8 * kTokens, Use::kOptional}),
           [](const Pointers& p) {
             static const int64_t all_in_one[] = {0, 0, 0, 0};
             return RunGroups(p, nullptr, p[3] ? As<int64_t>(p[3]) : all_in_one);
           }},
          {"token_advantage",
           {offsets, roles, Floats("rewards", Use::kRequired), Floats("values", Use::kOptional),
            Result("advantages", Use::kOutput), Result("returns", Use::kOptionalOutput)},
           [](const Pointers& p) {
             return plait_token_advantage(Device(), nullptr, kTokens, kSequences, As<int64_t>(p[0]), As<uint8_t>(p[1]),
                                          As<float>(p[2]), As<float>(p[3]), 1, 1, 0, As<float>(p[4]), As<float>(p[5]));
           }},
          {"whiten",
           {roles, Floats("x", Use::kRequired), Result("out", Use::kOutput)},
           [](const Pointers& p) {
             return plait_whiten(Device(), nullptr, kTokens, As<uint8_t>(p[0]), As<float>(p[1]), 1, 1, 0, 0,
                                 As<float>(p[2]));
           }},
          {"importance_ratio",
           {offsets, roles, Floats("logp", Use::kRequired), Floats("old_logp", Use::kRequired),
            Result("ratio", Use::kOptionalOutput), Result("sequence_ratio", Use::kOptionalOutput, kSequences),
            Result("flags", Use::kOptionalOutput, kTokens, 1)},
           [](const Pointers& p) {
             return plait_importance_ratio(Device(), nullptr, kTokens, kSequences, As<int64_t>(p[0]), As<uint8_t>(p[1]),
                                           As<float>(p[2]), As<float>(p[3]), PLAIT_RATIO_SEQUENCE_MEAN, 0, 0, kInf,
                                           As<float>(p[4]), As<float>(p[5]), As<uint8_t>(p[6]));
           }}};
}

// Arrays in slots of their own, with what they must hold.
class Memory {
 public:
  explicit Memory(const std::vector<Array>& arrays) : bytes_((2 * arrays.size() + 1) * kSlot / 8) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      pointers_.push_back(reinterpret_cast<char*>(bytes_.data()) + (2 * i + 1) * kSlot);
      Fill(arrays[i], pointers_.back());
    }
  }
  const Pointers& pointers() const { return pointers_; }
  Pointers With(size_t index, char* pointer) const {
    Pointers result = pointers_;
    result[index] = pointer;
    return result;
  }

 private:
  static void Fill(const Array& array, char* to) {
    const int64_t rows[] = {0, 1, 2, 3}, offsets[] = {0, 2, 4};
    if (array.holds == Holds::kRows) std::memcpy(to, rows, sizeof(rows));
    if (array.holds == Holds::kOffsets) std::memcpy(to, offsets, sizeof(offsets));
    if (array.holds == Holds::kRoles) std::memset(to, PLAIT_ROLLOUT, array.bytes);
    for (int64_t i = 0; array.holds == Holds::kFloats && i < array.bytes / 4; ++i) As<float>(to)[i] = 0.5f;
  }

  std::vector<double> bytes_;
  Pointers pointers_;
};

// Whether the call is refused with a message that begins with the name.
void CheckRefused(const Call& call, const Pointers& pointers, const std::string& name) {
  CHECK(call.run(pointers) == PLAIT_INVALID_ARGUMENT);
  const std::string message = plait_last_error();
  CAPTURE(message);
  CHECK(message.compare(0, name.size(), name) == 0);
}

void CheckOverlap(const Call& call, const Pointers& pointers, const char* output, const char* other) {
  CHECK(call.run(pointers) == PLAIT_INVALID_ARGUMENT);
  const std::string message = plait_last_error();
  CAPTURE(message);
  CHECK(message.find("expected memory of its own") != std::string::npos);
  CHECK(message.find(output) != std::string::npos);
  CHECK(message.find(other) != std::string::npos);
}

std::vector<Call> Calls() {
  std::vector<Call> calls = RowCalls();
  for (Call& call : TokenCalls()) calls.push_back(std::move(call));
  return calls;
}

}  // namespace

TEST_CASE("an array that a call needs may not be missing, and one that it does not need may") {
  for (const Call& call : Calls()) {
    CAPTURE(call.name);
    const Memory memory(call.arrays);
    Accept(call.run(memory.pointers()));
    for (size_t i = 0; i < call.arrays.size(); ++i) {
      CAPTURE(call.arrays[i].name);
      if (call.arrays[i].IsRequired()) {
        CheckRefused(call, memory.With(i, nullptr), call.arrays[i].name);
      } else {
        Accept(call.run(memory.With(i, nullptr)));
      }
    }
  }
}

TEST_CASE("an array that is not aligned to its elements is refused by name") {
  for (const Call& call : Calls()) {
    CAPTURE(call.name);
    const Memory memory(call.arrays);
    for (size_t i = 0; i < call.arrays.size(); ++i) {
      for (int64_t shift = call.arrays[i].element_bytes / 2; shift > 0; shift /= 2) {
        CheckRefused(call, memory.With(i, memory.pointers()[i] + shift), call.arrays[i].name);
      }
    }
  }
}

TEST_CASE("an output may lie right before or behind another array, but not share an element with it") {
  for (const Call& call : Calls()) {
    CAPTURE(call.name);
    const Memory memory(call.arrays);
    for (size_t i = 0; i < call.arrays.size(); ++i) {
      const Array& output = call.arrays[i];
      if (!output.IsOutput()) continue;
      for (size_t j = 0; j < call.arrays.size(); ++j) {
        if (i == j) continue;
        const Array& other = call.arrays[j];
        CAPTURE(output.name);
        CAPTURE(other.name);
        char* const begin = memory.pointers()[j];
        const int64_t behind = (other.bytes + output.element_bytes - 1) / output.element_bytes * output.element_bytes;
        CheckOverlap(call, memory.With(i, begin + behind - output.element_bytes), output.name, other.name);
        CheckOverlap(call, memory.With(i, begin - output.bytes + output.element_bytes), output.name, other.name);
        if (!ReadsValuesFirst()) continue;  // the emulator would take long over what the host alone decides
        Accept(call.run(memory.With(i, begin + behind)));
        Accept(call.run(memory.With(i, begin - output.bytes)));
      }
    }
  }
}
