// Checks of an objective and its normalisers: plain numbers, whose messages name role and field.
#include <cmath>

#include "checks.h"
#include "objective.h"

namespace plait {
namespace {

const char* RoleName(int role) {
  return role == PLAIT_ROLLOUT ? "rollout" : role == PLAIT_DEMONSTRATION ? "demonstration" : "hint";
}

plait_status CheckTerm(const char* role, const char* name, const plait_term& term) {
  if (!(term.coefficient >= 0) || std::isinf(term.coefficient)) {
    PLAIT_REFUSE("objective.%s.%s.coefficient: expected a finite number >= 0, got %g", role, name, term.coefficient);
  }
  if (term.aggregation < 0 || term.aggregation > PLAIT_SEQ_MEAN_CONSTANT_LENGTH) {
    PLAIT_REFUSE("objective.%s.%s.aggregation: expected a plait_aggregation, got %d", role, name, term.aggregation);
  }
  if (term.population < 0 || term.population > PLAIT_OWN_ROLE) {
    PLAIT_REFUSE("objective.%s.%s.population: expected a plait_population, got %d", role, name, term.population);
  }
  return PLAIT_OK;
}

// A field of one role's rule: its value, and what it must be.
plait_status CheckField(const char* role, const char* name, bool valid, const char* expected, double value) {
  if (!valid) PLAIT_REFUSE("objective.%s.%s: expected %s, got %g", role, name, expected, value);
  return PLAIT_OK;
}

plait_status CheckKind(const char* role, const char* name, int32_t value, int32_t last) {
  if (value < 0 || value > last) {
    PLAIT_REFUSE("objective.%s.%s: expected a value in [0, %d], got %d", role, name, last, value);
  }
  return PLAIT_OK;
}

bool IsFinite(float value) { return std::fabs(value) < INFINITY; }

plait_status CheckWeighting(const char* role, const char* name, const plait_entropy_weighting& w) {
  PLAIT_TRY(CheckKind(role, name, w.scope, PLAIT_SCOPE_SEQUENCE));
  PLAIT_TRY(CheckKind(role, name, w.positive_only, 1));
  if (w.scope == PLAIT_SCOPE_NONE) return PLAIT_OK;
  PLAIT_TRY(CheckField(role, name, w.scale >= 0 && IsFinite(w.scale), "a finite scale >= 0", w.scale));
  return CheckField(role, name, IsFinite(w.exponent), "a finite exponent", w.exponent);
}

plait_status CheckSelection(const char* role, const plait_entropy_selection& s) {
  PLAIT_TRY(CheckKind(role, "selection.scope", s.scope, PLAIT_SCOPE_BATCH));
  if (s.scope == PLAIT_SCOPE_TOKEN) {
    PLAIT_REFUSE("objective.%s.selection.scope: expected none, sequence or batch, got token", role);
  }
  return CheckField(role, "selection.drop", s.drop >= 0 && s.drop < 1, "a fraction in [0, 1)", s.drop);
}

plait_status CheckCovariance(const char* role, const plait_covariance& c) {
  PLAIT_TRY(CheckKind(role, "covariance.kind", c.kind, PLAIT_COVARIANCE_KL));
  if (c.kind == PLAIT_COVARIANCE_NONE) return PLAIT_OK;
  PLAIT_TRY(CheckField(role, "covariance.fraction", c.fraction > 0 && c.fraction <= 1, "in (0, 1]", c.fraction));
  PLAIT_TRY(CheckField(role, "covariance.low", c.low == c.low, "a number", c.low));
  PLAIT_TRY(CheckField(role, "covariance.high", c.high == c.high, "a number", c.high));
  return CheckField(role, "covariance.coefficient", c.coefficient >= 0 && IsFinite(c.coefficient), "finite and >= 0",
                    c.coefficient);
}

plait_status CheckPolicy(const char* role, const plait_rule& r) {
  PLAIT_TRY(CheckKind(role, "policy_loss", r.policy_loss, PLAIT_POLICY_VESPO));
  PLAIT_TRY(CheckKind(role, "behaviour", r.behaviour, PLAIT_BEHAVIOUR_CERTAIN));
  PLAIT_TRY(CheckKind(role, "ratio_level", r.ratio_level, PLAIT_RATIO_SEQUENCE_SUM));
  PLAIT_TRY(CheckKind(role, "reshape", r.reshape, PLAIT_RESHAPE_RATIONAL_RATIO));
  PLAIT_TRY(CheckField(role, "clip_low", r.clip_low >= 0, ">= 0", r.clip_low));
  PLAIT_TRY(CheckField(role, "clip_high", r.clip_high >= 0, ">= 0", r.clip_high));
  PLAIT_TRY(CheckField(role, "dual_clip", r.dual_clip > 1, "> 1", r.dual_clip));
  PLAIT_TRY(CheckField(role, "log_ratio_limit", r.log_ratio_limit > 0, "> 0", r.log_ratio_limit));
  PLAIT_TRY(CheckField(role, "max_probability", r.max_probability > 0, "> 0", r.max_probability));
  PLAIT_TRY(CheckField(role, "off_policy_threshold", r.off_policy_threshold == r.off_policy_threshold, "a number",
                       r.off_policy_threshold));
  PLAIT_TRY(CheckKind(role, "sampler_correction", r.sampler_correction, 1));
  if (r.policy_loss == PLAIT_POLICY_RESHAPED) {
    PLAIT_TRY(CheckField(role, "reshape_parameter", r.reshape_parameter > 0 && IsFinite(r.reshape_parameter),
                         "finite and > 0", r.reshape_parameter));
    PLAIT_TRY(CheckField(role, "reshape_low", r.reshape_low <= r.reshape_high, "at most reshape_high", r.reshape_low));
  }
  if (r.policy_loss == PLAIT_POLICY_SAPO) {
    PLAIT_TRY(CheckField(role, "sapo_positive", r.sapo_positive > 0 && IsFinite(r.sapo_positive), "finite and > 0",
                         r.sapo_positive));
    PLAIT_TRY(CheckField(role, "sapo_negative", r.sapo_negative > 0 && IsFinite(r.sapo_negative), "finite and > 0",
                         r.sapo_negative));
  }
  for (int i = 0; r.policy_loss == PLAIT_POLICY_VESPO && i < 2; ++i) {
    PLAIT_TRY(CheckField(role, "vespo_positive", IsFinite(r.vespo_positive[i]), "finite", r.vespo_positive[i]));
    PLAIT_TRY(CheckField(role, "vespo_negative", IsFinite(r.vespo_negative[i]), "finite", r.vespo_negative[i]));
  }
  return PLAIT_OK;
}

plait_status CheckRule(int index, const plait_rule& rule) {
  const char* role = RoleName(index);
  PLAIT_TRY(CheckTerm(role, "policy", rule.policy));
  PLAIT_TRY(CheckTerm(role, "nll", rule.nll));
  PLAIT_TRY(CheckTerm(role, "kl", rule.kl));
  PLAIT_TRY(CheckTerm(role, "entropy", rule.entropy));
  PLAIT_TRY(CheckPolicy(role, rule));
  PLAIT_TRY(CheckKind(role, "kl_estimator", rule.kl_estimator, PLAIT_KL_ABS));
  PLAIT_TRY(CheckKind(role, "kl_form", rule.kl_form, PLAIT_KL_STRAIGHT_THROUGH));
  PLAIT_TRY(CheckField(role, "kl_log_limit", rule.kl_log_limit > 0, "> 0", rule.kl_log_limit));
  PLAIT_TRY(CheckField(role, "kl_value_limit", rule.kl_value_limit > 0, "> 0", rule.kl_value_limit));
  PLAIT_TRY(CheckWeighting(role, "policy_weighting", rule.policy_weighting));
  PLAIT_TRY(CheckWeighting(role, "nll_weighting", rule.nll_weighting));
  PLAIT_TRY(CheckKind(role, "nll_probability_weighting", rule.nll_probability_weighting, PLAIT_WEIGHT_VARIANCE));
  PLAIT_TRY(CheckSelection(role, rule.selection));
  return CheckCovariance(role, rule.covariance);
}

plait_status CheckCorrection(const plait_sampler_correction& c) {
  PLAIT_TRY(CheckEnum("objective.correction.level", c.level, PLAIT_CORRECTION_SEQUENCE_MEAN));
  PLAIT_TRY(CheckEnum("objective.correction.bounds", c.bounds, PLAIT_CORRECTION_MASK));
  PLAIT_TRY(CheckEnum("objective.correction.normalise", c.normalise, 1));
  PLAIT_TRY(CheckEnum("objective.correction.filter_level", c.filter_level, PLAIT_CORRECTION_SEQUENCE_MAX));
  PLAIT_TRY(CheckEnum("objective.correction.filter_estimator", c.filter_estimator, PLAIT_KL_K3));
  PLAIT_TRY(CheckEnum("objective.correction.filter_action", c.filter_action, PLAIT_FILTER_ZERO_WEIGHT));
  if (c.reserved != 0) PLAIT_REFUSE("objective.correction.reserved: expected 0, got %d", c.reserved);
  if (c.level != PLAIT_CORRECTION_NONE && !(c.low >= 0 && c.high > 0 && c.low <= c.high)) {
    PLAIT_REFUSE("objective.correction.low: expected 0 <= low <= high and high > 0, got %g and %g", c.low, c.high);
  }
  if (c.level == PLAIT_CORRECTION_NONE && c.filter_level == PLAIT_CORRECTION_NONE) return PLAIT_OK;
  if (!(c.log_limit > 0)) PLAIT_REFUSE("objective.correction.log_limit: expected > 0, got %g", c.log_limit);
  if (c.filter_level != PLAIT_CORRECTION_NONE && !(c.filter_low >= 0 && c.filter_high >= 0)) {
    PLAIT_REFUSE("objective.correction.filter_low: expected bounds >= 0, got %g and %g", c.filter_low, c.filter_high);
  }
  return PLAIT_OK;
}

bool UsesLength(const plait_term& term) {
  return term.coefficient != 0 &&
         (term.aggregation == PLAIT_CONSTANT_LENGTH || term.aggregation == PLAIT_SEQ_MEAN_CONSTANT_LENGTH);
}

bool UsesLength(const plait_objective& objective) {
  for (const plait_rule& rule : objective.rules) {
    if (HasPolicy(rule) && UsesLength(rule.policy)) return true;
    if (UsesLength(rule.nll) || UsesLength(rule.kl) || UsesLength(rule.entropy)) return true;
  }
  return false;
}

}  // namespace

plait_status CheckObjective(const plait_objective* objective) {
  PLAIT_TRY(CheckStructBytes("objective", objective, sizeof(plait_objective)));
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) PLAIT_TRY(CheckRule(role, objective->rules[role - 1]));
  if (objective->reserved != 0) PLAIT_REFUSE("objective.reserved: expected 0, got %d", objective->reserved);
  return CheckCorrection(objective->correction);
}

