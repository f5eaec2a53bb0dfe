// The numbers of a plait_logits at the last value that is allowed and at the first that is not; structures as a whole;
// and the two calls that measure.
#include <functional>
#include <string>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

struct Broken {
  const char* named;  // null: accepted
  std::function<void(plait_logits&)> change;
};

}  // namespace

TEST_CASE("numbers of logits are accepted at their bounds and refused beyond them") {
  static const int64_t row_index[] = {0, 1, 2};
  const Broken cases[] = {
      {nullptr, [](plait_logits&) {}},
      {nullptr, [](plait_logits& x) { x.row_stride = x.vocab; }},
      {"logits.row_stride", [](plait_logits& x) { x.row_stride = x.vocab - 1; }},
      {nullptr, [](plait_logits& x) { x.vocab = x.vocab_total = 1; }},
      {"logits.vocab", [](plait_logits& x) { x.vocab = x.vocab_total = 0; }},
      {nullptr, [](plait_logits& x) { x.vocab_total = x.vocab + 5; }},
      {nullptr,
       [](plait_logits& x) {
         x.vocab_total = x.vocab + 5;
         x.vocab_begin = 5;
       }},
      {"logits.vocab_begin",
       [](plait_logits& x) {
         x.vocab_total = x.vocab + 5;
         x.vocab_begin = 6;
       }},
      {"logits.vocab_begin", [](plait_logits& x) { x.vocab_begin = -1; }},
      {"logits.vocab_begin", [](plait_logits& x) { x.vocab_total = x.vocab - 1; }},
      {"logits.dtype", [](plait_logits& x) { x.dtype = PLAIT_INT32; }},
      {"logits.dtype", [](plait_logits& x) { x.dtype = -1; }},
      {"logits.target_dtype", [](plait_logits& x) { x.target_dtype = PLAIT_FLOAT16; }},
      {"logits.target_dtype", [](plait_logits& x) { x.target_dtype = PLAIT_INT64 + 1; }},
      {"logits.tokens", [](plait_logits& x) { x.tokens = 2; }},
      {nullptr,
       [](plait_logits& x) {
         x.row_index = row_index;
         x.tokens = 2;
       }},
      {nullptr, [](plait_logits& x) { x.row_index = row_index; }},
      {"logits.tokens",
       [](plait_logits& x) {
         x.row_index = row_index;
         x.tokens = 4;
       }},
      {"logits.tokens", [](plait_logits& x) { x.tokens = -1; }},
      {"logits.rows", [](plait_logits& x) { x.rows = -1; }},
      {nullptr, [](plait_logits& x) { x.rows = x.tokens = 0; }},
      {nullptr,
       [](plait_logits& x) {
         x.rows = x.tokens = 0;
         x.data = x.targets = nullptr;
         x.row_stride = INT64_MAX;
       }},
      {nullptr,
       [](plait_logits& x) {  // one row needs no stride
         x.rows = x.tokens = 1;
         x.row_stride = INT64_MAX;
       }},
      {"logits.row_stride", [](plait_logits& x) { x.row_stride = INT64_MAX / 2; }},      // times two rows
      {"logits.row_stride", [](plait_logits& x) { x.row_stride = INT64_MAX / 2 - 4; }},  // and the last one's elements
      {"logits.row_stride", [](plait_logits& x) { x.row_stride = INT64_MAX / 8 + 1; }},  // in bytes
      {nullptr, [](plait_logits& x) { x.temperature = 0x1p-126f; }},
      {"logits.temperature", [](plait_logits& x) { x.temperature = 1e-38f; }},
      {"logits.temperature", [](plait_logits& x) { x.temperature = 0; }},
      {"logits.temperature", [](plait_logits& x) { x.temperature = kInf; }},
      {"logits.reserved", [](plait_logits& x) { x.reserved = -1; }},
  };
  for (const Broken& broken : cases) {
    Rows rows(3, 10, PLAIT_FLOAT32, 16);
    rows.Randomize(1);
    plait_logits logits = *rows.get();
    broken.change(logits);
    CAPTURE(&broken - cases);
    float logp[4];
    const int32_t status = plait_row_stats(Device(), nullptr, &logits, logp, nullptr, nullptr, nullptr, nullptr);
    const std::string message = plait_last_error();
    CAPTURE(message);
    CHECK(status == (broken.named ? PLAIT_INVALID_ARGUMENT : PLAIT_OK));
    if (broken.named) CHECK(message.compare(0, std::strlen(broken.named), broken.named) == 0);
  }
}

