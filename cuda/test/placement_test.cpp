// Where a row lies, how large it is, and where in it the largest logit stands: none of it makes a difference.
#include "device_support.h"

using namespace plait;
using namespace plait::test;

namespace {

constexpr int32_t kDtypes[] = {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16};
constexpr uint8_t kUntouched = 0x5A;

plait_objective NllWithEntropy() {
  plait_objective objective = EmptyObjective();
  objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  objective.rules[0].entropy = {0.1f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  return objective;
}

// A step and its three stages over the same rows, of which the second is ignored: in place, or to rows that begin
// elsewhere within a vector. Both must write the same bits, and none between the rows.
void CheckStepAgainstStages(int64_t tokens, int64_t vocab, int32_t dtype, int64_t shift) {
  CAPTURE(vocab);
  CAPTURE(dtype);
  CAPTURE(shift);
  const plait_objective objective = NllWithEntropy();
  Rows rows(tokens, vocab, dtype, vocab + 3, shift);
  for (uint8_t& byte : rows.bytes()) byte = kUntouched;
  rows.Randomize(static_cast<uint32_t>(vocab));
  rows.targets()[0] = 0;
  Rows apart(tokens, vocab, dtype, vocab + 6, 5 - shift);
  for (uint8_t& byte : apart.bytes()) byte = kUntouched;
  std::vector<uint8_t> all_roles(tokens, PLAIT_ROLLOUT);
  all_roles[1] = PLAIT_IGNORED;
  const Array<uint8_t> roles(all_roles);
  plait_token_batch batch = EmptyBatch(tokens);
  batch.roles = roles.get();
  const int64_t bytes = plait_objective_workspace_bytes(tokens, 0);
  const Array<double> workspace(bytes / 8);
  const Array<float> logp(tokens), entropy(tokens), c(tokens), h(tokens);

  DeviceRows logits(rows), stages(apart);
  const StatsArrays stats = RunStats(logits.get());
  Accept(plait_token_objective(kDevice, nullptr, &batch, &objective, nullptr, stats.logp.get(), stats.entropy.get(),
                               c.get(), h.get(), nullptr, nullptr, workspace.get(), bytes));
  Accept(plait_logits_grad(kDevice, nullptr, logits.get(), stats.state.get(), c.get(), h.get(), stages.data(),
                           vocab + 6, nullptr));
  DeviceRows step(apart);
  Accept(plait_policy_step(kDevice, nullptr, logits.get(), &batch, &objective, nullptr, step.data(), vocab + 6,
                           logp.get(), entropy.get(), nullptr, nullptr, workspace.get(), bytes));
  CHECK(logp.Read()[0] == stats.logp.Read()[0]);
  CHECK(logp.Read()[0] == doctest::Approx(StatisticsOf(rows, 0, 1).logp).epsilon(1e-6));
  const std::vector<uint8_t> expected = stages.Read();
  CHECK(SameBits(step.Read(), expected));
  CHECK(step.At(expected, 0, 0) < 0);

  Accept(plait_policy_step(kDevice, nullptr, logits.get(), &batch, &objective, nullptr, logits.data(), vocab + 3,
                           logp.get(), entropy.get(), nullptr, nullptr, workspace.get(), bytes));
  const std::vector<uint8_t> in_place = logits.Read();
  int64_t different = 0, touched = 0;
  for (int64_t row = 0; row < tokens; ++row) {
    for (int64_t j = 0; j < vocab; ++j) different += logits.At(in_place, row, j) != step.At(expected, row, j);
    for (int64_t j = vocab; j < vocab + 3 && row + 1 < tokens; ++j) {
      touched += logits.At(in_place, row, j) != rows.At(row, j);
      touched += step.At(expected, row, j) != apart.At(row, j);
    }
  }
  CHECK(different == 0);
  CHECK(touched == 0);
}

// One row per position in `at`, where its largest logit stands, far enough above the others to overflow an exponential
// that is not relative to it.
void CheckLargestAt(int64_t vocab, int32_t dtype, const std::vector<int64_t>& at) {
  CAPTURE(vocab);
  CAPTURE(dtype);
  Rows rows(static_cast<int64_t>(at.size()), vocab, dtype);
  for (size_t row = 0; row < at.size(); ++row) {
    for (int64_t j = 0; j < vocab; ++j) rows.Set(row, j, j == at[row] ? 300 : -300);
    rows.targets()[row] = at[row];
  }
  DeviceRows device(rows);
  const StatsArrays stats = RunStats(device.get());
  CHECK(stats.logp.Read() == std::vector<float>(at.size(), 0));
  CHECK(stats.entropy.Read() == std::vector<float>(at.size(), 0));
  CHECK(stats.logsumexp.Read() == std::vector<float>(at.size(), 300));
}

}  // namespace

TEST_CASE("a step equals its three stages for rows of any size and place, and leaves everything between them") {
  for (const int64_t vocab : {5, 59, 2053, 33001, 100003}) {
    for (const int32_t dtype : kDtypes) {
      for (const int64_t shift : {0, 1}) CheckStepAgainstStages(3, vocab, dtype, shift);
    }
  }
}

TEST_CASE("a row larger than the shared memory of a whole cluster is walked through in stages") {
  CheckStepAgainstStages(2, 990003, PLAIT_BFLOAT16, 1);
  CheckStepAgainstStages(2, 490004, PLAIT_FLOAT32, 0);
}

TEST_CASE("the largest logit may stand anywhere in its row") {
  for (const int32_t dtype : kDtypes) {
    std::vector<int64_t> all;
    for (int64_t j = 0; j < 40; ++j) all.push_back(j);
    CheckLargestAt(40, dtype, all);
    std::vector<int64_t> some;
    for (int64_t j = 0; j < 16100; j += 699) some.push_back(j);
    some.push_back(16099);
    CheckLargestAt(16100, dtype, some);
  }
}

TEST_CASE("entries at the lowest finite number count as masked ones, wherever they stand") {
  for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16}) {
    for (const int64_t vocab : {300, 900, 16000, 40000}) {
      CAPTURE(dtype);
      CAPTURE(vocab);
      // Masked at the front, at the back, and but for one.
      Rows rows(3, vocab, dtype);
      rows.Randomize(6);
      for (int64_t j = 0; j < vocab; ++j) {
        if (j < vocab * 3 / 5) rows.Set(0, j, -3.3e38f);
        if (j > vocab * 2 / 5) rows.Set(1, j, -3.3e38f);
        if (j != vocab - 2) rows.Set(2, j, -3.3e38f);
      }
      rows.targets() = {vocab - 1, 0, vocab - 2};
      rows.raw().temperature = 0.5f;
      DeviceRows device(rows);
      const StatsArrays stats = RunStats(device.get());
      for (int64_t row = 0; row < 3; ++row) {
        CAPTURE(row);
        const Statistics expected = StatisticsOf(rows, row, 0.5);
        CHECK(stats.logp.Read()[row] == doctest::Approx(expected.logp).epsilon(1e-6));
        CHECK(stats.entropy.Read()[row] == doctest::Approx(expected.entropy).epsilon(1e-6));
      }
      const Array<float> c(std::vector<float>{-1, -1, -1}), h(std::vector<float>{0.5f, 0.5f, 0.5f});
      Accept(plait_logits_grad(kDevice, nullptr, device.get(), stats.state.get(), c.get(), h.get(), device.data(),
                               vocab, nullptr));
      const std::vector<uint8_t> gradient = device.Read();
      for (int64_t row = 0; row < 3; ++row) {
        for (int64_t j = 0; j < vocab; ++j) {
          REQUIRE(std::isfinite(device.At(gradient, row, j)));
          if (rows.At(row, j) < -1e38f) REQUIRE(device.At(gradient, row, j) == 0);
        }
      }
    }
  }
}

TEST_CASE("rows of whole tiles may begin anywhere") {
  for (const int32_t dtype : kDtypes) {
    const int64_t vocab = 2 * 1024 * 16 / ElementBytes(dtype);
    CheckStepAgainstStages(2, vocab, dtype, 1);
    Rows rows(1, vocab, dtype), apart(1, vocab, dtype, 0, 1);
    rows.Randomize(4);
    rows.targets()[0] = vocab - 1;
    DeviceRows device(rows), out(apart);
    const StatsArrays stats = RunStats(device.get());
    const Array<float> c(std::vector<float>{-1});
    Accept(plait_logits_grad(kDevice, nullptr, device.get(), stats.state.get(), c.get(), nullptr, out.data(), vocab,
                             nullptr));
    const double p = std::exp(StatisticsOf(rows, 0, 1).logp);
    CHECK(out.At(out.Read(), 0, vocab - 1) == doctest::Approx(p - 1).epsilon(0.01));
  }
}
