#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

plait_objective Objective(float entropy) {
  plait_objective objective = EmptyObjective();
  for (plait_rule& rule : objective.rules) {
    rule.policy_loss = PLAIT_POLICY_CLIP;
    rule.policy = {1, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    rule.kl = {0.05f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    rule.kl_estimator = PLAIT_KL_K3;
    rule.entropy = {entropy, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    rule.dual_clip = 3;
  }
  return objective;
}

// Objectives that need a token's sequence or batch first, each in its own way.
std::vector<plait_objective> TwoPassObjectives() {
  std::vector<plait_objective> all(5, Objective(0.01f));
  for (plait_rule& rule : all[0].rules) rule.ratio_level = PLAIT_RATIO_SEQUENCE_MEAN;
  for (plait_rule& rule : all[1].rules) rule.selection = {PLAIT_SCOPE_BATCH, 0.4f};
  for (plait_rule& rule : all[2].rules) rule.policy_loss = PLAIT_POLICY_GMPO;
  for (plait_rule& rule : all[3].rules) rule.policy_weighting = {PLAIT_SCOPE_SEQUENCE, 0.1f, 0.3f, 1};
  for (plait_rule& rule : all[4].rules) rule.covariance = {PLAIT_COVARIANCE_KL, 0, 0.2f, 0, 0, 1};
  all[4].rules[1] = EmptyRule();
  all[4].rules[1].policy_loss = PLAIT_POLICY_RESHAPED;
  all[4].rules[1].behaviour = PLAIT_BEHAVIOUR_CERTAIN;
  all[4].rules[1].policy.coefficient = 1;
  return all;
}

// A batch over `rows` with noisy old and reference log-probs, so that some tokens clip.
struct Batch {
  explicit Batch(Rows& rows) : tokens(rows.raw().tokens) {
    std::mt19937 random(99);
    std::normal_distribution<float> normal(0, 0.3f);
    std::vector<float> logp(tokens);
    Accept(plait_row_stats(Device(), nullptr, rows.get(), logp.data(), nullptr, nullptr, nullptr, nullptr));
    for (int64_t t = 0; t < tokens; ++t) {
      old_logp.push_back(logp[t] + normal(random));
      ref_logp.push_back(logp[t] + normal(random));
      advantages.push_back(normal(random) * 3);
      roles.push_back(static_cast<uint8_t>(t % 5 == 4 ? 0 : 1 + t % 3));
    }
    offsets = {0, tokens / 3, tokens / 3, tokens};
    batch = EmptyBatch(tokens);
    batch.sequences = 3;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    workspace.resize(plait_objective_workspace_bytes(tokens, 3) / 8 + 1);
  }
  int64_t tokens;
  std::vector<float> old_logp, ref_logp, advantages;
  std::vector<uint8_t> roles;
  std::vector<int64_t> offsets;
  std::vector<double> workspace;
  plait_token_batch batch;
};

}  // namespace

namespace {

// Gradients of the same logits from exponentials relative to the row's maximum and to that of a part of it.
void CheckWithinRounding(Rows& actual, Rows& expected) {
  for (int64_t t = 0; t < expected.raw().tokens; ++t) {
    for (int64_t j = 0; j < expected.raw().vocab; ++j) {
      // Each exponential is off by half a unit in the last place of its exponent.
      const double value = std::fabs(expected.At(t, j));
      const double bound = value == 0 ? 0 : 0x1p-23 * value * (4 + std::fabs(std::log(value)));
      REQUIRE(std::fabs(actual.At(t, j) - static_cast<double>(expected.At(t, j))) <= bound + 1e-36);
    }
  }
}

// Whether gradients come from kept exponentials: plait.h allows a rounding then.
bool KeepsExponentials(int32_t dtype, const plait_objective& objective) {
  return Device() == PLAIT_CPU && dtype == PLAIT_FLOAT32 && objective.rules[0].entropy.coefficient == 0 &&
         !*plait_objective_second_pass(&objective);
}

// Runs the step and its three stages over the same rows and compares every output, bit by bit where that is promised.
void CheckAgainstStages(int32_t dtype, int64_t vocab, const plait_objective& objective) {
  constexpr int64_t kTokens = 23;
  Rows rows(kTokens, vocab, dtype);
  rows.Randomize(17);
  Batch data(rows);
  for (int64_t j = 0; j < vocab; ++j) rows.Set(4, j, kNan);  // ignored: never read
  const int64_t bytes = static_cast<int64_t>(data.workspace.size() * 8);

  std::vector<float> logp(kTokens), entropy(kTokens), state(4 * kTokens), c(kTokens), h(kTokens), loss(kTokens);
  plait_metrics metrics;
  Accept(plait_row_stats(Device(), nullptr, rows.get(), logp.data(), entropy.data(), nullptr, state.data(), nullptr));
  Accept(plait_token_objective(Device(), nullptr, &data.batch, &objective, nullptr, logp.data(), entropy.data(),
                               c.data(), h.data(), loss.data(), &metrics, data.workspace.data(), bytes));
  Rows expected(kTokens, vocab, dtype);
  Accept(plait_logits_grad(Device(), nullptr, rows.get(), state.data(), c.data(), h.data(), expected.data(), vocab,
                           nullptr));
  for (int64_t t = 4; t < kTokens; t += 5) {
    logp[t] = entropy[t] = 0;
    for (int64_t j = 0; j < vocab; ++j) expected.Set(t, j, 0);
  }

  Rows apart(kTokens, vocab, dtype);
  std::vector<float> step_logp(kTokens), step_entropy(kTokens), step_loss(kTokens);
  plait_metrics step_metrics;
  Accept(plait_policy_step(Device(), nullptr, rows.get(), &data.batch, &objective, nullptr, apart.data(), vocab,
                           step_logp.data(), step_entropy.data(), step_loss.data(), &step_metrics,
                           data.workspace.data(), bytes));
  CHECK(SameBits(step_logp, logp));
  CHECK(SameBits(step_entropy, entropy));
  CHECK(SameBits(step_loss, loss));
  if (KeepsExponentials(dtype, objective)) {
    CheckWithinRounding(apart, expected);
  } else {
    CHECK(SameBits(apart.bytes(), expected.bytes()));
  }
  CHECK(std::memcmp(&step_metrics, &metrics, sizeof(metrics)) == 0);
  CHECK(metrics.tokens[0] == kTokens - 4);
  CHECK(metrics.loss_magnitude > 0);

  Accept(plait_policy_step(Device(), nullptr, rows.get(), &data.batch, &objective, nullptr, rows.data(), vocab,
                           step_logp.data(), step_entropy.data(), nullptr, nullptr, data.workspace.data(), bytes));
  CHECK(SameBits(rows.bytes(), apart.bytes()));
}

}  // namespace

TEST_CASE("one pass equals the three stages, in place and apart") {
  for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16}) {
    for (const int64_t vocab : {1, 59, 2053, 4096, 8199, 32000}) {
      for (const float entropy_bonus : {0.0f, 0.01f}) {
        const plait_objective objective = Objective(entropy_bonus);
        CHECK(!*plait_objective_second_pass(&objective));
        CheckAgainstStages(dtype, vocab, objective);
      }
    }
  }
}

