// Scalar mathematics of stage two: one token's losses, c and h. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_OBJECTIVE_H_
#define PLAIT_SRC_OBJECTIVE_H_

#include <cmath>

#include "host_device.h"
#include "plait.h"

namespace plait {

// Coefficient times aggregation weight of each term, for one role in one sequence.
struct TermWeights {
  float policy;
  float nll;
  float kl;
  float entropy;
};

// What a batch is told of one role's tokens in one sequence, once their log-probs are known.
struct SequenceSums {
  double count;
  double log_ratio;  // sum of log x
  double bounded;    // sum of GMPO's d'
  double drift;      // sum of old_logp - logp
  double entropy;
  double log_weight;  // sum of the sampler's log weights
};

enum TokenGates : unsigned char { kGateDropped = 1, kGateCovarianceKl = 2, kGateRejected = 4 };

struct TokenInputs {
  float logp;
  float entropy;
  float old_logp;  // == logp where the batch has none
  float ref_logp;
  float advantage;
  float sampler_weight;      // 1 without a correction
  unsigned gates;            // TokenGates
  const SequenceSums* sums;  // null in one pass: no rule needs them then
};

enum TokenFlags : unsigned {
  kClippedLow = 1,
  kClippedHigh = 2,
  kDualClipped = 4,
  kHasPolicy = 8,
  kHasKl = 16,
  kReshapeLow = 32,
  kReshapeHigh = 64,
  kDropped = 128
};

struct TokenResult {
  float c = 0;
  float h = 0;
  float policy_loss = 0;  // this and the next three are weighted, as they enter the loss
  float nll_loss = 0;
  float kl_loss = 0;
  float entropy_loss = 0;
  float ratio = 0;
  float log_ratio = 0;
  float kl = 0;
  float policy_value = 0;  // before any weight
  float reshaped = 0;
  float policy_weighting = 1;
  float nll_weighting = 1;
  unsigned flags = 0;
};

// A loss value and its derivative with respect to logp.
struct ValueAndSlope {
  float value;
  float slope;
};

PLAIT_HD inline float ClampSymmetric(float x, float limit) { return x > limit ? limit : x < -limit ? -limit : x; }

PLAIT_HD inline float Sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }

// logp - old_logp, 0 where they are equal: also where both are -inf.
PLAIT_HD inline float LogRatio(float logp, float old_logp) { return logp == old_logp ? 0 : logp - old_logp; }

PLAIT_HD inline float TokenLogRatio(const plait_rule& rule, const TokenInputs& in) {
  return rule.behaviour == PLAIT_BEHAVIOUR_CERTAIN ? in.logp : LogRatio(in.logp, in.old_logp);
}

PLAIT_HD inline ValueAndSlope KlEstimate(int estimator, float d) {
  switch (estimator) {
    case PLAIT_KL_K1:
      return {d, 1};
    case PLAIT_KL_K2:
      return {0.5f * d * d, d};
    case PLAIT_KL_ABS:
      return {std::fabs(d), Sign(d)};
    default: {
      const float e = std::expm1(-d);
      return {e + d, -e};
    }
  }
}

PLAIT_HD inline ValueAndSlope Kl(const plait_rule& rule, const TokenInputs& in) {
  const float exact = in.logp - in.ref_logp;
  const float d = ClampSymmetric(exact, rule.kl_log_limit);
  ValueAndSlope kl = KlEstimate(rule.kl_estimator, d);
  if (d != exact && exact == exact) kl.slope = 0;
  if (rule.kl_form == PLAIT_KL_STRAIGHT_THROUGH) {
    kl.slope = d;
  } else if (rule.kl_form != PLAIT_KL_PLAIN) {
    const float ratio = std::exp(LogRatio(in.logp, in.old_logp));
    kl.slope = ratio * (rule.kl_form == PLAIT_KL_TIMES_RATIO ? kl.value + kl.slope : kl.slope);
    kl.value *= ratio;
  }
  if (std::fabs(kl.value) > rule.kl_value_limit) {
    kl.value = ClampSymmetric(kl.value, rule.kl_value_limit);
    kl.slope = 0;
  }
  return kl;
}

