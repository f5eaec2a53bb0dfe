package org.plait.lab.verify;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.plait.EntropyWeighting;
import org.plait.KlTerm;
import org.plait.PolicyTerm;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Term;

/** Writes rules and the sampler correction as JSON: what differs from a rule without terms. */
final class RuleJsonWriter {

  private static final Rule OFF = Rule.NONE;

  private RuleJsonWriter() {}

  /**
   * Adds a rule to an objective, unless it has no terms.
   *
   * @param correction whether the objective has one, so that each rule says if it applies
   */
  static void put(ObjectNode json, String role, Rule rule, boolean correction) {
    if (rule.equals(OFF)) {
      return;
    }
    ObjectNode node = json.putObject(role);
    if (!rule.policy().equals(OFF.policy())) {
      putPolicy(node.putObject("policy"), rule.policy(), correction);
    }
    if (!rule.nll().equals(OFF.nll())) {
      ObjectNode nll = node.putObject("nll");
      putTerm(nll, rule.nll().term());
      putWeighting(nll, rule.nll().weighting());
      putChoice(
          nll,
          "probability_weighting",
          rule.nll().probabilityWeighting(),
          OFF.nll().probabilityWeighting());
    }
    if (!rule.kl().equals(OFF.kl())) {
      putKl(node.putObject("kl"), rule.kl());
    }
    if (!rule.entropy().equals(OFF.entropy())) {
      putTerm(node.putObject("entropy"), rule.entropy());
    }
  }

  private static void putPolicy(ObjectNode node, PolicyTerm policy, boolean correction) {
    PolicyTerm off = OFF.policy();
    node.put("loss", JsonFields.lower(policy.loss()));
    putNumber(node, "clip_low", policy.clipLow(), off.clipLow());
    putNumber(node, "clip_high", policy.clipHigh(), off.clipHigh());
    putNumber(node, "dual_clip", policy.dualClip(), off.dualClip());
    putNumber(node, "log_ratio_limit", policy.logRatioLimit(), off.logRatioLimit());
    putChoice(node, "behaviour", policy.behaviour(), off.behaviour());
    putChoice(node, "ratio_level", policy.ratioLevel(), off.ratioLevel());
    if (!policy.reshaping().equals(off.reshaping())) {
      ObjectNode reshape = node.putObject("reshape");
      reshape.put("kind", JsonFields.lower(policy.reshaping().reshape()));
      putNumber(reshape, "parameter", policy.reshaping().parameter(), Float.NaN);
      putNumber(reshape, "low", policy.reshaping().low(), off.reshaping().low());
      putNumber(reshape, "high", policy.reshaping().high(), off.reshaping().high());
    }
    putNumber(node, "max_probability", policy.maxProbability(), off.maxProbability());
    putNumber(node, "off_policy_threshold", policy.offPolicyThreshold(), off.offPolicyThreshold());
    if (!policy.sapo().equals(off.sapo())) {
      ObjectNode sapo = node.putObject("sapo");
      putNumber(sapo, "positive", policy.sapo().positive(), Float.NaN);
      putNumber(sapo, "negative", policy.sapo().negative(), Float.NaN);
    }
    if (!policy.vespo().equals(off.vespo())) {
      ObjectNode vespo = node.putObject("vespo");
      putNumber(vespo, "positive_k", policy.vespo().positiveK(), Float.NaN);
      putNumber(vespo, "positive_lambda", policy.vespo().positiveLambda(), Float.NaN);
      putNumber(vespo, "negative_k", policy.vespo().negativeK(), Float.NaN);
      putNumber(vespo, "negative_lambda", policy.vespo().negativeLambda(), Float.NaN);
    }
    if (correction || policy.samplerCorrection()) {
      node.put("sampler_correction", policy.samplerCorrection());
    }
    putWeighting(node, policy.weighting());
    if (!policy.selection().equals(off.selection())) {
      ObjectNode selection = node.putObject("selection");
      selection.put("scope", JsonFields.lower(policy.selection().scope()));
      putNumber(selection, "drop", policy.selection().drop(), Float.NaN);
    }
    if (!policy.covariance().equals(off.covariance())) {
      ObjectNode covariance = node.putObject("covariance");
      covariance.put("kind", JsonFields.lower(policy.covariance().kind()));
      covariance.put("seed", policy.covariance().seed());
      putNumber(covariance, "fraction", policy.covariance().fraction(), Float.NaN);
      putNumber(covariance, "low", policy.covariance().low(), Float.NaN);
      putNumber(covariance, "high", policy.covariance().high(), Float.NaN);
      putNumber(covariance, "coefficient", policy.covariance().coefficient(), Float.NaN);
    }
    putTerm(node, policy.term());
  }

  private static void putKl(ObjectNode node, KlTerm kl) {
    KlTerm off = OFF.kl();
    node.put("estimator", JsonFields.lower(kl.estimator()));
    putChoice(node, "form", kl.form(), off.form());
    putNumber(node, "log_limit", kl.logLimit(), off.logLimit());
    putNumber(node, "value_limit", kl.valueLimit(), off.valueLimit());
    putTerm(node, kl.term());
  }

  private static void putWeighting(ObjectNode node, EntropyWeighting weighting) {
    if (weighting.equals(EntropyWeighting.NONE)) {
      return;
    }
    ObjectNode written = node.putObject("weighting");
    written.put("scope", JsonFields.lower(weighting.scope()));
    putNumber(written, "scale", weighting.scale(), Float.NaN);
    putNumber(written, "exponent", weighting.exponent(), Float.NaN);
    written.put("positive_only", weighting.positiveOnly());
  }

  private static void putTerm(ObjectNode node, Term term) {
    putNumber(node, "coefficient", term.coefficient(), Float.NaN);
    node.put("aggregation", JsonFields.lower(term.aggregation()));
    node.put("population", JsonFields.lower(term.population()));
  }

  /** Adds the sampler correction. */
  static void putCorrection(ObjectNode json, SamplerCorrection correction) {
    SamplerCorrection off = SamplerCorrection.NONE;
    ObjectNode node = json.putObject("correction");
    node.put("level", JsonFields.lower(correction.level()));
    putChoice(node, "bounds", correction.bounds(), off.bounds());
    putNumber(node, "low", correction.low(), off.low());
    putNumber(node, "high", correction.high(), off.high());
    putNumber(node, "log_limit", correction.logLimit(), off.logLimit());
    if (correction.normalise() != off.normalise()) {
      node.put("normalise", correction.normalise());
    }
    ObjectNode filter = node.putObject("filter");
    filter.put("level", JsonFields.lower(correction.filterLevel()));
    filter.put("estimator", JsonFields.lower(correction.filterEstimator()));
    putNumber(filter, "low", correction.filterLow(), Float.NaN);
    putNumber(filter, "high", correction.filterHigh(), Float.NaN);
    filter.put("action", JsonFields.lower(correction.filterAction()));
  }

  private static void putChoice(ObjectNode node, String name, Enum<?> value, Enum<?> usual) {
    if (value != usual) {
      node.put(name, JsonFields.lower(value));
    }
  }

  /** The shortest decimal that reads back as the same float: 0.2, not 0.20000000298023224. */
  private static void putNumber(ObjectNode node, String name, float value, float usual) {
    if (value == usual) {
      return;
    }
    if (Float.isInfinite(value)) {
      node.put(name, value > 0 ? "inf" : "-inf");
    } else {
      node.put(name, Double.parseDouble(Float.toString(value)));
    }
  }
}