TEST_CASE("counts that no memory holds are refused by name") {
  const auto named = [](const char* name) { return std::string(plait_last_error()).find(name) == 0; };
  const int64_t offsets[] = {0, 0};
  plait_advantage_options options = {};
  options.struct_bytes = sizeof(options);
  double workspace[64];
  const auto groups = [&](int64_t count) {
    return plait_group_advantage(Device(), nullptr, 0, nullptr, nullptr, nullptr, count, nullptr, nullptr, &options,
                                 nullptr, nullptr, nullptr, workspace, sizeof(workspace));
  };
  CHECK((groups(INT64_MAX / 128) == PLAIT_INVALID_ARGUMENT && named("groups")));
  CHECK((groups(-1) == PLAIT_INVALID_ARGUMENT && named("groups")));
  const auto whiten = [&](int64_t tokens) {
    return plait_whiten(Device(), nullptr, tokens, nullptr, nullptr, 0, 0, 0, 0, nullptr);
  };
  CHECK((whiten(INT64_MAX / 32) == PLAIT_INVALID_ARGUMENT && named("tokens")));
  CHECK((whiten(-1) == PLAIT_INVALID_ARGUMENT && named("tokens")));
  const auto sequences = [&](int64_t count) {
    return plait_importance_ratio(Device(), nullptr, 0, count, offsets, nullptr, nullptr, nullptr, 1, 0, 0, 1, nullptr,
                                  nullptr, nullptr);
  };
  CHECK((sequences(INT64_MAX / 128) == PLAIT_INVALID_ARGUMENT && named("sequences")));
  CHECK((sequences(-1) == PLAIT_INVALID_ARGUMENT && named("sequences")));
  CHECK(sequences(1) == PLAIT_OK);
  CHECK(sequences(0) == PLAIT_OK);
  const float state[4] = {0, 1, 0, 0};
  float logp[2];
  const auto merge = [&](int64_t parts, int64_t tokens) {
    return plait_row_stats_merge(Device(), nullptr, state, parts, tokens, nullptr, 1, logp, nullptr, nullptr, nullptr);
  };
  CHECK((merge(0, 1) == PLAIT_INVALID_ARGUMENT && named("parts")));
  CHECK((merge(INT64_MAX / 8, 1) == PLAIT_INVALID_ARGUMENT && named("parts")));
  CHECK((merge(1 << 20, INT64_MAX / 256) == PLAIT_INVALID_ARGUMENT && named("parts")));
  CHECK((merge(1, -1) == PLAIT_INVALID_ARGUMENT && named("tokens")));
  CHECK(merge(1, 1) == PLAIT_OK);
}

