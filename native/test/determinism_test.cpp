#include <thread>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

struct Step {
  std::vector<uint8_t> dlogits;
  std::vector<float> logp;
  std::vector<float> entropy;
  plait_metrics metrics;
};

Step Run(Rows& rows) {
  const int64_t tokens = rows.raw().tokens;
  plait_objective objective = EmptyObjective();
  objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  objective.rules[0].entropy = {0.1f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  plait_normalizers normalizers = EmptyNormalizers();
  normalizers.tokens[0] = 1000;  // the same weight for any number of rows
  const plait_token_batch batch = EmptyBatch(tokens);
  std::vector<double> workspace(plait_objective_workspace_bytes(tokens, 0) / 8 + 1);
  Rows out(tokens, rows.raw().vocab, rows.raw().dtype);
  Step step = {{}, std::vector<float>(tokens), std::vector<float>(tokens), {}};
  Accept(plait_policy_step(Device(), nullptr, rows.get(), &batch, &objective, &normalizers, out.data(),
                           rows.raw().vocab, step.logp.data(), step.entropy.data(), nullptr, &step.metrics,
                           workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
  step.dlogits = out.bytes();
  return step;
}

}  // namespace

TEST_CASE("results repeat bit for bit on any number of threads") {
  Rows rows(301, 3001, PLAIT_BFLOAT16);
  rows.Randomize(1);
  const Step first = Run(rows);
  CHECK(first.metrics.loss > 1e-3);
#ifdef _OPENMP
  for (const int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
#else
  for (int run = 0; run < 3; ++run) {
#endif
    const Step again = Run(rows);
    CHECK(SameBits(again.dlogits, first.dlogits));
    CHECK(SameBits(again.logp, first.logp));
    CHECK(std::memcmp(&again.metrics, &first.metrics, sizeof(plait_metrics)) == 0);
  }
}

TEST_CASE("a row's result does not depend on the batch around it") {
  Rows rows(64, 5000, PLAIT_FLOAT32);
  rows.Randomize(7);
  const Step batch = Run(rows);
  for (const int64_t row : {0, 13, 63}) {
    Rows alone(1, 5000, PLAIT_FLOAT32, 5000, 1);
    for (int64_t j = 0; j < 5000; ++j) alone.Set(0, j, rows.At(row, j));
    alone.targets()[0] = rows.targets()[row];
    const Step step = Run(alone);
    CHECK(step.logp[0] == batch.logp[row]);
    CHECK(step.entropy[0] == batch.entropy[row]);
    CHECK(std::memcmp(step.dlogits.data(), &batch.dlogits[row * 5000 * 4], 5000 * 4) == 0);
  }
}

TEST_CASE("many threads may call at once") {
  Rows rows(40, 4000, PLAIT_FLOAT32);
  rows.Randomize(3);
  const Step expected = Run(rows);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Rows mine = rows;
      for (int repeat = 0; repeat < 5; ++repeat) same[i] += SameBits(Run(mine).dlogits, expected.dlogits);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : same) CHECK(count == 5);
}
