// Emulator only: no bit of a result depends on the order in which threads, warps and blocks happen to run.
#include "device_support.h"
#include "simt.h"
#include "simt_runtime.h"

using namespace plait;
using namespace plait::test;

TEST_CASE("no bit depends on the order of threads") {
  const int64_t tokens = 9;
  for (const int64_t vocab : {100, 3001, 40001}) {
    CAPTURE(vocab);
    Rows rows(tokens, vocab, PLAIT_BFLOAT16);
    rows.Randomize(4);
    plait_objective objective = EmptyObjective();
    for (plait_rule& rule : objective.rules) {
      rule.policy_loss = PLAIT_POLICY_CLIP;
      rule.policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
      rule.entropy = {0.1f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    }
    const Array<float> advantages(std::vector<float>{1, -1, 2, 0.5f, -3, 1, 1, -0.25f, 2});
    plait_token_batch batch = EmptyBatch(tokens);
    batch.advantages = advantages.get();
    const int64_t bytes = plait_objective_workspace_bytes(tokens, 0);
    for (const bool two_passes : {false, true}) {
      objective.rules[0].ratio_level = two_passes ? PLAIT_RATIO_SEQUENCE_MEAN : PLAIT_RATIO_TOKEN;
      std::vector<uint8_t> first, first_metrics;
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        simt::SetSeed(seed);
        DeviceRows device(rows);
        const Array<float> logp(tokens), entropy(tokens), token_loss(tokens);
        const Array<uint8_t> metrics(sizeof(plait_metrics));
        const Array<double> workspace(bytes / 8);
        Accept(plait_policy_step(kDevice, nullptr, device.get(), &batch, &objective, nullptr, device.data(), vocab,
                                 logp.get(), entropy.get(), token_loss.get(),
                                 reinterpret_cast<plait_metrics*>(metrics.get()), workspace.get(), bytes));
        if (seed == 1) {
          first = device.Read();
          first_metrics = metrics.Read();
        }
        CHECK(device.Read() == first);
        CHECK(metrics.Read() == first_metrics);
      }
      CHECK(first != rows.bytes());
    }
  }
}

TEST_CASE("no rejection, choice or sum of a batch depends on the order of threads") {
  constexpr int64_t kTokens = 2300;
  std::mt19937 random(5);
  std::normal_distribution<float> normal(-1, 0.3f);
  std::vector<float> values[4];
  for (std::vector<float>& of : values) {
    for (int64_t t = 0; t < kTokens; ++t) of.push_back(normal(random));
  }
  for (int64_t t = 0; t < kTokens; ++t) values[2][t] = values[1][t] - 1 - std::fabs(values[2][t]);
  const Array<float> logp(values[0]), old_logp(values[1]), sampler_logp(values[2]), advantages(values[3]);
  const Array<int64_t> offsets(std::vector<int64_t>{0, 700, 1900, 1900, kTokens});
  plait_token_batch batch = EmptyBatch(kTokens);
  batch.sequences = 4;
  batch.offsets = offsets.get();
  batch.old_logp = old_logp.get();
  batch.sampler_logp = sampler_logp.get();
  batch.advantages = advantages.get();
  const int64_t bytes = plait_objective_workspace_bytes(kTokens, 4);
  for (const int32_t covariance : {PLAIT_COVARIANCE_CLIP, PLAIT_COVARIANCE_KL}) {
    plait_objective objective = EmptyObjective();
    plait_rule& rule = objective.rules[0];
    rule.policy_loss = PLAIT_POLICY_CLIP;
    rule.policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    rule.sampler_correction = 1;
    rule.selection = {PLAIT_SCOPE_BATCH, 0.4f};
    rule.covariance = {covariance, 3, 0.1f, -1, 1, 1};
    // Every sequence passes: even its worst token is below -1, unlike the counts that take the maximum's place.
    objective.correction = {PLAIT_CORRECTION_SEQUENCE_MEAN,
                            PLAIT_CORRECTION_TRUNCATE,
                            0.5f,
                            2,
                            kInf,
                            1,
                            PLAIT_CORRECTION_SEQUENCE_MAX,
                            PLAIT_KL_K1,
                            1e-30f,
                            0.6f,
                            PLAIT_FILTER_REJECT,
                            0};
    std::vector<float> first;
    std::vector<uint8_t> first_metrics;
    for (uint64_t seed = 1; seed <= 12; ++seed) {
      CAPTURE(seed);
      simt::SetSeed(seed);
      const Array<float> c(kTokens);
      const Array<plait_metrics> metrics(1);
      const Array<double> workspace(bytes / 8);
      Accept(plait_token_objective(kDevice, nullptr, &batch, &objective, nullptr, logp.get(), logp.get(), c.get(),
                                   nullptr, nullptr, metrics.get(), workspace.get(), bytes));
      const plait_metrics read = metrics.Read()[0];
      std::vector<uint8_t> metric_bytes(sizeof(read));
      std::memcpy(metric_bytes.data(), &read, sizeof(read));
      CHECK(read.rejected_tokens == 0);
      if (seed == 1) {
        first = c.Read();
        first_metrics = metric_bytes;
      }
      CHECK(SameBits(c.Read(), first));
      CHECK(metric_bytes == first_metrics);
    }
  }
}