TEST_CASE("two passes equal the three stages bit for bit too, and say why they are needed") {
  for (const plait_objective& objective : TwoPassObjectives()) {
    CHECK(*plait_objective_second_pass(&objective));
    CheckAgainstStages(PLAIT_FLOAT32, 2053, objective);
    CheckAgainstStages(PLAIT_BFLOAT16, 59, objective);
  }
}

TEST_CASE("bad targets are counted, get zero rows and stay out of the loss") {
  Rows rows(3, 50, PLAIT_FLOAT32);
  rows.Randomize(5);
  rows.targets() = {7, 50, -1};
  plait_objective objective = EmptyObjective();
  objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const plait_token_batch batch = EmptyBatch(3);
  std::vector<double> workspace(plait_objective_workspace_bytes(3, 0) / 8 + 1);
  std::vector<float> logp(3), entropy(3);
  Rows out(3, 50, PLAIT_FLOAT32);
  plait_metrics metrics;
  Accept(plait_policy_step(Device(), nullptr, rows.get(), &batch, &objective, nullptr, out.data(), 50, logp.data(),
                           entropy.data(), nullptr, &metrics, workspace.data(),
                           static_cast<int64_t>(workspace.size() * 8)));
  CHECK(metrics.bad_targets == 2);
  CHECK(metrics.tokens[0] == 1);
  CHECK(std::isfinite(metrics.loss));
  CHECK(metrics.loss > 0);
  CHECK(std::isnan(logp[1]));
  for (int64_t j = 0; j < 50; ++j) {
    CHECK(out.At(1, j) == 0);
    CHECK(out.At(2, j) == 0);
  }
  CHECK(out.At(0, 7) < 0);
}

TEST_CASE("to sequences and rankings a bad target is as good as an ignored token") {
  constexpr int64_t kTokens = 23, kVocab = 59;
  for (plait_objective& objective : TwoPassObjectives()) {
    for (plait_rule& rule : objective.rules) {
      rule.policy.aggregation = rule.kl.aggregation = rule.entropy.aggregation = PLAIT_TOKEN_MEAN;
    }
    plait_normalizers normalizers = EmptyNormalizers();
    for (double& tokens : normalizers.tokens) tokens = 20;
    std::vector<uint8_t> gradients[2];
    for (const bool ignored : {false, true}) {
      Rows rows(kTokens, kVocab, PLAIT_FLOAT32);
      rows.Randomize(17);
      Batch data(rows);
      for (const int64_t t : {6, 7, 8, 16, 18}) {
        if (ignored) {
          data.roles[t] = PLAIT_IGNORED;
        } else {
          rows.targets()[t] = kVocab;
        }
      }
      std::vector<float> logp(kTokens), entropy(kTokens);
      Accept(plait_policy_step(Device(), nullptr, rows.get(), &data.batch, &objective, &normalizers, rows.data(),
                               kVocab, logp.data(), entropy.data(), nullptr, nullptr, data.workspace.data(),
                               static_cast<int64_t>(data.workspace.size() * 8)));
      gradients[ignored] = rows.bytes();
    }
    CHECK(SameBits(gradients[0], gradients[1]));
  }
}
