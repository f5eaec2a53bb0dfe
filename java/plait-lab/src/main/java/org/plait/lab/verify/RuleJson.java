package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.KlTerm;
import org.plait.NllTerm;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Reshaping;
import org.plait.Rule;
import org.plait.Sapo;
import org.plait.Scope;
import org.plait.Term;
import org.plait.Vespo;

/**
 * Reads a {@link Rule} from JSON, starting with another one: a term or a field that is left out
 * stays as it is there.
 */
final class RuleJson {

  private RuleJson() {}

  /**
   * Reads a rule.
   *
   * @param fields the rule's
   * @param base what it starts with
   * @param corrected whether the sampler correction applies unless the rule says otherwise
   */
  static Rule read(JsonFields fields, Rule base, boolean corrected) {
    Rule.Builder rule = base.toBuilder();
    JsonFields policy = fields.object("policy");
    if (policy != null) {
      readPolicy(policy, base.policy(), corrected, rule);
    } else if (corrected && base.hasPolicyLoss()) {
      rule.samplerCorrection(true);
    }
    JsonNode nll = fields.node("nll");
    if (nll != null) {
      NllTerm old = base.nll();
      if (nll.isObject()) {
        JsonFields given = new JsonFields(nll, fields.where("nll"));
        rule.nllWeighting(weighting(given, old.weighting()));
        rule.nllProbabilityWeighting(
            given.choice(
                "probability_weighting", ProbabilityWeighting.class, old.probabilityWeighting()));
        rule.nll(term(given, old.term()));
        given.done();
      } else {
        rule.nll(coefficient(fields, "nll", old.term()));
      }
    }
    JsonNode kl = fields.node("kl");
    if (kl != null) {
      KlTerm old = base.kl();
      if (kl.isObject()) {
        readKl(new JsonFields(kl, fields.where("kl")), old, rule);
      } else {
        rule.kl(old.estimator(), coefficient(fields, "kl", old.term()));
      }
    }
    JsonNode entropy = fields.node("entropy");
    if (entropy != null) {
      if (entropy.isObject()) {
        JsonFields given = new JsonFields(entropy, fields.where("entropy"));
        rule.entropy(term(given, base.entropy()));
        given.done();
      } else {
        rule.entropy(coefficient(fields, "entropy", base.entropy()));
      }
    }
    fields.done();
    return rule.build();
  }

  private static void readPolicy(
      JsonFields given, PolicyTerm base, boolean corrected, Rule.Builder rule) {
    PolicyLoss usual = base.loss() == PolicyLoss.NONE ? PolicyLoss.CLIP : base.loss();
    PolicyLoss loss = given.choice("loss", PolicyLoss.class, usual);
    rule.clip(given.real("clip_low", base.clipLow()), given.real("clip_high", base.clipHigh()));
    rule.dualClip(given.real("dual_clip", base.dualClip()));
    rule.logRatioLimit(given.real("log_ratio_limit", base.logRatioLimit()));
    rule.behaviour(given.choice("behaviour", Behaviour.class, base.behaviour()));
    rule.ratioLevel(given.choice("ratio_level", RatioLevel.class, base.ratioLevel()));
    JsonFields reshape = given.object("reshape");
    if (reshape != null) {
      Reshaping old = base.reshaping();
      rule.reshape(
          reshape.choice("kind", Reshape.class, old.reshape()),
          reshape.real("parameter", old.parameter()));
      rule.reshapeBounds(reshape.real("low", old.low()), reshape.real("high", old.high()));
      reshape.done();
    }
    rule.maxProbability(given.real("max_probability", base.maxProbability()));
    rule.offPolicyThreshold(given.real("off_policy_threshold", base.offPolicyThreshold()));
    JsonFields sapo = given.object("sapo");
    if (sapo != null) {
      Sapo old = base.sapo();
      rule.sapo(sapo.real("positive", old.positive()), sapo.real("negative", old.negative()));
      sapo.done();
    }
    JsonFields vespo = given.object("vespo");
    if (vespo != null) {
      Vespo old = base.vespo();
      rule.vespo(
          vespo.real("positive_k", old.positiveK()),
          vespo.real("positive_lambda", old.positiveLambda()),
          vespo.real("negative_k", old.negativeK()),
          vespo.real("negative_lambda", old.negativeLambda()));
      vespo.done();
    }
    boolean usually = loss != PolicyLoss.NONE && (corrected || base.samplerCorrection());
    rule.samplerCorrection(given.flag("sampler_correction", usually));
    rule.policyWeighting(weighting(given, base.weighting()));
    JsonFields selection = given.object("selection");
    if (selection != null) {
      EntropySelection old = base.selection();
      rule.selection(
          new EntropySelection(
              selection.choice("scope", Scope.class, old.scope()),
              selection.real("drop", old.drop())));
      selection.done();
    }
    JsonFields covariance = given.object("covariance");
    if (covariance != null) {
      rule.covariance(readCovariance(covariance, base.covariance()));
    }
    boolean off = loss == PolicyLoss.NONE && !given.has("coefficient");
    Term term = term(given, base.term());
    rule.policy(loss, off ? term.withCoefficient(0) : term);
    given.done();
  }

  private static Covariance readCovariance(JsonFields given, Covariance base) {
    Covariance covariance =
        new Covariance(
            given.choice("kind", CovarianceKind.class, base.kind()),
            given.integer("seed", base.seed()),
            given.real("fraction", base.fraction()),
            given.real("low", base.low()),
            given.real("high", base.high()),
            given.real("coefficient", base.coefficient()));
    given.done();
    return covariance;
  }

  private static void readKl(JsonFields given, KlTerm base, Rule.Builder rule) {
    rule.kl(
        given.choice("estimator", KlEstimator.class, base.estimator()), term(given, base.term()));
    rule.klForm(given.choice("form", KlForm.class, base.form()));
    rule.klLimits(
        given.real("log_limit", base.logLimit()), given.real("value_limit", base.valueLimit()));
    given.done();
  }

  private static EntropyWeighting weighting(JsonFields parent, EntropyWeighting base) {
    JsonFields given = parent.object("weighting");
    if (given == null) {
      return base;
    }
    EntropyWeighting weighting =
        new EntropyWeighting(
            given.choice("scope", Scope.class, base.scope()),
            given.real("scale", base.scale()),
            given.real("exponent", base.exponent()),
            given.flag("positive_only", base.positiveOnly()));
    given.done();
    return weighting;
  }

  /** The weight of a term; one that was off gets the coefficient 1. */
  private static Term term(JsonFields given, Term base) {
    return new Term(
        given.real("coefficient", base.isOn() ? base.coefficient() : 1),
        given.choice("aggregation", Aggregation.class, base.aggregation()),
        given.choice("population", Population.class, base.population()));
  }

  /** A term of which only the coefficient is given, as a bare number. */
  private static Term coefficient(JsonFields parent, String name, Term base) {
    return base.withCoefficient(
        (float) JsonFields.number(parent.required(name), parent.where(name)));
  }
}