TEST_CASE("a structure that is missing, misaligned or of another version is refused by name") {
  alignas(8) unsigned char memory[sizeof(plait_objective) + 8] = {};
  const auto check = [&](const char* name, int64_t size, const std::function<int32_t(const void*)>& run) {
    CAPTURE(name);
    const auto refused = [&](const void* at) {
      return run(at) == PLAIT_INVALID_ARGUMENT && std::string(plait_last_error()).find(name) == 0;
    };
    std::memcpy(memory, &size, sizeof(size));
    std::memcpy(memory + 4, &size, sizeof(size));
    CHECK(refused(memory + 4));
    if (std::strcmp(name, "normalizers") != 0) CHECK(refused(nullptr));
    for (const int64_t other : {size - 1, size + 1, int64_t{0}}) {
      std::memcpy(memory, &other, sizeof(other));
      CHECK(refused(memory));
      CHECK(std::string(plait_last_error()).find(".struct_bytes") != std::string::npos);
    }
  };
  const plait_objective objective = EmptyObjective();
  const plait_token_batch batch = EmptyBatch(0);
  double workspace[4096];
  const auto evaluate = [&](const void* b, const void* o, const void* n) {
    return plait_token_objective(Device(), nullptr, static_cast<const plait_token_batch*>(b),
                                 static_cast<const plait_objective*>(o), static_cast<const plait_normalizers*>(n),
                                 nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, workspace, sizeof(workspace));
  };
  Accept(evaluate(&batch, &objective, nullptr));
  check("logits", sizeof(plait_logits), [](const void* p) {
    return plait_row_stats(Device(), nullptr, static_cast<const plait_logits*>(p), nullptr, nullptr, nullptr, nullptr,
                           nullptr);
  });
  check("batch", sizeof(plait_token_batch), [&](const void* p) { return evaluate(p, &objective, nullptr); });
  check("objective", sizeof(plait_objective), [&](const void* p) { return evaluate(&batch, p, nullptr); });
  check("normalizers", sizeof(plait_normalizers), [&](const void* p) { return evaluate(&batch, &objective, p); });
  check("options", sizeof(plait_advantage_options), [&](const void* p) {
    return plait_group_advantage(Device(), nullptr, 0, nullptr, nullptr, nullptr, 0, nullptr, nullptr,
                                 static_cast<const plait_advantage_options*>(p), nullptr, nullptr, nullptr, workspace,
                                 sizeof(workspace));
  });
}

TEST_CASE("measuring reads every element and scales every element once") {
  constexpr int64_t kCount = 2 * 1024;
  std::vector<float> data(kCount + 1);
  double sum = -1;
  Accept(plait_bandwidth_read(data.data(), kCount * 4, &sum));
  CHECK(sum == 0);
  for (int64_t i = 0; i < kCount; ++i) {
    data[i] = 1;  // the checksum tells whether anything is not 0
    Accept(plait_bandwidth_read(data.data(), kCount * 4, &sum));
    CHECK(sum == 1);
    data[i] = 0;
  }
  for (int64_t i = 0; i <= kCount; ++i) data[i] = static_cast<float>(i % 13) - 3;
  const std::vector<float> before = data;
  Accept(plait_bandwidth_scale(data.data(), kCount * 4, 3));
  for (int64_t i = 0; i < kCount; ++i) CHECK(data[i] == 3 * before[i]);
  CHECK(data[kCount] == before[kCount]);
}

TEST_CASE("a value that breaks its array's rule is refused by its index, wherever it stands") {
  if (!ReadsValuesFirst()) return;
  const auto named = [](const char* array, int index) {
    const std::string name = array + ("[" + std::to_string(index) + "]");
    return std::string(plait_last_error()).compare(0, name.size(), name) == 0;
  };
  plait_advantage_options options = {};
  options.struct_bytes = sizeof(options);
  double workspace[64];
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    std::vector<float> rewards = {1, kNan, 2}, weights = {0, 1, 2}, out(3);
    std::vector<int64_t> ids = {0, 1, 1};
    std::vector<uint8_t> roles = {0, 3, 1};
    const auto run = [&] {
      return plait_group_advantage(Device(), nullptr, 3, rewards.data(), roles.data(), weights.data(), 2, nullptr,
                                   ids.data(), &options, out.data(), nullptr, nullptr, workspace, sizeof(workspace));
    };
    const auto refuses = [&](const char* array, auto* values, std::initializer_list<double> broken) {
      for (const double value : broken) {
        const auto before = values[i];
        values[i] = static_cast<std::decay_t<decltype(values[i])>>(value);
        CHECK((run() == PLAIT_INVALID_ARGUMENT && named(array, i)));
        values[i] = before;
      }
      Accept(run());
    };
    refuses("rewards", rewards.data(), {HUGE_VAL, -HUGE_VAL});
    refuses("weights", weights.data(), {-1, HUGE_VAL, std::nan("")});
    refuses("ids", ids.data(), {-1, 2});
    refuses("roles", roles.data(), {4, 255});
  }
}
