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
