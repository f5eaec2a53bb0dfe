// What arrays hold that breaks their rule cannot be refused on a device (plait.h, "CUDA"): nothing out of bounds is
// touched, and where the kernels say what comes of it, it does.
#include "device_support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Three rows between two others; tokens that are told rows before, among and behind them.
struct Indexed {
  static constexpr int64_t kVocab = 61;
  Rows all{5, kVocab, PLAIT_FLOAT32};
  DeviceRows device{all.Randomize(8)};
  Array<int64_t> index{std::vector<int64_t>{-1, 1, 3}}, targets{std::vector<int64_t>{4, 60, 2}};
  plait_logits logits = *device.get();

  Indexed() {
    logits.data = static_cast<float*>(device.data()) + kVocab;
    logits.rows = logits.tokens = 3;
    logits.row_index = index.get();
    logits.targets = targets.get();
  }
  void* Data() const { return static_cast<float*>(device.data()) + kVocab; }
  // Only the row of the token in the middle, the third of all, may change, and has to.
  void CheckTouched() {
    const std::vector<uint8_t> now = device.Read();
    for (const int64_t row : {0, 1, 3, 4}) {
      for (int64_t j = 0; j < kVocab; ++j) REQUIRE(device.At(now, row, j) == all.At(row, j));
    }
    for (int64_t j = 0; j < kVocab; ++j) REQUIRE(std::fabs(device.At(now, 2, j)) <= 1);
  }
};

plait_objective Nll() {
  plait_objective objective = EmptyObjective();
  for (plait_rule& rule : objective.rules) rule.nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  return objective;
}

// One step of tokens that count alike.
plait_metrics Step(const plait_logits& logits, void* dlogits, const plait_objective& objective,
                   const Array<uint8_t>* roles, const Array<float>& logp) {
  plait_token_batch batch = EmptyBatch(logits.tokens);
  if (roles) batch.roles = roles->get();
  const int64_t bytes = plait_objective_workspace_bytes(logits.tokens, 0);
  const Array<double> workspace(bytes / 8);
  const Array<float> entropy(logits.tokens);
  const Array<plait_metrics> metrics(1);
  Accept(plait_policy_step(kDevice, nullptr, &logits, &batch, &objective, nullptr, dlogits, logits.row_stride,
                           logp.get(), entropy.get(), nullptr, metrics.get(), workspace.get(), bytes));
  return metrics.Read()[0];
}

}  // namespace

TEST_CASE("a row index outside the logits gives NaN, and no row but the others' is written") {
  Indexed step;
  const Array<float> logp(3);
  Step(step.logits, step.Data(), Nll(), nullptr, logp);
  step.CheckTouched();
  Indexed stages;
  const StatsArrays stats = RunStats(&stages.logits);
  stats.logp.Set({1, 1, 1});  // new arrays hold NaN, which must not pass for an answer
  Accept(plait_row_stats(kDevice, nullptr, &stages.logits, stats.logp.get(), nullptr, nullptr, nullptr, nullptr));
  for (const std::vector<float>& values : {logp.Read(), stats.logp.Read()}) {
    CHECK(std::isnan(values[0]));
    CHECK(values[1] == doctest::Approx(stages.all.At(2, 60) - [&] {
            stages.all.targets()[2] = 60;
            return StatisticsOf(stages.all, 2, 1).logsumexp;
          }()));
    CHECK(std::isnan(values[2]));
  }
  const Array<float> c(std::vector<float>{-1, -1, -1});
  Accept(plait_logits_grad(kDevice, nullptr, &stages.logits, stats.state.get(), c.get(), nullptr, stages.Data(),
                           Indexed::kVocab, nullptr));
  stages.CheckTouched();
}

