// Stage two of one token: its losses, c and h. The formulas stand here once, as templates over a "real": a float in the
// CPU's row loop and on the GPU, a vector of floats in the CPU's token loop (token_kernels-inl.h), where the file is
// compiled once per SIMD target. They branch on the rule, which is uniform, and Select on what varies by token, so that
// a float and a vector's lane give the same bits.
#if defined(PLAIT_SRC_OBJECTIVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_OBJECTIVE_INL_H_
#undef PLAIT_SRC_OBJECTIVE_INL_H_
#else
#define PLAIT_SRC_OBJECTIVE_INL_H_
#endif

#include "objective.h"
#include "real-inl.h"

PLAIT_BEFORE_REAL_NAMESPACE

template <class Real>
struct TokenInputs {
  Real logp;
  Real entropy;
  Real old_logp;  // == logp where the batch has none
  Real ref_logp;
  Real advantage;
  Real sampler_weight;  // 1 without a correction
  Real dropped;         // 1 where kGateDropped is set, else 0
  Real covariance_kl;   // 1 where kGateCovarianceKl is set, else 0
};

// Losses are weighted, as they enter the loss. The last six are 1 where something happened to the token, else 0.
template <class Real>
struct TokenResult {
  PLAIT_REAL TokenResult()
      : c(0),
        h(0),
        policy_loss(0),
        nll_loss(0),
        kl_loss(0),
        entropy_loss(0),
        ratio(0),
        log_ratio(0),
        drift(0),
        kl(0),
        policy_value(0),
        reshaped(0),
        policy_weighting(1),
        nll_weighting(1),
        clipped_low(0),
        clipped_high(0),
        dual_clipped(0),
        reshape_low(0),
        reshape_high(0),
        dropped(0) {}
  Real c{0};
  Real h{0};
  Real policy_loss{0};
  Real nll_loss{0};
  Real kl_loss{0};
  Real entropy_loss{0};
  Real ratio{0};
  Real log_ratio{0};  // of the rule's ratio
  Real drift{0};      // logp - old_logp of the token itself, limited
  Real kl{0};
  Real policy_value{0};  // before any weight
  Real reshaped{0};
  Real policy_weighting{1};
  Real nll_weighting{1};
  Real clipped_low{0};
  Real clipped_high{0};
  Real dual_clipped{0};
  Real reshape_low{0};
  Real reshape_high{0};
  Real dropped{0};
};

// A loss value and its derivative with respect to logp.
template <class Real>
struct ValueAndSlope {
  Real value;
  Real slope;
};

