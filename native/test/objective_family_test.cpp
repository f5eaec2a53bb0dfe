// Every member of the objective family against its formula in float64, token by token.
#include <functional>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Two sequences of three and four rollout tokens, with ratios on both sides of every bound.
struct Family {
  std::vector<int64_t> offsets = {0, 3, 7};
  std::vector<uint8_t> roles = {1, 1, 1, 1, 1, 1, 1};
  std::vector<float> logp = {-0.5f, -1.5f, -0.1f, -2.0f, -0.7f, -0.05f, -3.0f};
  std::vector<float> old_logp = {-0.7f, -1.4f, -0.9f, -0.9f, -1.3f, -0.15f, -2.9f};
  std::vector<float> ref_logp = {-0.4f, -2.5f, -0.1f, -1.0f, -0.6f, -0.2f, -3.1f};
  std::vector<float> sampler_logp = {-0.6f, -1.4f, -1.9f, -0.8f, -1.35f, -0.1f, -4.9f};
  std::vector<float> entropy = {0.9f, 1.1f, 0.2f, 2.0f, 0.4f, 0.4f, 1.5f};
  std::vector<float> advantages = {1.5f, -0.8f};
  plait_objective objective = EmptyObjective();
  plait_normalizers normalizers = EmptyNormalizers();
  plait_metrics metrics = {};
  std::vector<float> c = std::vector<float>(7), h = c, loss = c;

  plait_rule& rule() { return objective.rules[0]; }
  double A(int t) const { return advantages[t < 3 ? 0 : 1]; }
  double n(int t) const { return t < 3 ? 3 : 4; }
  double delta(int t) const { return static_cast<double>(logp[t]) - old_logp[t]; }
  double omega(int t) const { return static_cast<double>(old_logp[t]) - sampler_logp[t]; }
  double Sum(int t, const std::function<double(int)>& value) const {
    double sum = 0;
    for (int i = t < 3 ? 0 : 3; i < (t < 3 ? 3 : 7); ++i) sum += value(i);
    return sum;
  }

  // Sums of tokens, so that c and loss come out unweighted.
  Family& Run(int32_t policy_loss) {
    rule().policy_loss = policy_loss;
    if (rule().policy.coefficient == 0) rule().policy = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
    normalizers.length = 1;
    plait_token_batch batch = EmptyBatch(7);
    batch.sequences = 2;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.advantage_per_sequence = 1;
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    batch.sampler_logp = sampler_logp.data();
    std::vector<double> workspace(plait_objective_workspace_bytes(7, 2) / 8 + 1);
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, &normalizers, logp.data(), entropy.data(),
                                 c.data(), h.data(), loss.data(), &metrics, workspace.data(),
                                 static_cast<int64_t>(workspace.size() * 8)));
    return *this;
  }

  void Expect(const std::function<double(int)>& value, const std::function<double(int)>& slope) const {
    double largest = 0;
    for (int t = 0; t < 7; ++t) {
      CAPTURE(t);
      CHECK(std::fabs(loss[t] - value(t)) <= 1e-6 * std::fabs(value(t)) + 1e-9);
      CHECK(std::fabs(c[t] - slope(t)) <= 1e-6 * std::fabs(slope(t)) + 1e-9);
      largest = std::fmax(largest, std::fabs(slope(t)));
    }
    CHECK(largest > 0.01);
  }
  bool OnePass() const { return !*plait_objective_second_pass(&objective); }
};

double Clip(double x, double low, double high) { return std::fmin(std::fmax(x, low), high); }

}  // namespace

TEST_CASE("GSPO clips the exponential of the mean log-ratio of the sequence") {
  Family f;
  f.rule().ratio_level = PLAIT_RATIO_SEQUENCE_MEAN;
  f.rule().clip_low = 0.3f;
  f.rule().clip_high = 0.4f;
  f.Run(PLAIT_POLICY_CLIP);
  CHECK(!f.OnePass());
  CHECK(std::string(plait_objective_second_pass(&f.objective)) == "rollout.ratio_level");
  const auto s = [&](int t) { return std::exp(f.Sum(t, [&](int i) { return f.delta(i); }) / f.n(t)); };
  f.Expect([&](int t) { return -f.A(t) * s(t); }, [&](int t) { return -f.A(t) * s(t); });
  f.rule().clip_high = 0.2f;
  f.Run(PLAIT_POLICY_CLIP);
  CHECK(f.c[0] == 0);
  CHECK(f.metrics.clip_high_count == 3);
}

