#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

struct Output {
  explicit Output(int64_t tokens) : c(tokens), h(tokens), loss(tokens) {}
  std::vector<float> c, h, loss;
  plait_metrics metrics = {};
};

Output Run(const plait_token_batch& batch, const plait_objective& objective, const plait_normalizers* normalizers,
           const std::vector<float>& logp, const std::vector<float>& entropy) {
  Output out(batch.tokens);
  std::vector<double> workspace(plait_objective_workspace_bytes(batch.tokens, batch.sequences) / 8 + 1);
  Accept(plait_token_objective(Device(), nullptr, &batch, &objective, normalizers, logp.data(),
                               entropy.empty() ? nullptr : entropy.data(), out.c.data(), out.h.data(), out.loss.data(),
                               &out.metrics, workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
  return out;
}

bool Near(double actual, double expected) { return std::fabs(actual - expected) <= 1e-6 * std::fabs(expected); }

// Two sequences, of 3 and 2 tokens, and an ignored token at the end of the second.
struct Batch {
  std::vector<int64_t> offsets = {0, 3, 6};
  std::vector<uint8_t> roles = {1, 1, 1, 1, 1, 0};
  std::vector<float> logp = {-0.5f, -1.5f, -0.1f, -2.0f, -0.7f, kNan};
  std::vector<float> old_logp = {-0.7f, -1.4f, -1.1f, -0.9f, -1.7f, kNan};
  std::vector<float> ref_logp = {-0.4f, -2.5f, -0.1f, -1.0f, -0.6f, kNan};
  std::vector<float> entropy = {0.9f, 1.1f, 0.2f, 2.0f, 0.4f, kNan};
  std::vector<float> advantages = {1.5f, -0.8f};
  plait_token_batch Get() {
    plait_token_batch batch = EmptyBatch(6);
    batch.sequences = 2;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.advantage_per_sequence = 1;
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    return batch;
  }
};

}  // namespace

TEST_CASE("SFT weighs every token by one over the token count") {
  Batch data;
  plait_objective objective = EmptyObjective();
  objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const Output out = Run(data.Get(), objective, nullptr, data.logp, {});
  for (int t = 0; t < 5; ++t) CHECK(Near(out.c[t], -0.2));
  CHECK(out.c[5] == 0);
  CHECK(out.loss[5] == 0);
  CHECK(Near(out.metrics.loss, (0.5 + 1.5 + 0.1 + 2.0 + 0.7) / 5));
  CHECK(out.metrics.tokens[0] == 5);
}

TEST_CASE("the clipped loss keeps, clips high, clips low and dual-clips by the sign of the advantage") {
  Batch data;
  plait_objective objective = EmptyObjective();
  plait_rule& rule = objective.rules[0];
  rule.policy_loss = PLAIT_POLICY_CLIP;
  rule.policy = {1, PLAIT_SEQ_MEAN_TOKEN_SUM, PLAIT_ALL_TOKENS};
  rule.clip_high = 0.28f;
  rule.dual_clip = 2.5f;
  const Output out = Run(data.Get(), objective, nullptr, data.logp, {});
  const double r0 = std::exp(0.2), r1 = std::exp(-0.1), r2 = std::exp(1.0), r4 = std::exp(1.0);
  CHECK(Near(out.c[0], -1.5 * r0 / 2));
  CHECK(Near(out.c[1], -1.5 * r1 / 2));
  CHECK(out.c[2] == 0);  // A > 0, r > 1.28
  CHECK(Near(out.loss[2], -1.5 * 1.28 / 2));
  CHECK(out.c[3] == 0);  // A < 0, r < 0.8
  CHECK(Near(out.loss[3], 0.8 * 0.8 / 2));
  CHECK(out.c[4] == 0);  // A < 0, r > 2.5
  CHECK(Near(out.loss[4], 0.8 * 2.5 / 2));
  CHECK(out.metrics.clip_high_count == 1);
  CHECK(out.metrics.clip_low_count == 1);
  CHECK(out.metrics.dual_clip_count == 1);
  CHECK(Near(out.metrics.ratio_max, r2));
  CHECK(Near(out.metrics.ratio_sum, r0 + r1 + r2 + r4 + std::exp(-1.1)));
  CHECK(Near(out.metrics.approx_kl_k1_sum, -(0.2 - 0.1 + 1.0 - 1.1 + 1.0)));
}

TEST_CASE("a ratio exactly at a bound keeps its gradient") {
  plait_objective objective = EmptyObjective();
  objective.rules[0].policy_loss = PLAIT_POLICY_CLIP;
  objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  objective.rules[0].clip_high = 0;
  objective.rules[0].clip_low = 0;
  const std::vector<float> logp = {-1, -1}, advantages = {2, -2};
  plait_token_batch batch = EmptyBatch(2);
  batch.advantages = advantages.data();
  const Output out = Run(batch, objective, nullptr, logp, {});  // no old_logp: ratio exactly 1
  CHECK(out.c[0] == -1);
  CHECK(out.c[1] == 1);
  CHECK(out.metrics.clip_high_count + out.metrics.clip_low_count == 0);
}

TEST_CASE("the log-ratio limit clamps the ratio and takes the gradient away") {
  plait_objective objective = EmptyObjective();
  objective.rules[0].policy_loss = PLAIT_POLICY_CLIP;
  objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  objective.rules[0].clip_high = objective.rules[0].clip_low = kInf;
  const std::vector<float> logp = {-1, -1}, old_logp = {-101, -3}, advantages = {1, 1};
  plait_token_batch batch = EmptyBatch(2);
  batch.advantages = advantages.data();
  batch.old_logp = old_logp.data();
  objective.rules[0].log_ratio_limit = 20;
  const Output out = Run(batch, objective, nullptr, logp, {});
  CHECK(out.c[0] == 0);
  CHECK(Near(out.loss[0], -std::exp(20.0) / 2));
  CHECK(Near(out.c[1], -std::exp(2.0) / 2));
}

TEST_CASE("KL estimators have their textbook values and derivatives") {
  Batch data;
  for (const int32_t estimator : {PLAIT_KL_K1, PLAIT_KL_K2, PLAIT_KL_K3}) {
    plait_objective objective = EmptyObjective();
    objective.rules[0].kl = {0.1f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    objective.rules[0].kl_estimator = estimator;
    const Output out = Run(data.Get(), objective, nullptr, data.logp, {});
    double sum = 0;
    for (int t = 0; t < 5; ++t) {
      const double d = static_cast<double>(data.logp[t]) - data.ref_logp[t];
      const double value = estimator == PLAIT_KL_K1 ? d : estimator == PLAIT_KL_K2 ? d * d / 2 : std::exp(-d) - 1 + d;
      const double slope = estimator == PLAIT_KL_K1 ? 1 : estimator == PLAIT_KL_K2 ? d : 1 - std::exp(-d);
      CHECK(std::fabs(out.c[t] - 0.02 * slope) <= 1e-8);
      CHECK(std::fabs(out.loss[t] - 0.02 * value) <= 1e-8);
      sum += value;
    }
    CHECK(Near(out.metrics.reference_kl_sum, sum));
    CHECK(out.metrics.reference_kl_tokens == 5);
  }
}

TEST_CASE("aggregations weigh as defined, with the caller's normalisers where given") {
  Batch data;
  plait_objective objective = EmptyObjective();
  plait_term& nll = objective.rules[0].nll;
  nll.coefficient = 2;
  plait_normalizers normalizers = EmptyNormalizers();
  normalizers.length = 50;
  const auto weights = [&](int32_t aggregation) {
    nll.aggregation = aggregation;
    const Output out = Run(data.Get(), objective, &normalizers, data.logp, {});
    return std::pair<double, double>(-out.c[0], -out.c[4]);
  };
  CHECK(Near(weights(PLAIT_TOKEN_MEAN).first, 2.0 / 5));
  CHECK(Near(weights(PLAIT_SEQ_MEAN_TOKEN_MEAN).first, 2.0 / (2 * 3)));
  CHECK(Near(weights(PLAIT_SEQ_MEAN_TOKEN_MEAN).second, 2.0 / (2 * 2)));
  CHECK(Near(weights(PLAIT_SEQ_MEAN_TOKEN_SUM).first, 2.0 / 2));
  CHECK(Near(weights(PLAIT_CONSTANT_LENGTH).first, 2.0 / 50));
  CHECK(Near(weights(PLAIT_SEQ_MEAN_CONSTANT_LENGTH).second, 2.0 / (2 * 50)));
  normalizers.tokens[0] = 1000;
  normalizers.sequences[0] = 64;
  CHECK(Near(weights(PLAIT_TOKEN_MEAN).first, 2.0 / 1000));
  CHECK(Near(weights(PLAIT_SEQ_MEAN_TOKEN_MEAN).second, 2.0 / (64 * 2)));
}

TEST_CASE("roles follow their own rules and count their own populations") {
  Batch data;
  data.roles = {2, 1, 3, 1, 1, 0};
  plait_objective objective = EmptyObjective();
  objective.rules[PLAIT_ROLLOUT - 1].policy_loss = PLAIT_POLICY_REINFORCE;
  objective.rules[PLAIT_ROLLOUT - 1].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_OWN_ROLE};
  objective.rules[PLAIT_DEMONSTRATION - 1].nll = {0.5f, PLAIT_TOKEN_MEAN, PLAIT_OWN_ROLE};
  objective.rules[PLAIT_HINT - 1].entropy = {0.1f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const Output out = Run(data.Get(), objective, nullptr, data.logp, data.entropy);
  CHECK(Near(out.c[0], -0.5));
  CHECK(Near(out.c[1], -1.5 / 3));
  CHECK(out.c[2] == 0);
  CHECK(Near(out.h[2], -0.1 / 5));
  CHECK(Near(out.loss[2], -0.1 / 5 * data.entropy[2]));
  CHECK(out.h[0] == 0);
  CHECK(Near(out.c[4], 0.8 / 3));
  CHECK(out.metrics.policy_tokens == 3);
  CHECK(out.metrics.tokens[PLAIT_DEMONSTRATION] == 1);
  const double total = out.metrics.policy_loss + out.metrics.nll_loss + out.metrics.kl_loss + out.metrics.entropy_loss;
  CHECK(out.metrics.loss == total);
}

TEST_CASE("a batch cut into micro-batches adds up when the normalisers are passed") {
  Batch data;
  plait_objective objective = EmptyObjective();
  objective.rules[0].policy_loss = PLAIT_POLICY_CLIP;
  objective.rules[0].policy = {1, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  objective.rules[0].entropy = {0.01f, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const Output whole = Run(data.Get(), objective, nullptr, data.logp, data.entropy);
  plait_normalizers normalizers = EmptyNormalizers();
  normalizers.tokens[0] = 5;
  normalizers.sequences[0] = 2;
  double loss = 0;
  for (int i = 0; i < 2; ++i) {
    const std::vector<int64_t> offsets = {0, 3};
    const auto cut = [&](const std::vector<float>& v) { return std::vector<float>(&v[3 * i], &v[3 * i] + 3); };
    const std::vector<float> logp = cut(data.logp), old_logp = cut(data.old_logp), entropy = cut(data.entropy);
    plait_token_batch batch = EmptyBatch(3);
    batch.sequences = 1;
    batch.offsets = offsets.data();
    batch.roles = data.roles.data() + 3 * i;
    batch.advantages = &data.advantages[i];
    batch.advantage_per_sequence = 1;
    batch.old_logp = old_logp.data();
    const Output part = Run(batch, objective, &normalizers, logp, entropy);
    loss += part.metrics.loss;
    for (int t = 0; t < 3; ++t) {
      CHECK(part.c[t] == whole.c[3 * i + t]);
      CHECK(part.h[t] == whole.h[3 * i + t]);
    }
  }
  CHECK(std::fabs(loss - whole.metrics.loss) <= 1e-12);
}

TEST_CASE("empty and wholly ignored batches have zero loss and no NaN") {
  plait_objective objective = EmptyObjective();
  objective.rules[0].nll = {1, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const Output empty = Run(EmptyBatch(0), objective, nullptr, {}, {});
  CHECK(empty.metrics.loss == 0);
  CHECK(empty.metrics.ratio_max == -kInf);
  const std::vector<uint8_t> roles = {0, 0};
  plait_token_batch ignored = EmptyBatch(2);
  ignored.roles = roles.data();
  const Output out = Run(ignored, objective, nullptr, {kNan, kInf}, {});
  CHECK(out.metrics.loss == 0);
  CHECK(out.metrics.tokens[0] == 0);
  CHECK(out.c[0] == 0);
}

TEST_CASE("an advantage of zero gives zero whatever the ratio") {
  plait_objective objective = EmptyObjective();
  objective.rules[0].policy_loss = PLAIT_POLICY_CLIP;
  objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  const std::vector<float> logp = {-0.1f}, old_logp = {-500}, advantages = {0};
  plait_token_batch batch = EmptyBatch(1);
  batch.advantages = advantages.data();
  batch.old_logp = old_logp.data();
  const Output out = Run(batch, objective, nullptr, logp, {});
  CHECK(out.c[0] == 0);
  CHECK(out.loss[0] == 0);
}