template <class Real>
PLAIT_REAL ValueAndSlope<Real> KlEstimate(int estimator, Real d) {
  switch (estimator) {
    case PLAIT_KL_K1:
      return {d, Real(1)};
    case PLAIT_KL_K2:
      return {Real(0.5f) * d * d, d};
    case PLAIT_KL_ABS:
      return {Abs(d), Sign(d)};
    default:
      return {Expm1MinusX(-d), -Expm1(-d)};
  }
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> Kl(const plait_rule& rule, const TokenInputs<Real>& in) {
  const Real exact = in.logp - in.ref_logp;
  const Real d = ClampSymmetric(exact, rule.kl_log_limit);
  ValueAndSlope<Real> kl = KlEstimate(rule.kl_estimator, d);
  if (rule.kl_form == PLAIT_KL_STRAIGHT_THROUGH) kl.slope = d;
  kl.slope = Select(IsClamped(exact, rule.kl_log_limit), Real(0), kl.slope);
  if (rule.kl_form == PLAIT_KL_TIMES_RATIO || rule.kl_form == PLAIT_KL_TIMES_FIXED_RATIO) {
    const Real ratio = Exp(LogRatioOf(in.logp, in.old_logp));
    // Of k3, value and slope add up to d, where both may overflow.
    const Real sum = rule.kl_estimator == PLAIT_KL_K3 ? Select(IsClamped(exact, rule.kl_log_limit), kl.value, d)
                                                      : kl.value + kl.slope;
    const auto none = ratio == Real(0);  // whatever it multiplies
    kl.slope = Select(none, Real(0), ratio * (rule.kl_form == PLAIT_KL_TIMES_RATIO ? sum : kl.slope));
    kl.value = Select(none, Real(0), kl.value * ratio);
  }
  kl.slope = Select(IsClamped(kl.value, rule.kl_value_limit), Real(0), kl.slope);
  kl.value = ClampSymmetric(kl.value, rule.kl_value_limit);
  return kl;
}

// Comparisons are strict: at a bound the gradient is that of the unclipped loss. NaN ratios compare false everywhere
// and pass through.
template <class Real>
PLAIT_REAL ValueAndSlope<Real> ClippedPolicy(const plait_rule& rule, Real advantage, TokenResult<Real>* out) {
  const Real zero(0), one(1);
  const Real low(1 - rule.clip_low), high(1 + rule.clip_high), dual(rule.dual_clip);
  const auto is_high = And(advantage > zero, out->ratio > high);
  const auto is_low = And(advantage < zero, out->ratio < low);
  const auto is_dual = And(advantage<zero, out->ratio> dual);
  out->clipped_high = Select(is_high, one, zero);
  out->clipped_low = Select(is_low, one, zero);
  out->dual_clipped = Select(is_dual, one, zero);
  const Real held = Select(is_high, high, Select(is_low, low, Select(is_dual, dual, out->ratio)));
  return {-advantage * held, Select(Or(Or(is_high, is_low), is_dual), zero, -advantage * out->ratio)};
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> CispoPolicy(const plait_rule& rule, const TokenInputs<Real>& in,
                                           TokenResult<Real>* out) {
  const Real zero(0), one(1);
  const Real low(1 - rule.clip_low), high(1 + rule.clip_high);
  const auto is_low = out->ratio < low;
  const auto is_high = out->ratio > high;
  out->clipped_low = Select(is_low, one, zero);
  out->clipped_high = Select(is_high, one, zero);
  const Real weight = Select(is_low, low, Select(is_high, high, out->ratio));
  return {-weight * in.advantage * in.logp, -weight * in.advantage};
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> SapoPolicy(const plait_rule& rule, Real advantage, Real ratio) {
  const Real t = Select(advantage > Real(0), Real(rule.sapo_positive), Real(rule.sapo_negative));
  const Real e = Exp(-t * (ratio - Real(1)));
  const Real s = Real(1) / (Real(1) + e);
  // 1 - s = e s, and an infinite ratio has s = 1 and e = 0.
  const Real slope = Select(e > Real(0), Real(4) * s * (e * s) * ratio, Real(0));
  return {-advantage * (Real(4) / t) * s, -advantage * slope};
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> Reshape(const plait_rule& rule, const TokenInputs<Real>& in, Real log_x, Real x) {
  const Real g(rule.reshape_parameter);
  switch (rule.reshape) {
    case PLAIT_RESHAPE_RATIONAL:
      return {x / (x + g), g / (x + g) * (x / (x + g))};
    case PLAIT_RESHAPE_POWER: {
      const Real power = Exp(g * log_x);
      return {power, g * power};
    }
    case PLAIT_RESHAPE_LOG:
      return {g * in.logp, g};
    case PLAIT_RESHAPE_LINEAR_LOG:
      return {x + g * in.logp, x + g};
    default: {
      const Real p = Exp(in.logp);
      const Real old = Exp(in.old_logp);
      const Real scale = (old + g) / old;
      return {p / (p + g) * scale, g / (p + g) * (p / (p + g)) * scale};
    }
  }
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> ReshapedPolicy(const plait_rule& rule, const TokenInputs<Real>& in,
                                              TokenResult<Real>* out) {
  const Real zero(0), one(1), low(rule.reshape_low), high(rule.reshape_high);
  const ValueAndSlope<Real> f = Reshape(rule, in, out->log_ratio, out->ratio);
  const auto is_low = f.value < low;
  const auto is_high = f.value > high;
  out->reshape_low = Select(is_low, one, zero);
  out->reshape_high = Select(is_high, one, zero);
  out->reshaped = Select(is_low, low, Select(is_high, high, f.value));
  return {-in.advantage * out->reshaped, Select(Or(is_low, is_high), zero, -in.advantage * f.slope)};
}

template <class Real>
PLAIT_REAL Real TokenLogRatioOf(const plait_rule& rule, const TokenInputs<Real>& in) {
  return rule.behaviour == PLAIT_BEHAVIOUR_CERTAIN ? in.logp : LogRatioOf(in.logp, in.old_logp);
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> GmpoPolicy(const plait_rule& rule, const SequenceContext& context,
                                          const TokenInputs<Real>& in, TokenResult<Real>* out) {
  const Real zero(0), one(1);
  const Real d = TokenLogRatioOf(rule, in);
  const auto is_high = And(in.advantage > zero, d > Real(rule.clip_high));
  const auto is_low = And(in.advantage < zero, d < Real(-rule.clip_low));
  out->clipped_high = Select(is_high, one, zero);
  out->clipped_low = Select(is_low, one, zero);
  const Real value = -in.advantage * Real(context.gmpo_ratio);
  return {value, Select(Or(is_high, is_low), zero, value)};
}

template <class Real>
PLAIT_REAL ValueAndSlope<Real> PolicyLoss(const plait_rule& rule, const SequenceContext& context,
                                          const TokenInputs<Real>& in, TokenResult<Real>* out) {
  const Real zero(0);
  const bool of_token = rule.ratio_level == PLAIT_RATIO_TOKEN;
  const Real exact = of_token ? TokenLogRatioOf(rule, in) : Real(context.log_ratio);
  out->log_ratio = ClampSymmetric(exact, rule.log_ratio_limit);
  out->ratio = of_token ? Exp(out->log_ratio) : Real(context.ratio);
  ValueAndSlope<Real> loss = {zero, zero};
  bool through_ratio = true;  // whether the gradient flows through the ratio
  switch (rule.policy_loss) {
    case PLAIT_POLICY_REINFORCE:
      loss = {-in.advantage * in.logp, -in.advantage};
      through_ratio = false;
      break;
    case PLAIT_POLICY_CISPO:
      loss = CispoPolicy(rule, in, out);
      through_ratio = false;
      break;
    case PLAIT_POLICY_GMPO:
      loss = GmpoPolicy(rule, context, in, out);
      through_ratio = false;
      break;
    case PLAIT_POLICY_VESPO: {
      const Real phi = Select(in.advantage >= zero, Real(context.vespo_positive), Real(context.vespo_negative));
      loss = {-phi * in.advantage * in.logp, -phi * in.advantage};
      through_ratio = false;
      break;
    }
    case PLAIT_POLICY_SAPO:
      loss = SapoPolicy(rule, in.advantage, out->ratio);
      break;
    case PLAIT_POLICY_RESHAPED:
      loss = ReshapedPolicy(rule, in, out);
      break;
    default:
      loss = ClippedPolicy(rule, in.advantage, out);
      break;
  }
  if (through_ratio) {
    loss.slope = Select(IsClamped(exact, rule.log_ratio_limit), zero, loss.slope) * Real(context.slope_factor);
  }
  // Exactly 0 whatever the ratio, also an infinite one.
  const auto none = in.advantage == zero;
  loss = {Select(none, zero, loss.value), Select(none, zero, loss.slope)};
  if (rule.covariance.kind == PLAIT_COVARIANCE_KL) {
    const Real coefficient = Real(rule.covariance.coefficient) * in.covariance_kl;
    const Real moved = LogRatioOf(in.logp, in.old_logp);  // of the token, whatever the rule's ratio is of
    loss.value = loss.value + coefficient * Abs(moved);
    loss.slope = loss.slope + coefficient * Sign(moved);
  }
  return loss;
}

template <class Real>
PLAIT_REAL Real Weighting(const plait_entropy_weighting& weighting, float of_sequence, const TokenInputs<Real>& in) {
  if (weighting.scope == PLAIT_SCOPE_NONE) return Real(1);
  const Real weight = weighting.scope == PLAIT_SCOPE_SEQUENCE
                          ? Real(of_sequence)
                          : Real(weighting.scale) * Exp(Real(weighting.exponent) * in.entropy);
  return weighting.positive_only ? Select(in.advantage > Real(0), weight, Real(1)) : weight;
}

template <class Real>
PLAIT_REAL Real ProbabilityWeighting(int kind, Real logp) {
  switch (kind) {
    case PLAIT_WEIGHT_PROBABILITY:
      return Exp(logp);
    case PLAIT_WEIGHT_VARIANCE:
      return Exp(logp) * -Expm1(logp);  // 1 - p keeps its digits near p = 1
    default:
      return Real(1);
  }
}

// 1 where the token loses its policy term, else 0.
template <class Real>
PLAIT_REAL Real DroppedOf(const plait_rule& rule, const SequenceContext& context, const TokenInputs<Real>& in) {
  Real dropped = in.dropped;
  if (rule.max_probability < INFINITY) {
    dropped = Select(Exp(in.logp) > Real(rule.max_probability), Real(1), dropped);
  }
  if (context.off_policy) dropped = Select(in.advantage < Real(0), Real(1), dropped);
  return dropped;
}

template <class Real>
PLAIT_REAL void EvaluatePolicy(const plait_rule& rule, float weight, const SequenceContext& context,
                               const TokenInputs<Real>& in, TokenResult<Real>* out) {
  const ValueAndSlope<Real> loss = PolicyLoss(rule, context, in, out);
  out->policy_value = loss.value;
  out->drift = ClampSymmetric(LogRatioOf(in.logp, in.old_logp), rule.log_ratio_limit);
  out->dropped = DroppedOf(rule, context, in);
  out->policy_weighting = Weighting(rule.policy_weighting, context.policy_weighting, in);
  Real w = Real(weight) * out->policy_weighting;
  // VESPO has the sampler's weight in its phi.
  if (rule.sampler_correction && rule.policy_loss != PLAIT_POLICY_VESPO) w = w * in.sampler_weight;
  const auto none = Or(out->dropped > Real(0), w == Real(0));  // 0 also where the loss has overflowed
  out->policy_loss = Select(none, Real(0), w * loss.value);
  out->c = out->c + Select(none, Real(0), w * loss.slope);
}

template <class Real>
PLAIT_REAL TokenResult<Real> EvaluateToken(const plait_rule& rule, const TermWeights& weights,
                                           const SequenceContext& context, const TokenInputs<Real>& in) {
  TokenResult<Real> out;
  if (HasPolicy(rule)) EvaluatePolicy(rule, weights.policy, context, in, &out);
  if (rule.nll.coefficient != 0) {
    out.nll_weighting = Weighting(rule.nll_weighting, context.nll_weighting, in) *
                        ProbabilityWeighting(rule.nll_probability_weighting, in.logp);
    const Real w = Real(weights.nll) * out.nll_weighting;
    out.nll_loss = Select(w == Real(0), Real(0), -w * in.logp);  // 0 also where logp is -inf
    out.c = out.c - w;
  }
  if (rule.kl.coefficient != 0) {
    const ValueAndSlope<Real> kl = Kl(rule, in);
    out.kl = kl.value;
    out.kl_loss = Real(weights.kl) * kl.value;
    out.c = out.c + Real(weights.kl) * kl.slope;
  }
  if (rule.entropy.coefficient != 0) {
    out.entropy_loss = -Real(weights.entropy) * in.entropy;
    out.h = -Real(weights.entropy);
  }
  // A NaN row stays NaN whatever the rule makes of it.
  out.c = Select(IsNan(in.logp), in.logp, out.c);
  out.h = Select(IsNan(in.logp), in.logp, out.h);
  return out;
}

PLAIT_AFTER_REAL_NAMESPACE

#endif  // PLAIT_SRC_OBJECTIVE_INL_H_