// Comparisons are strict: at a bound the gradient is that of the unclipped loss. NaN ratios compare false everywhere
// and pass through.
PLAIT_HD inline ValueAndSlope ClippedPolicy(const plait_rule& rule, float ratio, float advantage, unsigned* flags) {
  const float low = 1 - rule.clip_low;
  const float high = 1 + rule.clip_high;
  if (advantage > 0 && ratio > high) {
    *flags |= kClippedHigh;
    return {-advantage * high, 0};
  }
  if (advantage < 0 && ratio < low) {
    *flags |= kClippedLow;
    return {-advantage * low, 0};
  }
  if (advantage < 0 && ratio > rule.dual_clip) {
    *flags |= kDualClipped;
    return {-advantage * rule.dual_clip, 0};
  }
  return {-advantage * ratio, -advantage * ratio};
}

PLAIT_HD inline ValueAndSlope CispoPolicy(const plait_rule& rule, float ratio, const TokenInputs& in, unsigned* flags) {
  const float low = 1 - rule.clip_low;
  const float high = 1 + rule.clip_high;
  float weight = ratio;
  if (ratio < low) {
    weight = low;
    *flags |= kClippedLow;
  }
  if (ratio > high) {
    weight = high;
    *flags |= kClippedHigh;
  }
  return {-weight * in.advantage * in.logp, -weight * in.advantage};
}

PLAIT_HD inline ValueAndSlope SapoPolicy(const plait_rule& rule, float ratio, float advantage) {
  const float t = advantage > 0 ? rule.sapo_positive : rule.sapo_negative;
  const float s = 1 / (1 + std::exp(-t * (ratio - 1)));
  const float slope = s == 0 || s == 1 ? 0 : 4 * s * (1 - s) * ratio;
  return {-advantage * (4 / t) * s, -advantage * slope};
}

PLAIT_HD inline ValueAndSlope Reshape(const plait_rule& rule, float x, const TokenInputs& in) {
  const float g = rule.reshape_parameter;
  switch (rule.reshape) {
    case PLAIT_RESHAPE_RATIONAL:
      return {x / (x + g), g / (x + g) * (x / (x + g))};
    case PLAIT_RESHAPE_POWER: {
      const float power = std::pow(x, g);
      return {power, g * power};
    }
    case PLAIT_RESHAPE_LOG:
      return {g * in.logp, g};
    case PLAIT_RESHAPE_LINEAR_LOG:
      return {x + g * in.logp, x + g};
    default: {
      const float p = std::exp(in.logp);
      const float old = std::exp(in.old_logp);
      const float scale = (old + g) / old;
      return {p / (p + g) * scale, g / (p + g) * (p / (p + g)) * scale};
    }
  }
}

PLAIT_HD inline ValueAndSlope ReshapedPolicy(const plait_rule& rule, float x, const TokenInputs& in, float* reshaped,
                                             unsigned* flags) {
  ValueAndSlope f = Reshape(rule, x, in);
  if (f.value < rule.reshape_low) {
    f = {rule.reshape_low, 0};
    *flags |= kReshapeLow;
  }
  if (f.value > rule.reshape_high) {
    f = {rule.reshape_high, 0};
    *flags |= kReshapeHigh;
  }
  *reshaped = f.value;
  return {-in.advantage * f.value, -in.advantage * f.slope};
}

// GMPO's d': the log-ratio, bounded on the side where the advantage would push it further.
PLAIT_HD inline float BoundedLogRatio(const plait_rule& rule, float log_ratio, float advantage) {
  if (advantage > 0 && log_ratio > rule.clip_high) return rule.clip_high;
  if (advantage < 0 && log_ratio < -rule.clip_low) return -rule.clip_low;
  return log_ratio;
}