plait_status CheckNormalizers(const plait_normalizers* normalizers, const plait_objective& objective) {
  if (normalizers) {
    PLAIT_TRY(CheckStructBytes("normalizers", normalizers, sizeof(plait_normalizers)));
    for (int i = 0; i < 4; ++i) {
      if (!(normalizers->tokens[i] >= 0) || std::isinf(normalizers->tokens[i])) {
        PLAIT_REFUSE("normalizers.tokens[%d]: expected a finite number >= 0, got %g", i, normalizers->tokens[i]);
      }
      if (!(normalizers->sequences[i] >= 0) || std::isinf(normalizers->sequences[i])) {
        PLAIT_REFUSE("normalizers.sequences[%d]: expected a finite number >= 0, got %g", i, normalizers->sequences[i]);
      }
    }
    if (!(normalizers->length >= 0) || std::isinf(normalizers->length)) {
      PLAIT_REFUSE("normalizers.length: expected a finite number >= 0, got %g", normalizers->length);
    }
  }
  if (UsesLength(objective) && !(normalizers && normalizers->length > 0)) {
    PLAIT_REFUSE("normalizers.length: expected > 0 for an objective with a constant-length aggregation, got %g",
                 normalizers ? normalizers->length : 0.0);
  }
  return PLAIT_OK;
}

}  // namespace plait
