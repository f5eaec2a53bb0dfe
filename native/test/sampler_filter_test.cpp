// The sampler correction's filter and weights against their definitions, for every level and estimator.
#include <algorithm>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Three sequences of rollout tokens, of which the extreme ones stand anywhere, and tokens of other roles.
struct Sampled {
  std::vector<int64_t> offsets = {0, 4, 9, 12};
  std::vector<uint8_t> roles = {1, 1, 1, 1, 2, 1, 0, 1, 3, 1, 1, 2};
  std::vector<float> omega = {0.5f, 1.5f, -0.25f, 0, 9, -1, 9, 0.125f, 9, -0.5f, 0.25f, 9};
  std::vector<float> old_logp = std::vector<float>(12, -8), logp = old_logp, advantages = std::vector<float>(12, 1);
  plait_objective objective = EmptyObjective();
  plait_metrics metrics = {};
  std::vector<float> weights = std::vector<float>(12);  // of the policy term; 0 where rejected

  Sampled() {
    for (plait_rule& rule : objective.rules) {
      rule.policy_loss = PLAIT_POLICY_REINFORCE;
      rule.policy = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
      rule.sampler_correction = 1;
    }
  }

  plait_sampler_correction& correction() { return objective.correction; }

  Sampled& Run() {
    std::vector<float> sampler_logp(12), c(12);
    for (int t = 0; t < 12; ++t) sampler_logp[t] = old_logp[t] - omega[t];
    plait_normalizers normalizers = EmptyNormalizers();
    normalizers.length = 1;
    plait_token_batch batch = EmptyBatch(12);
    batch.sequences = 3;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    batch.sampler_logp = sampler_logp.data();
    std::vector<double> workspace(plait_objective_workspace_bytes(12, 3) / 8 + 1);
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, &normalizers, logp.data(), nullptr, c.data(),
                                 nullptr, nullptr, &metrics, workspace.data(),
                                 static_cast<int64_t>(workspace.size() * 8)));
    for (int t = 0; t < 12; ++t) weights[t] = -c[t];
    return *this;
  }

  // By definition: the rollout tokens of a token's sequence.
  std::vector<int> Siblings(int token) const {
    std::vector<int> result;
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      if (token < offsets[i] || token >= offsets[i + 1]) continue;
      for (int t = static_cast<int>(offsets[i]); t < offsets[i + 1]; ++t) {
        if (roles[t] == PLAIT_ROLLOUT) result.push_back(t);
      }
    }
    return result;
  }
};

double Estimate(int32_t estimator, double x) {
  return estimator == PLAIT_KL_K1 ? -x : estimator == PLAIT_KL_K2 ? x * x / 2 : std::expm1(x) - x;
}

// What the filter compares for a token: its own estimate, or the sequence's sum, mean or maximum.
double Statistic(const Sampled& s, int token, double limit) {
  const plait_sampler_correction& correction = s.objective.correction;
  const auto estimate = [&](int t) {
    return Estimate(correction.filter_estimator, std::clamp<double>(s.omega[t], -limit, limit));
  };
  if (correction.filter_level == PLAIT_CORRECTION_TOKEN) return estimate(token);
  double sum = 0, max = -INFINITY, count = 0;
  for (const int t : s.Siblings(token)) {
    sum += estimate(t);
    max = std::fmax(max, estimate(t));
    count += 1;
  }
  if (correction.filter_level == PLAIT_CORRECTION_SEQUENCE_SUM) return sum;
  return correction.filter_level == PLAIT_CORRECTION_SEQUENCE_MEAN ? sum / count : max;
}

}  // namespace

TEST_CASE("filters keep what lies within their bounds, for every level, estimator and action") {
  for (int32_t level = PLAIT_CORRECTION_TOKEN; level <= PLAIT_CORRECTION_SEQUENCE_MAX; ++level) {
    for (int32_t estimator = PLAIT_KL_K1; estimator <= PLAIT_KL_K3; ++estimator) {
      for (const int32_t action : {PLAIT_FILTER_REJECT, PLAIT_FILTER_ZERO_WEIGHT}) {
        for (const float limit : {kInf, 0.75f}) {
          for (const float high : {0.3f, 0.9f, 1.2f}) {
            Sampled s;
            s.correction() = {PLAIT_CORRECTION_NONE, 0, 0, kInf, limit, 0, level, estimator, 0.7f, high, action, 0};
            s.Run();
            CAPTURE(level);
            CAPTURE(estimator);
            CAPTURE(high);
            double rejected = 0;
            for (int t = 0; t < 12; ++t) {
              if (s.roles[t] != PLAIT_ROLLOUT) {
                CHECK(s.weights[t] == (s.roles[t] == PLAIT_IGNORED ? 0 : 1));
                continue;
              }
              const double statistic = Statistic(s, t, limit);
              const bool passes = estimator == PLAIT_KL_K1 ? statistic >= std::log(0.7f) && statistic <= std::log(high)
                                                           : statistic <= high;
              CHECK(s.weights[t] == passes);
              rejected += action == PLAIT_FILTER_REJECT && !passes;
            }
            CHECK(s.metrics.rejected_tokens == rejected);
            CHECK(s.metrics.tokens[0] == 11 - rejected);
          }
        }
      }
    }
  }
}