PLAIT_HD inline ValueAndSlope GmpoPolicy(const plait_rule& rule, const TokenInputs& in, unsigned* flags) {
  const float d = TokenLogRatio(rule, in);
  const float bounded = BoundedLogRatio(rule, d, in.advantage);
  const float rho = static_cast<float>(std::exp(in.sums->bounded / in.sums->count));
  if (bounded < d) *flags |= kClippedHigh;
  if (bounded > d) *flags |= kClippedLow;
  return {-in.advantage * rho, bounded == d ? -in.advantage * rho : 0};
}

PLAIT_HD inline ValueAndSlope VespoPolicy(const plait_rule& rule, const TokenInputs& in) {
  const float* k_lambda = in.advantage >= 0 ? rule.vespo_positive : rule.vespo_negative;
  constexpr double kLowest = -18.420680743952367;  // log 1e-8
  double log_w = in.sums->log_ratio + in.sums->log_weight;
  log_w = log_w < kLowest ? kLowest : log_w > 20 ? 20 : log_w;
  const double phi = std::exp(k_lambda[1] + k_lambda[0] * log_w - k_lambda[1] * std::exp(log_w));
  const float weight = phi < INFINITY ? static_cast<float>(phi) : 0;
  return {-weight * in.advantage * in.logp, -weight * in.advantage};
}

PLAIT_HD inline float RuleLogRatio(const plait_rule& rule, const TokenInputs& in) {
  if (rule.ratio_level == PLAIT_RATIO_TOKEN) return TokenLogRatio(rule, in);
  const double sum = in.sums->log_ratio;
  return static_cast<float>(rule.ratio_level == PLAIT_RATIO_SEQUENCE_MEAN ? sum / in.sums->count : sum);
}

PLAIT_HD inline ValueAndSlope PolicyLoss(const plait_rule& rule, const TokenInputs& in, TokenResult* out) {
  const float exact = RuleLogRatio(rule, in);
  out->log_ratio = ClampSymmetric(exact, rule.log_ratio_limit);
  out->ratio = std::exp(out->log_ratio);
  if (in.advantage == 0 && rule.policy_loss != PLAIT_POLICY_RESHAPED) return {0, 0};
  ValueAndSlope loss;
  switch (rule.policy_loss) {
    case PLAIT_POLICY_REINFORCE:
      return {-in.advantage * in.logp, -in.advantage};
    case PLAIT_POLICY_CISPO:
      return CispoPolicy(rule, out->ratio, in, &out->flags);
    case PLAIT_POLICY_GMPO:
      return GmpoPolicy(rule, in, &out->flags);
    case PLAIT_POLICY_VESPO:
      return VespoPolicy(rule, in);
    case PLAIT_POLICY_SAPO:
      loss = SapoPolicy(rule, out->ratio, in.advantage);
      break;
    case PLAIT_POLICY_RESHAPED:
      loss = ReshapedPolicy(rule, out->ratio, in, &out->reshaped, &out->flags);
      break;
    default:
      loss = ClippedPolicy(rule, out->ratio, in.advantage, &out->flags);
      break;
  }
  if (out->log_ratio != exact && exact == exact) loss.slope = 0;
  // Every token of the sequence has the same loss; each moves the sum by 1, where it moves the mean by 1 / count.
  if (rule.ratio_level == PLAIT_RATIO_SEQUENCE_SUM) loss.slope *= static_cast<float>(in.sums->count);
  if (in.gates & kGateCovarianceKl) {
    loss.value += rule.covariance.coefficient * std::fabs(exact);
    loss.slope += rule.covariance.coefficient * Sign(exact);
  }
  return loss;
}

PLAIT_HD inline float Weighting(const plait_entropy_weighting& weighting, const TokenInputs& in) {
  if (weighting.scope == PLAIT_SCOPE_NONE || (weighting.positive_only && !(in.advantage > 0))) return 1;
  const float entropy =
      weighting.scope == PLAIT_SCOPE_TOKEN ? in.entropy : static_cast<float>(in.sums->entropy / in.sums->count);
  return weighting.scale * std::exp(weighting.exponent * entropy);
}

