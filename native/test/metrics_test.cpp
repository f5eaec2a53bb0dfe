// Every metric of a mixed batch against its definition in plait.h, in float64.
#include <functional>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

constexpr int kTokens = 90;

// Tokens of all roles in sequences of every length, runs of vectors' length and longer among them.
struct Mixed {
  std::vector<int64_t> offsets = {0, 5, 5, 40, kTokens};
  std::vector<uint8_t> roles;
  std::vector<float> logp, old_logp, ref_logp, entropy, advantages;
  plait_objective objective = EmptyObjective();
  plait_metrics metrics = {};
  std::vector<float> loss = std::vector<float>(kTokens);

  Mixed() {
    std::mt19937 random(12);
    std::normal_distribution<float> normal;
    for (int t = 0; t < kTokens; ++t) {
      roles.push_back(static_cast<uint8_t>(t < 45 ? random() % 4 : t < 62 ? 1 : t < 75 ? 2 : t < 85 ? 3 : 1));
      logp.push_back(-std::fabs(normal(random)));
      old_logp.push_back(logp.back() + 0.4f * normal(random));
      ref_logp.push_back(logp.back() + 0.4f * normal(random));
      entropy.push_back(std::fabs(normal(random)));
      advantages.push_back(normal(random));
    }
    plait_rule& rollout = objective.rules[PLAIT_ROLLOUT - 1];
    rollout.policy_loss = PLAIT_POLICY_CLIP;
    rollout.clip_high = 0.3f;
    rollout.dual_clip = 1.6f;
    rollout.log_ratio_limit = 0.75f;
    rollout.max_probability = 0.9f;
    rollout.policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    rollout.kl = {0.25f, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_OWN_ROLE};
    rollout.kl_estimator = PLAIT_KL_K3;
    rollout.entropy = {0.125f, PLAIT_SEQ_MEAN_TOKEN_SUM, PLAIT_OWN_ROLE};
    rollout.policy_weighting = {PLAIT_SCOPE_TOKEN, 0.5f, 0.25f, 1};
    plait_rule& demonstration = objective.rules[PLAIT_DEMONSTRATION - 1];
    demonstration.policy_loss = PLAIT_POLICY_RESHAPED;
    demonstration.behaviour = PLAIT_BEHAVIOUR_CERTAIN;
    demonstration.reshape_low = 0.7f;
    demonstration.reshape_high = 0.88f;
    demonstration.policy = {0.5f, PLAIT_SEQ_MEAN_TOKEN_SUM, PLAIT_ALL_TOKENS};
    demonstration.nll = {0.75f, PLAIT_TOKEN_MEAN, PLAIT_OWN_ROLE};
    demonstration.nll_weighting = {PLAIT_SCOPE_TOKEN, 0.5f, -1, 0};
    plait_rule& hint = objective.rules[PLAIT_HINT - 1];
    hint.nll = {1, PLAIT_SEQ_MEAN_CONSTANT_LENGTH, PLAIT_OWN_ROLE};
    hint.kl = {0.25f, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  }

  void Run() {
    plait_normalizers normalizers = EmptyNormalizers();
    normalizers.length = 20;
    plait_token_batch batch = EmptyBatch(kTokens);
    batch.sequences = static_cast<int64_t>(offsets.size()) - 1;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    std::vector<double> workspace(plait_objective_workspace_bytes(kTokens, batch.sequences) / 8 + 1);
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, &normalizers, logp.data(), entropy.data(),
                                 nullptr, nullptr, loss.data(), &metrics, workspace.data(),
                                 static_cast<int64_t>(workspace.size() * 8)));
  }

  double Count(int role) const {
    return Sum(role, [](int) { return 1; });
  }
  // Of the tokens of a role; 0: of all roles.
  double Sum(int role, const std::function<double(int)>& value) const {
    double sum = 0;
    for (int t = 0; t < kTokens; ++t) {
      if (roles[t] == PLAIT_IGNORED || (role && roles[t] != role)) continue;
      sum += value(t);
    }
    return sum;
  }
  double Sequences(int role) const {
    double count = 0;
    for (size_t i = 0; i + 1 < offsets.size(); ++i) count += InSequence(i, role) > 0;
    return count;
  }
  double InSequence(size_t i, int role) const {
    double count = 0;
    for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t) count += role ? roles[t] == role : roles[t] != PLAIT_IGNORED;
    return count;
  }
  size_t SequenceOf(int t) const {
    size_t i = 0;
    while (offsets[i + 1] <= t) ++i;
    return i;
  }
};

void CheckSum(double actual, double expected) {
  CHECK(expected != 0);  // else nothing would be checked
  CHECK(actual == doctest::Approx(expected).epsilon(1e-6));
}

}  // namespace

