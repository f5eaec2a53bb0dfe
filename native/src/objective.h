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

struct TokenInputs {
  float logp;
  float entropy;
  float old_logp;  // == logp where the batch has none
  float ref_logp;
  float advantage;
};

enum TokenFlags : unsigned { kClippedLow = 1, kClippedHigh = 2, kDualClipped = 4, kHasPolicy = 8, kHasKl = 16 };

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
  unsigned flags = 0;
};

// A loss value and its derivative with respect to logp.
struct ValueAndSlope {
  float value;
  float slope;
};

PLAIT_HD inline float ClampSymmetric(float x, float limit) { return x > limit ? limit : x < -limit ? -limit : x; }

PLAIT_HD inline ValueAndSlope Kl(int estimator, float d) {
  switch (estimator) {
    case PLAIT_KL_K1:
      return {d, 1};
    case PLAIT_KL_K2:
      return {0.5f * d * d, d};
    default: {
      const double e = std::expm1(-static_cast<double>(d));
      return {static_cast<float>(e + d), static_cast<float>(-e)};
    }
  }
}

// Comparisons are strict: at a bound the gradient is that of the unclipped loss. An advantage of 0 gives 0 whatever the
// ratio. NaN ratios compare false everywhere and pass through.
PLAIT_HD inline ValueAndSlope ClippedPolicy(const plait_rule& rule, float ratio, float advantage, unsigned* flags) {
  if (advantage == 0) return {0, 0};
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

PLAIT_HD inline void EvaluatePolicy(const plait_rule& rule, float weight, const TokenInputs& in, TokenResult* out) {
  const float delta = in.logp == in.old_logp ? 0 : in.logp - in.old_logp;
  out->log_ratio = ClampSymmetric(delta, rule.log_ratio_limit);
  out->ratio = std::exp(out->log_ratio);
  out->flags |= kHasPolicy;
  ValueAndSlope loss;
  if (rule.policy_loss == PLAIT_POLICY_REINFORCE) {
    loss = {in.advantage == 0 ? 0 : -in.advantage * in.logp, -in.advantage};
  } else {
    loss = ClippedPolicy(rule, out->ratio, in.advantage, &out->flags);
    if (out->log_ratio != delta) loss.slope = 0;
  }
  out->policy_loss = weight * loss.value;
  out->c += weight * loss.slope;
}

PLAIT_HD inline TokenResult EvaluateToken(const plait_rule& rule, const TermWeights& weights, const TokenInputs& in) {
  TokenResult out;
  if (rule.policy_loss != PLAIT_POLICY_NONE) EvaluatePolicy(rule, weights.policy, in, &out);
  if (rule.nll.coefficient != 0) {
    out.nll_loss = -weights.nll * in.logp;
    out.c -= weights.nll;
  }
  if (rule.kl.coefficient != 0) {
    const ValueAndSlope kl = Kl(rule.kl_estimator, in.logp - in.ref_logp);
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

}  // namespace plait

#endif  // PLAIT_SRC_OBJECTIVE_H_