TEST_CASE("a sequence-sum ratio carries the whole response") {
  Family f;
  f.rule().ratio_level = PLAIT_RATIO_SEQUENCE_SUM;
  f.rule().clip_low = f.rule().clip_high = kInf;
  f.rule().policy = {1, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  f.Run(PLAIT_POLICY_CLIP);
  const auto R = [&](int t) { return std::exp(f.Sum(t, [&](int i) { return f.delta(i); })); };
  f.Expect([&](int t) { return -f.A(t) * R(t) / 2 / f.n(t); }, [&](int t) { return -f.A(t) * R(t) / 2; });
}

TEST_CASE("CISPO clips the weight and keeps every token's gradient") {
  Family f;
  f.Run(PLAIT_POLICY_CISPO);
  CHECK(f.OnePass());
  const auto w = [&](int t) { return Clip(std::exp(f.delta(t)), 0.8f, 1.2f); };
  f.Expect([&](int t) { return -w(t) * f.A(t) * f.logp[t]; }, [&](int t) { return -w(t) * f.A(t); });
  CHECK(f.metrics.clip_low_count + f.metrics.clip_high_count == 4);
}

TEST_CASE("SAPO gates by a sigmoid whose temperature follows the sign of the advantage") {
  Family f;
  f.Run(PLAIT_POLICY_SAPO);
  const auto tau = [&](int t) { return f.A(t) > 0 ? 1.0 : static_cast<double>(1.05f); };
  const auto s = [&](int t) { return 1 / (1 + std::exp(-tau(t) * (std::exp(f.delta(t)) - 1))); };
  f.Expect([&](int t) { return -f.A(t) * 4 / tau(t) * s(t); },
           [&](int t) { return -4 * s(t) * (1 - s(t)) * f.A(t) * std::exp(f.delta(t)); });
}

TEST_CASE("LUFFY's reshapings have their textbook values and gradients") {
  struct Shape {
    int32_t reshape;
    double g;
    std::function<double(double, double)> value;  // of x and logp
    std::function<double(double, double)> slope;
  };
  const double g = 0.1f;
  const Shape shapes[] = {
      {PLAIT_RESHAPE_RATIONAL, g, [=](double x, double) { return x / (x + g); },
       [=](double x, double) { return g * x / ((x + g) * (x + g)); }},
      {PLAIT_RESHAPE_POWER, 0.5, [](double x, double) { return std::sqrt(x); },
       [](double x, double) { return 0.5 * std::sqrt(x); }},
      {PLAIT_RESHAPE_LOG, 0.25, [](double, double l) { return 0.25 * l; }, [](double, double) { return 0.25; }},
      {PLAIT_RESHAPE_LINEAR_LOG, 0.25, [](double x, double l) { return x + 0.25 * l; },
       [](double x, double) { return x + 0.25; }}};
  for (const int32_t behaviour : {PLAIT_BEHAVIOUR_OLD, PLAIT_BEHAVIOUR_CERTAIN}) {
    for (const Shape& shape : shapes) {
      Family f;
      f.rule().behaviour = behaviour;
      f.rule().reshape = shape.reshape;
      f.rule().reshape_parameter = static_cast<float>(shape.g);
      f.Run(PLAIT_POLICY_RESHAPED);
      CHECK(f.OnePass());
      const auto x = [&](int t) {
        return std::exp(behaviour == PLAIT_BEHAVIOUR_CERTAIN ? static_cast<double>(f.logp[t]) : f.delta(t));
      };
      f.Expect([&](int t) { return -f.A(t) * shape.value(x(t), f.logp[t]); },
               [&](int t) { return -f.A(t) * shape.slope(x(t), f.logp[t]); });
      CHECK(f.metrics.reshaped_tokens == 7);
    }
  }
  Family f;
  f.rule().reshape = PLAIT_RESHAPE_RATIONAL_RATIO;
  f.Run(PLAIT_POLICY_RESHAPED);
  const auto s = [=](double p) { return p / (p + g); };
  f.Expect([&](int t) { return -f.A(t) * s(std::exp(f.logp[t])) / s(std::exp(f.old_logp[t])); },
           [&](int t) {
             const double p = std::exp(f.logp[t]);
             return -f.A(t) * g * p / ((p + g) * (p + g)) / s(std::exp(f.old_logp[t]));
           });
}

TEST_CASE("the bounds of a reshaped weight take its gradient away") {
  Family f;
  f.rule().behaviour = PLAIT_BEHAVIOUR_CERTAIN;
  f.rule().reshape_low = 0.5f;
  f.rule().reshape_high = 0.9f;
  f.Run(PLAIT_POLICY_RESHAPED);
  CHECK(f.c[6] == 0);  // p = 0.05: 0.33
  CHECK(f.loss[6] == doctest::Approx(0.8 * 0.5));
  CHECK(f.c[5] == 0);  // p = 0.95: 0.905
  CHECK(f.loss[5] == doctest::Approx(0.8 * 0.9));
  CHECK(f.c[0] != 0);
  CHECK(f.metrics.reshape_low_count == 1);
  CHECK(f.metrics.reshape_high_count == 2);  // p = 0.90: 0.9005 too
}

TEST_CASE("GMPO bounds log-ratios before their geometric mean") {
  Family f;
  f.rule().clip_low = f.rule().clip_high = 0.4f;
  f.Run(PLAIT_POLICY_GMPO);
  const auto bounded = [&](int i) { return f.A(i) > 0 ? std::fmin(f.delta(i), 0.4f) : std::fmax(f.delta(i), -0.4f); };
  const auto rho = [&](int t) { return std::exp(f.Sum(t, bounded) / f.n(t)); };
  f.Expect([&](int t) { return -f.A(t) * rho(t); },
           [&](int t) { return bounded(t) == f.delta(t) ? -f.A(t) * rho(t) : 0; });
  CHECK(f.c[2] == 0);
  CHECK(f.c[3] == 0);
  CHECK(f.c[4] != 0);
  CHECK(f.metrics.clip_high_count == 1);
  CHECK(f.metrics.clip_low_count == 1);
}

TEST_CASE("VESPO weighs a sequence by a bounded function of its ratio") {
  Family f;
  f.Run(PLAIT_POLICY_VESPO);
  const auto phi = [&](int t) {
    const double log_w = f.Sum(t, [&](int i) { return f.delta(i); });
    const double k = f.A(t) >= 0 ? 2 : 3, lambda = f.A(t) >= 0 ? 3 : 2;
    return std::exp(lambda + k * log_w - lambda * std::exp(log_w));
  };
  f.Expect([&](int t) { return -phi(t) * f.A(t) * f.logp[t]; }, [&](int t) { return -phi(t) * f.A(t); });
}

TEST_CASE("KL forms multiply by the ratio, with and without its gradient, or pass k2's gradient straight through") {
  for (const int32_t estimator : {PLAIT_KL_K1, PLAIT_KL_K2, PLAIT_KL_K3, PLAIT_KL_ABS}) {
    for (const int32_t form : {PLAIT_KL_TIMES_RATIO, PLAIT_KL_TIMES_FIXED_RATIO, PLAIT_KL_STRAIGHT_THROUGH}) {
      Family f;
      f.rule().kl = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
      f.rule().kl_estimator = estimator;
      f.rule().kl_form = form;
      f.Run(PLAIT_POLICY_NONE);
      const auto d = [&](int t) { return static_cast<double>(f.logp[t]) - f.ref_logp[t]; };
      const auto k = [&](double x) {
        return estimator == PLAIT_KL_K1   ? x
               : estimator == PLAIT_KL_K2 ? x * x / 2
               : estimator == PLAIT_KL_K3 ? std::exp(-x) - 1 + x
                                          : std::fabs(x);
      };
      const auto slope = [&](double x) {
        return estimator == PLAIT_KL_K1   ? 1
               : estimator == PLAIT_KL_K2 ? x
               : estimator == PLAIT_KL_K3 ? 1 - std::exp(-x)
                                          : (x > 0) - (x < 0);
      };
      const auto r = [&](int t) { return form == PLAIT_KL_STRAIGHT_THROUGH ? 1 : std::exp(f.delta(t)); };
      f.Expect([&](int t) { return r(t) * k(d(t)); },
               [&](int t) {
                 if (form == PLAIT_KL_STRAIGHT_THROUGH) return d(t);
                 return r(t) * (slope(d(t)) + (form == PLAIT_KL_TIMES_RATIO ? k(d(t)) : 0));
               });
    }
  }
}

TEST_CASE("KL limits clamp the value and take the gradient away") {
  Family f;
  f.ref_logp[0] = -30;
  f.ref_logp[1] = 2;
  f.rule().kl = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  f.rule().kl_estimator = PLAIT_KL_K3;
  f.rule().kl_log_limit = 20;
  f.rule().kl_value_limit = 10;
  f.Run(PLAIT_POLICY_NONE);
  CHECK(f.loss[0] == 10);
  CHECK(f.c[0] == 0);
  CHECK(f.loss[1] == 10);  // exp(3.5) - 1 - 3.5
  CHECK(f.c[1] == 0);
  CHECK(f.c[4] != 0);
}

TEST_CASE("entropy weightings are constants per token or per sequence, and may spare negative advantages") {
  for (const int32_t scope : {PLAIT_SCOPE_TOKEN, PLAIT_SCOPE_SEQUENCE}) {
    Family f;
    f.rule().nll = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
    f.rule().nll_weighting = {scope, 0.5f, -1, 0};
    f.rule().policy_weighting = {scope, 0.1f, 1, 1};
    f.Run(PLAIT_POLICY_REINFORCE);
    CHECK(f.OnePass() == (scope == PLAIT_SCOPE_TOKEN));
    const auto H = [&](int t) -> double {
      return scope == PLAIT_SCOPE_TOKEN ? f.entropy[t] : f.Sum(t, [&](int i) { return f.entropy[i]; }) / f.n(t);
    };
    const auto w = [&](int t) { return f.A(t) > 0 ? static_cast<double>(0.1f) * std::exp(H(t)) : 1; };
    const auto slope = [&](int t) { return -0.5 * std::exp(-H(t)) - w(t) * f.A(t); };
    f.Expect([&](int t) { return slope(t) * f.logp[t]; }, slope);
    CHECK(f.metrics.policy_weighting_tokens == 7);
  }
}

TEST_CASE("probability weightings of the likelihood are constants of each token's own probability") {
  for (const int32_t weighting : {PLAIT_WEIGHT_PROBABILITY, PLAIT_WEIGHT_VARIANCE}) {
    Family f;
    f.rule().nll = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
    f.rule().nll_probability_weighting = weighting;
    f.Run(PLAIT_POLICY_NONE);
    CHECK(f.OnePass());
    const auto w = [&](int t) {
      const double p = std::exp(static_cast<double>(f.logp[t]));
      return weighting == PLAIT_WEIGHT_PROBABILITY ? p : p * (1 - p);
    };
    f.Expect([&](int t) { return -w(t) * f.logp[t]; }, [&](int t) { return -w(t); });
    double sum = 0;
    for (int t = 0; t < 7; ++t) sum += w(t);
    CHECK(f.metrics.nll_weighting_sum == doctest::Approx(sum).epsilon(1e-6));
    CHECK(f.metrics.nll_weighting_tokens == 7);
  }
}

TEST_CASE("a probability weighting keeps its digits near certainty, and an impossible token has no loss") {
  Family f;
  f.logp[0] = -1e-6f;
  f.logp[1] = 0;
  f.logp[2] = -kInf;
  f.logp[3] = kNan;
  f.rule().nll = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  f.rule().nll_probability_weighting = PLAIT_WEIGHT_VARIANCE;
  f.Run(PLAIT_POLICY_NONE);
  CHECK(f.c[0] == doctest::Approx(-1e-6).epsilon(1e-5));
  for (const int t : {1, 2}) {
    CHECK(f.c[t] == 0);
    CHECK(f.loss[t] == 0);
  }
  CHECK(std::isnan(f.c[3]));
  CHECK(std::isnan(f.loss[3]));
}

TEST_CASE("probability and entropy weightings of the likelihood multiply") {
  Family f;
  f.rule().nll = {1, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  f.rule().nll_weighting = {PLAIT_SCOPE_TOKEN, 0.5f, -1, 0};
  f.rule().nll_probability_weighting = PLAIT_WEIGHT_PROBABILITY;
  f.Run(PLAIT_POLICY_NONE);
  const auto w = [&](int t) { return 0.5 * std::exp(-static_cast<double>(f.entropy[t]) + f.logp[t]); };
  f.Expect([&](int t) { return -w(t) * f.logp[t]; }, [&](int t) { return -w(t); });
}

TEST_CASE("entropy selection keeps the highest of a sequence or of the batch, ties by position") {
  Family f;
  f.rule().selection = {PLAIT_SCOPE_SEQUENCE, 0.5f};
  f.Run(PLAIT_POLICY_REINFORCE);
  const auto kept = [&] {
    std::string mask;
    for (const float c : f.c) mask += c != 0 ? '1' : '0';
    return mask;
  };
  CHECK(kept() == "1101001");  // of 3 one is dropped, of 4 two: 0.4 and 0.4
  f.rule().selection = {PLAIT_SCOPE_BATCH, 0.8f};
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(kept() == "0001001");  // 7 - floor(5.6)
  f.rule().selection.drop = 0.3f;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(kept() == "1101101");  // of the two 0.4 the later goes
  CHECK(f.metrics.dropped_tokens == 2);
  f.rule().selection.drop = 0;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(kept() == "1111111");
}

TEST_CASE("sampler corrections truncate, mask and take sequences as a whole") {
  const auto weights = [](plait_sampler_correction correction) {
    Family f;
    correction.log_limit = kInf;
    f.objective.correction = correction;
    f.rule().sampler_correction = 1;
    f.Run(PLAIT_POLICY_REINFORCE);
    CHECK(f.OnePass());
    std::vector<double> w;
    for (int t = 0; t < 7; ++t) w.push_back(-f.c[t] / f.A(t));
    return w;
  };
  Family f;
  plait_sampler_correction tis = {};
  tis.level = PLAIT_CORRECTION_TOKEN;
  tis.high = 2;
  std::vector<double> w = weights(tis);
  for (int t = 0; t < 7; ++t) CHECK(w[t] == doctest::Approx(std::fmin(std::exp(f.omega(t)), 2)).epsilon(1e-6));
  CHECK(w[2] == 2);
  plait_sampler_correction icepop = tis;
  icepop.bounds = PLAIT_CORRECTION_MASK;
  icepop.low = 0.95f;
  w = weights(icepop);
  CHECK(w[2] == 0);
  CHECK(w[0] == 0);  // exp(-0.1)
  CHECK(w[1] == 1);
  plait_sampler_correction sequence = tis;
  sequence.level = PLAIT_CORRECTION_SEQUENCE_SUM;
  sequence.high = kInf;
  w = weights(sequence);
  CHECK(w[4] == doctest::Approx(std::exp(f.Sum(4, [&](int i) { return f.omega(i); }))).epsilon(1e-6));
  CHECK(w[3] == w[6]);
  sequence.normalise = 1;
  w = weights(sequence);
  double mean = 0;
  for (const double v : w) mean += v / 7;
  CHECK(mean == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("rejected tokens leave the loss, the counts and the sequence sums") {
  Family f;
  f.objective.correction.filter_level = PLAIT_CORRECTION_TOKEN;
  f.objective.correction.filter_estimator = PLAIT_KL_K3;
  f.objective.correction.filter_high = 0.5f;
  f.rule().policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.metrics.rejected_tokens == 2);  // omega 1 and 2
  CHECK(f.metrics.tokens[0] == 5);
  CHECK(f.c[2] == 0);
  CHECK(f.c[6] == 0);
  CHECK(f.c[0] == doctest::Approx(-1.5 / 5));
  f.objective.correction.filter_action = PLAIT_FILTER_ZERO_WEIGHT;
  f.rule().sampler_correction = 1;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.c[2] == 0);
  CHECK(f.c[0] == doctest::Approx(-1.5 / 7));
  f.objective.correction.filter_action = PLAIT_FILTER_REJECT;
  f.objective.correction.filter_level = PLAIT_CORRECTION_SEQUENCE_MAX;
  f.objective.correction.filter_high = 1;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.metrics.rejected_tokens == 4);  // k3(1) = 0.72 passes, k3(2) = 4.39 does not
  CHECK(f.c[3] == 0);
  f.objective.correction.filter_level = PLAIT_CORRECTION_SEQUENCE_MEAN;
  f.objective.correction.filter_estimator = PLAIT_KL_K1;
  f.objective.correction.filter_low = 0.7f;
  f.objective.correction.filter_high = 1.3f;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.metrics.rejected_tokens == 4);  // means of -omega: -0.3 > log 0.7, -0.4925 < it
}