TEST_CASE("the metrics of a mixed batch are the sums that they are defined as") {
  Mixed b;
  b.Run();
  const plait_metrics& m = b.metrics;
  const auto limited = [&](int t) { return std::fmin(std::fmax(b.logp[t] - b.old_logp[t], -0.75), 0.75); };
  const auto ratio = [&](int t) { return std::exp(limited(t)); };
  const auto A = [&](int t) { return static_cast<double>(b.advantages[t]); };
  const auto high = [&](int t) { return A(t) > 0 && ratio(t) > 1 + b.objective.rules[0].clip_high; };
  const auto low = [&](int t) { return A(t) < 0 && ratio(t) < 1 - b.objective.rules[0].clip_low; };
  const auto dual = [&](int t) { return A(t) < 0 && ratio(t) > b.objective.rules[0].dual_clip; };
  const auto clipped = [&](int t) {
    const double held = high(t)   ? 1 + b.objective.rules[0].clip_high
                        : low(t)  ? 1 - b.objective.rules[0].clip_low
                        : dual(t) ? b.objective.rules[0].dual_clip
                                  : ratio(t);
    return -A(t) * held;
  };
  const auto p = [&](int t) { return std::exp(static_cast<double>(b.logp[t])); };
  const double g = 0.1f;
  const auto f = [&](int t) { return p(t) / (p(t) + g); };
  const auto held = [&](int t) { return std::fmin(std::fmax(f(t), 0.7f), 0.88f); };
  const auto is_dropped = [&](int t) { return p(t) > 0.9f; };
  const auto weighting = [&](int t) { return A(t) > 0 ? 0.5 * std::exp(0.25 * b.entropy[t]) : 1; };
  const auto nll_weighting = [&](int t) { return 0.5 * std::exp(-b.entropy[t]); };
  const auto d = [&](int t) { return static_cast<double>(b.logp[t]) - b.ref_logp[t]; };
  const auto k3 = [](double x) { return std::exp(-x) - 1 + x; };

  for (int role = 0; role < 4; ++role) CHECK(m.tokens[role] == b.Count(role));
  const double count[] = {b.Count(0), b.Count(1), b.Count(2), b.Count(3)};
  CHECK(m.policy_tokens == count[1] + count[2]);
  const double policy_value[] = {0, b.Sum(1, clipped), b.Sum(2, [&](int t) { return -A(t) * held(t); })};
  CheckSum(m.policy_value_sum[0], policy_value[1] + policy_value[2]);
  CheckSum(m.policy_value_sum[1], policy_value[1]);
  CheckSum(m.policy_value_sum[2], policy_value[2]);
  CHECK(m.policy_value_sum[3] == 0);
  CheckSum(m.ratio_sum, b.Sum(1, ratio) + b.Sum(2, p));
  double ratio_max = 0;
  for (int t = 0; t < kTokens; ++t) {
    if (b.roles[t] == 1) ratio_max = std::fmax(ratio_max, ratio(t));
  }
  CheckSum(m.ratio_max, ratio_max);
  CheckSum(m.clip_low_count, b.Sum(1, low));
  CheckSum(m.clip_high_count, b.Sum(1, high));
  CheckSum(m.dual_clip_count, b.Sum(1, dual));
  CheckSum(m.clipped_tokens[0], m.clip_low_count + m.clip_high_count);
  CHECK(m.clipped_tokens[1] == m.clipped_tokens[0]);
  CHECK(m.clipped_tokens[2] + m.clipped_tokens[3] == 0);
  const auto drift = [&](int t) {
    const double moved = static_cast<double>(b.logp[t]) - b.old_logp[t];
    return b.roles[t] == 1 ? limited(t) : moved;
  };
  CheckSum(m.approx_kl_k1_sum, -b.Sum(1, drift) - b.Sum(2, drift));
  CheckSum(m.approx_kl_k3_sum,
           b.Sum(1, [&](int t) { return k3(-drift(t)); }) + b.Sum(2, [&](int t) { return k3(-drift(t)); }));
  CheckSum(m.dropped_tokens, b.Sum(1, is_dropped));
  CheckSum(m.reshaped_sum, b.Sum(2, held));
  CHECK(m.reshaped_tokens == count[2]);
  CheckSum(m.reshape_low_count, b.Sum(2, [&](int t) { return f(t) < 0.7f; }));
  CheckSum(m.reshape_high_count, b.Sum(2, [&](int t) { return f(t) > 0.88f; }));
  CheckSum(m.policy_weighting_sum, b.Sum(1, weighting));
  CHECK(m.policy_weighting_tokens == count[1]);
  CheckSum(m.nll_weighting_sum, b.Sum(2, nll_weighting));
  CHECK(m.nll_weighting_tokens == count[2]);
  CheckSum(m.reference_kl_sum, b.Sum(1, [&](int t) { return k3(d(t)); }) + b.Sum(3, d));
  CHECK(m.reference_kl_tokens == count[1] + count[3]);
  CheckSum(m.entropy_sum, b.Sum(0, [&](int t) { return b.entropy[t]; }));
  CheckSum(m.logp_sum, b.Sum(0, [&](int t) { return b.logp[t]; }));
  for (int role = 0; role < 4; ++role) {
    CheckSum(m.probability_sum[role], b.Sum(role, p));
    CheckSum(m.old_probability_sum[role], b.Sum(role, [&](int t) { return std::exp(b.old_logp[t]); }));
  }
  CHECK(m.bad_targets == 0);

  const auto policy_loss = [&](int t) {
    if (b.roles[t] == 2) return -A(t) * held(t) * 0.5 / b.Sequences(0);
    return is_dropped(t) ? 0 : weighting(t) * clipped(t) / count[0];
  };
  const auto nll_loss = [&](int t) {
    if (b.roles[t] == 2) return -nll_weighting(t) * b.logp[t] * 0.75 / count[2];
    return -b.logp[t] / (b.Sequences(3) * 20);
  };
  const auto kl_loss = [&](int t) {
    if (b.roles[t] == 3) return 0.25 / 20 * d(t);
    return 0.25 / b.Sequences(1) / b.InSequence(b.SequenceOf(t), 1) * k3(d(t));
  };
  const auto entropy_loss = [&](int t) { return -0.125 / b.Sequences(1) * b.entropy[t]; };
  CheckSum(m.policy_loss, b.Sum(1, policy_loss) + b.Sum(2, policy_loss));
  CheckSum(m.nll_loss, b.Sum(2, nll_loss) + b.Sum(3, nll_loss));
  CheckSum(m.kl_loss, b.Sum(1, kl_loss) + b.Sum(3, kl_loss));
  CheckSum(m.entropy_loss, b.Sum(1, entropy_loss));
  CHECK(m.loss == m.policy_loss + m.nll_loss + m.kl_loss + m.entropy_loss);
  double loss = 0, magnitude = 0;
  for (int t = 0; t < kTokens; ++t) {
    const int role = b.roles[t];
    const double parts[] = {role == 1 || role == 2 ? policy_loss(t) : 0, role == 2 || role == 3 ? nll_loss(t) : 0,
                            role == 1 || role == 3 ? kl_loss(t) : 0, role == 1 ? entropy_loss(t) : 0};
    double token = 0;
    for (const double part : parts) {
      token += part;
      magnitude += std::fabs(part);
    }
    CHECK(std::fabs(b.loss[t] - token) <= 1e-7);
    loss += token;
  }
  CheckSum(m.loss, loss);
  CheckSum(m.loss_magnitude, magnitude);
}

