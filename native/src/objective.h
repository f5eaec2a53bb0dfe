// What stage two knows of a token beside its own numbers: the terms' weights, and what its sequence contributes.
// Scalar, once per sequence and role. Compiled by the CPU and the CUDA backend; the token's own mathematics is in
// objective-inl.h.
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

// Per token, decided before it is evaluated.
enum TokenGates : unsigned char { kGateDropped = 1, kGateCovarianceKl = 2, kGateRejected = 4 };

// Constants of the tokens of one role in one sequence.
struct SequenceContext {
  float log_ratio;         // of the sequence, for the sequence levels
  float ratio;             // its exponential, limited; a large sum has too few digits as a float
  float slope_factor;      // what a token's slope is multiplied by: the token count for a sequence sum
  float gmpo_ratio;        // exp(mean d')
  float vespo_positive;    // phi for A >= 0
  float vespo_negative;    // phi for A < 0
  float policy_weighting;  // for the sequence scope
  float nll_weighting;
  bool off_policy;  // drifted beyond off_policy_threshold
};

PLAIT_HD inline float VespoWeight(const float* k_lambda, double log_w) {
  constexpr double kLowest = -18.420680743952367;  // log 1e-8
  log_w = log_w < kLowest ? kLowest : log_w > 20 ? 20 : log_w;
  const double phi = std::exp(k_lambda[1] + k_lambda[0] * log_w - k_lambda[1] * std::exp(log_w));
  return phi < INFINITY ? static_cast<float>(phi) : 0;  // 0 for NaN too
}

PLAIT_HD inline float SequenceWeighting(const plait_entropy_weighting& weighting, const SequenceSums& sums) {
  if (weighting.scope != PLAIT_SCOPE_SEQUENCE) return 1;
  return weighting.scale * static_cast<float>(std::exp(weighting.exponent * (sums.entropy / sums.count)));
}

PLAIT_HD inline SequenceContext TokenContext() { return {0, 1, 1, 1, 1, 1, 1, 1, false}; }

PLAIT_HD inline SequenceContext ContextOf(const plait_rule& rule, const SequenceSums& sums) {
  SequenceContext context = TokenContext();
  if (rule.ratio_level != PLAIT_RATIO_TOKEN) {
    const bool mean = rule.ratio_level == PLAIT_RATIO_SEQUENCE_MEAN;
    const double log_ratio = mean ? sums.log_ratio / sums.count : sums.log_ratio;
    const double limit = rule.log_ratio_limit;
    context.log_ratio = static_cast<float>(log_ratio);
    context.ratio = static_cast<float>(std::exp(log_ratio > limit ? limit : log_ratio < -limit ? -limit : log_ratio));
    if (!mean) context.slope_factor = static_cast<float>(sums.count);
  }
  if (rule.policy_loss == PLAIT_POLICY_GMPO) {
    context.gmpo_ratio = static_cast<float>(std::exp(sums.bounded / sums.count));
  }
  if (rule.policy_loss == PLAIT_POLICY_VESPO) {
    context.vespo_positive = VespoWeight(rule.vespo_positive, sums.log_ratio + sums.log_weight);
    context.vespo_negative = VespoWeight(rule.vespo_negative, sums.log_ratio + sums.log_weight);
  }
  context.policy_weighting = SequenceWeighting(rule.policy_weighting, sums);
  context.nll_weighting = SequenceWeighting(rule.nll_weighting, sums);
  context.off_policy = rule.off_policy_threshold < INFINITY && sums.drift / sums.count > rule.off_policy_threshold;
  return context;
}

// logp - old_logp, 0 where they are equal: also where both are -inf.
PLAIT_HD inline float LogRatio(float logp, float old_logp) { return logp == old_logp ? 0 : logp - old_logp; }

// The same in float64, for sums over a sequence: of many tokens, they would show what float32 rounds away.
PLAIT_HD inline double ExactLogRatio(float logp, float old_logp) {
  return logp == old_logp ? 0 : static_cast<double>(logp) - old_logp;
}

PLAIT_HD inline float TokenLogRatio(const plait_rule& rule, float logp, float old_logp) {
  return rule.behaviour == PLAIT_BEHAVIOUR_CERTAIN ? logp : LogRatio(logp, old_logp);
}

// GMPO's d': the log-ratio, bounded on the side where the advantage would push it further.
PLAIT_HD inline float BoundedLogRatio(const plait_rule& rule, float log_ratio, float advantage) {
  if (advantage > 0 && log_ratio > rule.clip_high) return rule.clip_high;
  if (advantage < 0 && log_ratio < -rule.clip_low) return -rule.clip_low;
  return log_ratio;
}

// Adds a token of the rule's role to its sequence's sums. `sampler_weight`: 1 without a correction.
PLAIT_HD inline void AddToSequence(const plait_rule& rule, float logp, float old_logp, float entropy, float advantage,
                                   float sampler_weight, SequenceSums* sums) {
  const double moved = ExactLogRatio(logp, old_logp);
  sums->count += 1;
  sums->log_ratio += rule.behaviour == PLAIT_BEHAVIOUR_CERTAIN ? logp : moved;
  sums->bounded += BoundedLogRatio(rule, TokenLogRatio(rule, logp, old_logp), advantage);
  sums->drift -= moved;
  sums->entropy += entropy;
  if (rule.sampler_correction) sums->log_weight += std::log(sampler_weight > 1e-8 ? sampler_weight : 1e-8);
}

// Whether the rule's policy term is on.
PLAIT_HD inline bool HasPolicy(const plait_rule& rule) {
  return rule.policy_loss != PLAIT_POLICY_NONE && rule.policy.coefficient != 0;
}

// Whether the negative log-likelihood has a weight of the token's own beside that of its aggregation.
PLAIT_HD inline bool WeighsNll(const plait_rule& rule) {
  return rule.nll_weighting.scope != PLAIT_SCOPE_NONE || rule.nll_probability_weighting != PLAIT_WEIGHT_NONE;
}

// Whether the rule's value or gradient depends on the entropy.
PLAIT_HD inline bool UsesEntropy(const plait_rule& rule) {
  if (rule.entropy.coefficient != 0) return true;
  if (rule.nll.coefficient != 0 && rule.nll_weighting.scope != PLAIT_SCOPE_NONE) return true;
  return HasPolicy(rule) &&
         (rule.policy_weighting.scope != PLAIT_SCOPE_NONE || rule.selection.scope != PLAIT_SCOPE_NONE);
}

// Whether the objective's sampler correction changes anything: a filter that rejects does, whatever the rules.
PLAIT_HD inline bool UsesSampler(const plait_objective& objective) {
  const plait_sampler_correction& correction = objective.correction;
  const bool filters = correction.filter_level != PLAIT_CORRECTION_NONE;
  if (filters && correction.filter_action == PLAIT_FILTER_REJECT) return true;
  const plait_rule& rollout = objective.rules[PLAIT_ROLLOUT - 1];  // no other role has been sampled
  return (filters || correction.level != PLAIT_CORRECTION_NONE) && HasPolicy(rollout) && rollout.sampler_correction;
}

// The rule's field that needs the sequence or the batch before any gradient, or null.
inline const char* SecondPassField(const plait_rule& rule) {
  if (rule.nll.coefficient != 0 && rule.nll_weighting.scope == PLAIT_SCOPE_SEQUENCE) return "nll_weighting";
  if (!HasPolicy(rule)) return nullptr;
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