TEST_CASE("sequences that have drifted off policy lose their policy term if their advantage is negative") {
  Family f;
  const double drift = -f.Sum(3, [&](int i) { return f.delta(i); }) / 4;  // mean of old - logp
  f.rule().off_policy_threshold = static_cast<float>(drift - 0.01);
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.c[3] == 0);
  CHECK(f.c[0] != 0);
  f.rule().off_policy_threshold = static_cast<float>(drift + 0.01);
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.c[3] != 0);
}

TEST_CASE("tokens above the maximal probability lose their policy term") {
  Family f;
  f.rule().max_probability = 0.8f;
  f.Run(PLAIT_POLICY_REINFORCE);
  CHECK(f.c[2] == 0);
  CHECK(f.c[5] == 0);
  CHECK(f.metrics.dropped_tokens == 2);
}

TEST_CASE("covariance clips a seeded few, or adds a penalty to the highest") {
  Family f;
  double mean_a = 0, mean_l = 0;
  for (int t = 0; t < 7; ++t) {
    mean_a += f.A(t) / 7;
    mean_l += f.logp[t] / 7.0;
  }
  std::vector<double> covariance;
  for (int t = 0; t < 7; ++t) covariance.push_back((f.A(t) - mean_a) * (f.logp[t] - mean_l));
  const auto highest = std::max_element(covariance.begin(), covariance.end()) - covariance.begin();
  f.rule().clip_low = f.rule().clip_high = kInf;
  f.rule().covariance = {PLAIT_COVARIANCE_KL, 0, 0.15f, 0, 0, 1};
  f.Run(PLAIT_POLICY_CLIP);
  for (int t = 0; t < 7; ++t) {
    const double extra = t == highest ? (f.delta(t) > 0 ? 1 : -1) : 0;
    CHECK(f.c[t] == doctest::Approx(-f.A(t) * std::exp(f.delta(t)) + extra).epsilon(1e-6));
  }
  f.rule().covariance = {PLAIT_COVARIANCE_CLIP, 7, 0.3f, 0, 10, 0};
  f.Run(PLAIT_POLICY_CLIP);
  CHECK(f.metrics.dropped_tokens == 2);
  const std::vector<float> first = f.c;
  f.Run(PLAIT_POLICY_CLIP);
  CHECK(SameBits(f.c, first));
  for (int t = 0; t < 7; ++t) CHECK((f.c[t] != 0 || covariance[t] > 0));
}

TEST_CASE("sampler metrics describe the mismatch of all rollout tokens") {
  Family f;
  f.Run(PLAIT_POLICY_REINFORCE);
  double sum = 0, k3 = 0, largest = 0;
  for (int t = 0; t < 7; ++t) {
    sum += f.omega(t);
    k3 += std::exp(f.omega(t)) - 1 - f.omega(t);
    largest = std::fmax(largest, std::fabs(f.omega(t)));
  }
  CHECK(f.metrics.sampler_tokens == 7);
  CHECK(f.metrics.sampler_log_ratio_sum == doctest::Approx(sum).epsilon(1e-6));
  CHECK(f.metrics.sampler_k3_sum == doctest::Approx(k3).epsilon(1e-6));
  CHECK(f.metrics.sampler_abs_max == doctest::Approx(largest).epsilon(1e-6));
  CHECK(f.metrics.sampler_sequences == 2);
  CHECK(f.metrics.old_log_ppl_sum == doctest::Approx(3.0 / 3 + (0.9 + 1.3 + 0.15 + 2.9) / 4).epsilon(1e-6));
}