TEST_CASE("a temperature that is none gives NaN in its row alone") {
  for (const int64_t vocab : {50, 9000}) {
    Rows rows(5, vocab, PLAIT_FLOAT32);
    rows.Randomize(3);
    DeviceRows device(rows), step(rows);
    const Array<float> temperatures(std::vector<float>{1, 0, -1, kInf, kNan}), logp(5);
    device.raw().temperatures = step.raw().temperatures = temperatures.get();
    const StatsArrays stats = RunStats(device.get());
    const Array<float> c(std::vector<float>(5, -1));
    Accept(plait_logits_grad(kDevice, nullptr, device.get(), stats.state.get(), c.get(), nullptr, device.data(), vocab,
                             nullptr));
    Step(*step.get(), step.data(), Nll(), nullptr, logp);
    const std::vector<uint8_t> of_stages = device.Read(), of_step = step.Read();
    for (int64_t row = 0; row < 5; ++row) {
      CAPTURE(row);
      CHECK(std::isnan(stats.logp.Read()[row]) == (row > 0));
      CHECK(std::isnan(stats.entropy.Read()[row]) == (row > 0));
      CHECK(std::isnan(logp.Read()[row]) == (row > 0));
      for (int64_t j = 0; j < vocab; ++j) {
        REQUIRE(std::isnan(device.At(of_stages, row, j)) == (row > 0));
        REQUIRE(std::isnan(step.At(of_step, row, j)) == (row > 0));
      }
    }
  }
}

TEST_CASE("a NaN in the target's own logit makes the row of a step NaN") {
  Rows rows(2, 70, PLAIT_FLOAT32);
  rows.Randomize(3);
  rows.Set(1, rows.targets()[1], kNan);
  DeviceRows device(rows);
  const Array<float> logp(2);
  Step(*device.get(), device.data(), Nll(), nullptr, logp);
  const std::vector<uint8_t> gradient = device.Read();
  for (int64_t j = 0; j < 70; ++j) {
    REQUIRE(std::isfinite(device.At(gradient, 0, j)));
    REQUIRE(std::isnan(device.At(gradient, 1, j)));
  }
}

TEST_CASE("what is no role counts as ignored, and an ignored token has no bad target") {
  Rows rows(4, 70, PLAIT_FLOAT32);
  rows.Randomize(5);
  rows.targets()[2] = -100;
  std::vector<uint8_t> expected;
  for (const uint8_t none : {0, 4, 200}) {
    CAPTURE(none);
    DeviceRows device(rows);
    const Array<uint8_t> roles(std::vector<uint8_t>{1, none, none, 3});
    const Array<float> logp(4);
    const plait_metrics metrics = Step(*device.get(), device.data(), Nll(), &roles, logp);
    CHECK(metrics.tokens[0] == 2);
    CHECK(metrics.bad_targets == 0);
    CHECK(logp.Read()[1] == 0);
    if (none == 0) expected = device.Read();
    CHECK(SameBits(device.Read(), expected));
  }
}

TEST_CASE("offsets that break their rule lead to nothing outside the batch") {
  constexpr int64_t kTokens = 300, kGuard = 64;
  const std::vector<float> filled(kTokens + 2 * kGuard, 0.25f);
  for (const std::vector<int64_t>& broken :
       {std::vector<int64_t>{0, kTokens + 60}, {-60, kTokens}, {0, 20, -7, 40, kTokens + 1, kTokens}}) {
    const Array<int64_t> offsets(broken);
    const int64_t sequences = static_cast<int64_t>(broken.size()) - 1;
    const Array<float> out(filled), returns(filled), x(filled);
    const Array<uint8_t> roles(std::vector<uint8_t>(filled.size(), PLAIT_ROLLOUT));
    const auto check = [&](const Array<float>& array) {
      const std::vector<float> values = array.Read();
      for (int64_t i = 0; i < kGuard; ++i) REQUIRE((values[i] == 0.25f && values[kGuard + kTokens + i] == 0.25f));
    };
    for (const int32_t level : {PLAIT_RATIO_TOKEN, PLAIT_RATIO_SEQUENCE_MEAN}) {
      Accept(plait_importance_ratio(kDevice, nullptr, kTokens, sequences, offsets.get(), roles.get() + kGuard,
                                    x.get() + kGuard, x.get() + kGuard, level, 0.2f, 0.2f, kInf, out.get() + kGuard,
                                    nullptr, nullptr));
      check(out);
    }
    Accept(plait_token_advantage(kDevice, nullptr, kTokens, sequences, offsets.get(), roles.get() + kGuard,
                                 x.get() + kGuard, nullptr, 1, 1, 0, out.get() + kGuard, returns.get() + kGuard));
    check(out);
    check(returns);
  }
}