TEST_CASE("a statistic exactly at a filter's bound passes") {
  const auto kept = [](int32_t estimator, float low, float high, float omega) {
    Sampled s;
    std::fill(s.omega.begin(), s.omega.end(), omega);
    s.correction() = {PLAIT_CORRECTION_NONE, 0, 0, kInf, kInf, 0, PLAIT_CORRECTION_TOKEN, estimator, low, high, 0, 0};
    return s.Run().metrics.rejected_tokens == 0;
  };
  CHECK(kept(PLAIT_KL_K1, 1, 1, 0));
  CHECK(!kept(PLAIT_KL_K1, 1, 1, 0.25f));
  CHECK(!kept(PLAIT_KL_K1, 1, 1, -0.25f));
  CHECK(kept(PLAIT_KL_K2, 0, 0.5f, 1));
  CHECK(kept(PLAIT_KL_K2, 0, 0.5f, -1));
  CHECK(!kept(PLAIT_KL_K2, 0, 0.5f, 1.0625f));
  CHECK(kept(PLAIT_KL_K3, 0, 0, 0));
  CHECK(!kept(PLAIT_KL_K3, 0, 0, 0.25f));
}

TEST_CASE("weights follow their level and bounds, and their mean may be made 1") {
  for (int32_t level = PLAIT_CORRECTION_TOKEN; level <= PLAIT_CORRECTION_SEQUENCE_MEAN; ++level) {
    for (const int32_t bounds : {PLAIT_CORRECTION_TRUNCATE, PLAIT_CORRECTION_MASK}) {
      for (const int32_t normalise : {0, 1}) {
        for (const float limit : {kInf, 0.75f}) {
          Sampled s;
          s.correction() = {level, bounds, 0.7f, 1.6f, limit, normalise, PLAIT_CORRECTION_NONE, 0, 0, 0, 0, 0};
          s.Run();
          CAPTURE(level);
          CAPTURE(bounds);
          std::vector<double> expected(12, 1);
          double sum = 0, count = 0;
          for (int t = 0; t < 12; ++t) {
            if (s.roles[t] == PLAIT_IGNORED) expected[t] = 0;
            if (s.roles[t] != PLAIT_ROLLOUT) continue;
            double omega = s.omega[t];
            if (level != PLAIT_CORRECTION_TOKEN) {
              omega = 0;
              for (const int i : s.Siblings(t)) omega += s.omega[i];
              if (level == PLAIT_CORRECTION_SEQUENCE_MEAN) omega /= static_cast<double>(s.Siblings(t).size());
            }
            const double weight = std::exp(std::clamp<double>(omega, -limit, limit));
            const double low = bounds == PLAIT_CORRECTION_MASK ? 0 : 0.7f;
            const double high = bounds == PLAIT_CORRECTION_MASK ? 0 : 1.6f;
            expected[t] = weight < 0.7f ? low : weight > 1.6f ? high : weight;
            sum += expected[t];
            count += 1;
          }
          for (int t = 0; t < 12; ++t) {
            const double scale = normalise && s.roles[t] == PLAIT_ROLLOUT ? count / sum : 1;
            CHECK(s.weights[t] == doctest::Approx(expected[t] * scale).epsilon(1e-6));
          }
        }
      }
    }
  }
}

TEST_CASE("weights are divided by their mean over the tokens that the filter leaves") {
  Sampled s;
  s.correction() = {PLAIT_CORRECTION_TOKEN, 0, 0, kInf, kInf, 1, PLAIT_CORRECTION_TOKEN, PLAIT_KL_K2, 0, 0.2f, 0, 0};
  s.Run();
  double sum = 0, count = 0;
  for (int t = 0; t < 12; ++t) {
    if (s.roles[t] != PLAIT_ROLLOUT || s.omega[t] * s.omega[t] / 2 > 0.2f) continue;
    sum += s.weights[t];
    count += 1;
  }
  CHECK(s.metrics.rejected_tokens == 8 - count);
  CHECK(sum / count == doctest::Approx(1).epsilon(1e-6));
}