// Whether the token loses its policy term.
PLAIT_HD inline bool Dropped(const plait_rule& rule, const TokenInputs& in) {
  if (in.gates & kGateDropped) return true;
  if (rule.max_probability < INFINITY && std::exp(in.logp) > rule.max_probability) return true;
  return rule.off_policy_threshold < INFINITY && in.advantage < 0 &&
         in.sums->drift / in.sums->count > rule.off_policy_threshold;
}

PLAIT_HD inline void EvaluatePolicy(const plait_rule& rule, float weight, const TokenInputs& in, TokenResult* out) {
  out->flags |= kHasPolicy;
  const ValueAndSlope loss = PolicyLoss(rule, in, out);
  out->policy_value = loss.value;
  if (Dropped(rule, in)) {
    out->flags |= kDropped;
    return;
  }
  out->policy_weighting = Weighting(rule.policy_weighting, in);
  const float w = weight * out->policy_weighting * (rule.sampler_correction ? in.sampler_weight : 1);
  if (w == 0) return;  // also where the loss has overflowed
  out->policy_loss = w * loss.value;
  out->c += w * loss.slope;
}

PLAIT_HD inline TokenResult EvaluateToken(const plait_rule& rule, const TermWeights& weights, const TokenInputs& in) {
  TokenResult out;
  if (rule.policy_loss != PLAIT_POLICY_NONE) EvaluatePolicy(rule, weights.policy, in, &out);
  if (rule.nll.coefficient != 0) {
    out.nll_weighting = Weighting(rule.nll_weighting, in);
    out.nll_loss = -weights.nll * out.nll_weighting * in.logp;
    out.c -= weights.nll * out.nll_weighting;
  }
  if (rule.kl.coefficient != 0) {
    const ValueAndSlope kl = Kl(rule, in);
    out.kl = kl.value;
    out.kl_loss = weights.kl * kl.value;
    out.c += weights.kl * kl.slope;
    out.flags |= kHasKl;
  }
  if (rule.entropy.coefficient != 0) {
    out.entropy_loss = -weights.entropy * in.entropy;
    out.h = -weights.entropy;
  }
  if (in.logp != in.logp) {  // a NaN row stays NaN whatever the rule makes of it
    out.c = out.h = in.logp;
  }
  return out;
}

// Whether the rule's value or gradient depends on the entropy.
inline bool UsesEntropy(const plait_rule& rule) {
  if (rule.entropy.coefficient != 0) return true;
  if (rule.nll.coefficient != 0 && rule.nll_weighting.scope != PLAIT_SCOPE_NONE) return true;
  return rule.policy_loss != PLAIT_POLICY_NONE &&
         (rule.policy_weighting.scope != PLAIT_SCOPE_NONE || rule.selection.scope != PLAIT_SCOPE_NONE);
}

// The rule's field that needs the sequence or the batch before any gradient, or null.
inline const char* SecondPassField(const plait_rule& rule) {
  if (rule.nll.coefficient != 0 && rule.nll_weighting.scope == PLAIT_SCOPE_SEQUENCE) return "nll_weighting";
  if (rule.policy_loss == PLAIT_POLICY_NONE) return nullptr;
  if (rule.policy_loss == PLAIT_POLICY_GMPO || rule.policy_loss == PLAIT_POLICY_VESPO) return "policy_loss";
  if (rule.ratio_level != PLAIT_RATIO_TOKEN) return "ratio_level";
  if (rule.off_policy_threshold < INFINITY) return "off_policy_threshold";
  if (rule.policy_weighting.scope == PLAIT_SCOPE_SEQUENCE) return "policy_weighting";
  if (rule.selection.scope != PLAIT_SCOPE_NONE) return "selection";
  if (rule.covariance.kind != PLAIT_COVARIANCE_NONE) return "covariance";
  return nullptr;
}

}  // namespace plait

#endif  // PLAIT_SRC_OBJECTIVE_H_