TEST_CASE("tokens that broken offsets leave out are ignored, whatever the workspace holds") {
  constexpr int64_t kTokens = 20;
  const Array<int64_t> offsets(std::vector<int64_t>{0, 4, kTokens + 5, kTokens});
  const Array<float> logp(std::vector<float>(kTokens, -1)), c(kTokens);
  const Array<plait_metrics> metrics(1);
  plait_token_batch batch = EmptyBatch(kTokens);
  batch.sequences = 3;
  batch.offsets = offsets.get();
  const plait_objective objective = Nll();
  const int64_t bytes = plait_objective_workspace_bytes(kTokens, 3);
  for (const uint8_t left : {0, 1, 255}) {
    CAPTURE(left);
    const Array<uint8_t> workspace(std::vector<uint8_t>(bytes, left));
    Accept(plait_token_objective(kDevice, nullptr, &batch, &objective, nullptr, logp.get(), nullptr, c.get(), nullptr,
                                 nullptr, metrics.get(), workspace.get(), bytes));
    CHECK(metrics.Read()[0].tokens[0] == 4);
    const std::vector<float> values = c.Read();
    for (int64_t t = 0; t < kTokens; ++t) CHECK(values[t] == (t < 4 ? -0.25f : 0));
  }
}

TEST_CASE("ids that name no group get NaN, and count nowhere") {
  constexpr int64_t kCount = 900;
  std::vector<float> rewards, clean;
  std::vector<int64_t> ids, clean_ids;
  for (int64_t i = 0; i < kCount; ++i) {
    rewards.push_back(static_cast<float>(i * i % 17));
    ids.push_back(i % 3 ? i % 2 : i % 9 ? -1 - i : 2 + i / 100);
    if (i % 3 == 0) continue;
    clean.push_back(rewards.back());
    clean_ids.push_back(ids.back());
  }
  const plait_advantage_options options = {sizeof(options),
                                           PLAIT_BASELINE_BATCH_MEAN,
                                           PLAIT_SCALE_BATCH_STD,
                                           PLAIT_SINGLETON_ZERO,
                                           1,
                                           0,
                                           PLAIT_STATISTICS_ALL,
                                           0,
                                           1e-6f,
                                           0,
                                           0};
  const int64_t bytes = plait_group_advantage_workspace_bytes(2);
  const auto run = [&](std::vector<float> values, std::vector<int64_t> of) {
    const int64_t count = static_cast<int64_t>(values.size());
    values.push_back(0);  // one more that belongs to nobody
    of.push_back(-1);
    const Array<float> in(values), out(std::vector<float>(values.size(), 1));
    const Array<int64_t> id_array(of);
    const Array<double> workspace(bytes / 8 + 1);
    Accept(plait_group_advantage(kDevice, nullptr, count, in.get(), nullptr, nullptr, 2, nullptr, id_array.get(),
                                 &options, out.get(), nullptr, nullptr, workspace.get(), bytes));
    std::vector<float> advantages = out.Read();
    CHECK(advantages.back() == 1);
    advantages.pop_back();
    return advantages;
  };
  const std::vector<float> actual = run(rewards, ids), expected = run(clean, clean_ids);
  size_t next = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    CAPTURE(i);
    if (i % 3 == 0) {
      CHECK(std::isnan(actual[i]));
    } else {
      CHECK(actual[i] == doctest::Approx(expected[next++]).epsilon(1e-6));
    }
  }
}