TEST_CASE("metrics of many blocks of tokens are the sums of the blocks'") {
  constexpr int64_t kMany = 5000;
  std::vector<float> logp(kMany), advantages(kMany);
  std::mt19937 random(5);
  for (int64_t t = 0; t < kMany; ++t) {
    logp[t] = -static_cast<float>(random() % 64) / 64;
    advantages[t] = t % 3 ? 1.f : -2.f;
  }
  plait_objective objective = EmptyObjective();
  objective.rules[0].policy_loss = PLAIT_POLICY_REINFORCE;
  objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  for (const int64_t tokens : {int64_t{1023}, int64_t{1024}, int64_t{1025}, int64_t{2048}, kMany}) {
    plait_token_batch batch = EmptyBatch(tokens);
    batch.advantages = advantages.data();
    plait_metrics metrics;
    std::vector<double> workspace(plait_objective_workspace_bytes(tokens, 0) / 8 + 1);
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, nullptr, logp.data(), nullptr, nullptr, nullptr,
                                 nullptr, &metrics, workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
    double sum = 0, value = 0;
    for (int64_t t = 0; t < tokens; ++t) {
      sum += logp[t];
      value -= static_cast<double>(advantages[t]) * logp[t];
    }
    CHECK(metrics.tokens[0] == static_cast<double>(tokens));
    CHECK(metrics.logp_sum == doctest::Approx(sum).epsilon(1e-9));
    CHECK(metrics.policy_value_sum[1] == doctest::Approx(value).epsilon(1e-9));
    CHECK(metrics.ratio_sum == static_cast<double>(tokens));
  }
}
