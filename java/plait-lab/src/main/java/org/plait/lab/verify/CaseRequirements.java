package org.plait.lab.verify;

import java.util.List;
import org.plait.Aggregation;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyTerm;
import org.plait.Role;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;
import org.plait.lab.oracle.SamplerOracle;

/** What the objective and the expected values of a case need of its inputs. */
final class CaseRequirements {
  private final JsonFields fields;
  private final CaseInputs inputs;
  private final boolean hasLength;

  private CaseRequirements(Case read, JsonFields fields) {
    this.fields = fields;
    this.inputs = read.inputs();
    this.hasLength = read.length() > 0;
  }

  /** Refuses a case that lacks an input, in a sentence that names it. */
  static void check(Case read, JsonFields fields) {
    CaseRequirements requirements = new CaseRequirements(read, fields);
    Case.Expected expected = read.expected();
    requirements.require(
        expected.advantages() == null || !read.advantage().isEmpty(),
        "expected advantages",
        "inputs.rewards");
    boolean tokens = read.advantage().stream().anyMatch(AdvantageStep.Tokens.class::isInstance);
    requirements.require(
        expected.returns() == null || tokens, "expected returns", "an advantage of kind tokens");
    Objective objective = read.objective();
    requirements.require(
        objective != null || !expected.needsObjective(), "an expected loss", "an objective");
    if (objective != null) {
      for (Role role : Role.values()) {
        Rule rule = objective.rule(role);
        requirements.length(rule);
        requirements.arrays(rule);
      }
      requirements.require(
          !SamplerOracle.applies(objective) || read.inputs().rolloutLogProb() != null,
          "a sampler correction",
          "inputs.rollout_log_prob");
      requirements.require(
          !SamplerOracle.applies(objective) || read.inputs().oldLogProb() != null,
          "a sampler correction",
          "inputs.old_log_prob");
    }
  }

  private void arrays(Rule rule) {
    PolicyTerm policy = rule.policy();
    require(
        !policy.isOn() || inputs.advantages() != null || inputs.rewards().given(),
        "a policy loss",
        "inputs.advantages or inputs.rewards");
    require(
        !rule.kl().term().isOn() || inputs.refLogProb() != null,
        "a KL term",
        "inputs.ref_log_prob");
    require(
        !rule.kl().term().isOn() || rule.kl().form() == KlForm.PLAIN || hasOld(rule),
        "a KL term with a ratio",
        "inputs.old_log_prob");
    require(
        !rule.entropy().isOn() || inputs.entropy() != null, "an entropy term", "inputs.entropy");
    boolean weighted = rule.nll().term().isOn() && rule.nll().weighting().isOn();
    boolean selected =
        policy.isOn() && (policy.weighting().isOn() || policy.selection().scope() != Scope.NONE);
    require(
        !(weighted || selected) || inputs.entropy() != null,
        "an entropy weighting or selection",
        "inputs.entropy");
  }

  private void length(Rule rule) {
    for (Term term :
        List.of(rule.policy().term(), rule.nll().term(), rule.kl().term(), rule.entropy())) {
      boolean constant =
          term.aggregation() == Aggregation.CONSTANT_LENGTH
              || term.aggregation() == Aggregation.SEQ_MEAN_CONSTANT_LENGTH;
      require(
          !term.isOn() || !constant || hasLength,
          "a constant-length aggregation",
          "normalizers.length");
    }
  }

  private boolean hasOld(Rule rule) {
    return rule.kl().form() == KlForm.STRAIGHT_THROUGH || inputs.oldLogProb() != null;
  }

  private void require(boolean there, String what, String field) {
    if (!there) {
      throw new IllegalArgumentException(fields.where() + " has " + what + " but lacks " + field);
    }
  }
}
