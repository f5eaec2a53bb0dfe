package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.plait.Aggregation;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.FilterAction;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.ObjectiveBuilder;
import org.plait.RatioLevel;
import org.plait.Rule;
import org.plait.SamplerCorrection;

/**
 * An {@link Objective} as JSON, the same form in case files and in {@code --config}.
 *
 * <p>Either a rule per role, what is left out being switched off:
 *
 * <pre>{
 *   "rollout": {
 *     "policy": {"loss": "clip", "clip_low": 0.2, "clip_high": 0.28, "dual_clip": 3, "log_ratio_limit": 20,
 *                "coefficient": 1, "aggregation": "token_mean", "population": "all_tokens"},
 *     "kl": {"estimator": "k3", "coefficient": 0.001},
 *     "entropy": {"coefficient": 0.01}
 *   },
 *   "demonstration": {"nll": {"coefficient": 1, "population": "own_role"}},
 *   "correction": {"level": "token", "high": 2}
 * }</pre>
 *
 * <p>or a preset and what differs from it; a rule given as well changes the preset's rule:
 *
 * <pre>
 * {"preset": "grpo", "clip_low": 0.2, "clip_high": 0.28, "kl": {"estimator": "k3", "coefficient": 0.001}}
 * </pre>
 *
 * <p>A term other than the policy loss may be a number, its coefficient. A bound that is left out
 * of a rule, or is "inf", is none. A field with an unknown name is refused. {@code CASES.md} beside
 * this module has every field.
 */
public final class ObjectiveJson {

  private ObjectiveJson() {}

  /** Reads an objective; {@code where} begins every message. */
  public static Objective read(JsonNode json, String where) {
    JsonFields fields = new JsonFields(json, where);
    try {
      Objective base =
          fields.has("preset")
              ? change(fields, ObjectivePresets.read(fields))
              : new Objective(Rule.NONE, Rule.NONE, Rule.NONE);
      JsonFields given = fields.object("correction");
      SamplerCorrection correction = given == null ? base.correction() : readCorrection(given);
      boolean corrected = correction.isOn();
      Rule rollout = rule(fields, "rollout", base.rollout(), corrected);
      Rule demonstration = rule(fields, "demonstration", base.demonstration(), false);
      Rule hint = rule(fields, "hint", base.hint(), false);
      fields.done();
      Objective objective =
          base.toBuilder().rollout(rollout).demonstration(demonstration).hint(hint).build();
      return new Objective(
          objective.rollout(), objective.demonstration(), objective.hint(), correction);
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      if (message.startsWith(where)) {
        throw e;
      }
      throw new IllegalArgumentException(where + ": " + message, e);
    }
  }

  /** Writes an objective as a rule per role. */
  public static ObjectNode write(Objective objective) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    boolean correction = !objective.correction().equals(SamplerCorrection.NONE);
    RuleJsonWriter.put(json, "rollout", objective.rollout(), correction);
    RuleJsonWriter.put(json, "demonstration", objective.demonstration(), correction);
    RuleJsonWriter.put(json, "hint", objective.hint(), correction);
    if (correction) {
      RuleJsonWriter.putCorrection(json, objective.correction());
    }
    return json;
  }

  /** A rule that may be given, and else is the preset's. */
  private static Rule rule(JsonFields fields, String role, Rule base, boolean corrected) {
    JsonFields given = fields.object(role);
    if (given != null) {
      return RuleJson.read(given, base, corrected);
    }
    return corrected && base.hasPolicyLoss()
        ? base.toBuilder().samplerCorrection(true).build()
        : base;
  }

  /** What may stand beside a preset, besides rules. */
  private static Objective change(JsonFields fields, Objective preset) {
    Rule rollout = preset.rollout();
    ObjectiveBuilder builder = preset.toBuilder();
    if (fields.has("clip_low") || fields.has("clip_high")) {
      builder.clip(
          fields.real("clip_low", rollout.policy().clipLow()),
          fields.real("clip_high", rollout.policy().clipHigh()));
    }
    if (fields.has("dual_clip")) {
      builder.dualClip(fields.real("dual_clip", rollout.policy().dualClip()));
    }
    if (fields.has("log_ratio_limit")) {
      builder.logRatioLimit(fields.real("log_ratio_limit", rollout.policy().logRatioLimit()));
    }
    if (fields.has("ratio_level")) {
      builder.ratioLevel(fields.choice("ratio_level", RatioLevel.class, RatioLevel.TOKEN));
    }
    JsonFields kl = fields.object("kl");
    if (kl != null) {
      KlEstimator estimator = kl.choice("estimator", KlEstimator.class, KlEstimator.K3);
      builder.kl(
          estimator,
          (float) JsonFields.number(kl.required("coefficient"), kl.where("coefficient")));
      kl.done();
    }
    if (fields.has("entropy_bonus")) {
      builder.entropyBonus(fields.real("entropy_bonus", 0));
    }
    if (fields.has("aggregation")) {
      builder.aggregation(fields.choice("aggregation", Aggregation.class, Aggregation.TOKEN_MEAN));
    }
    return builder.build();
  }

  private static SamplerCorrection readCorrection(JsonFields given) {
    SamplerCorrection off = SamplerCorrection.NONE;
    JsonFields filter = given.object("filter");
    CorrectionLevel level =
        given.choice(
            "level",
            CorrectionLevel.class,
            filter == null ? CorrectionLevel.TOKEN : CorrectionLevel.NONE);
    CorrectionLevel filterLevel = off.filterLevel();
    KlEstimator estimator = off.filterEstimator();
    float filterLow = off.filterLow();
    float filterHigh = off.filterHigh();
    FilterAction action = off.filterAction();
    if (filter != null) {
      filterLevel = filter.choice("level", CorrectionLevel.class, CorrectionLevel.TOKEN);
      estimator = filter.choice("estimator", KlEstimator.class, KlEstimator.K1);
      filterLow = filter.real("low", filterLow);
      filterHigh = filter.real("high", filterHigh);
      action = filter.choice("action", FilterAction.class, action);
      filter.done();
    }
    SamplerCorrection correction =
        new SamplerCorrection(
            level,
            given.choice("bounds", CorrectionBounds.class, off.bounds()),
            given.real("low", off.low()),
            given.real("high", off.high()),
            given.real("log_limit", off.logLimit()),
            given.flag("normalise", off.normalise()),
            filterLevel,
            estimator,
            filterLow,
            filterHigh,
            action);
    given.done();
    return correction;
  }
}
