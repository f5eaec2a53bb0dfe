package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.plait.Aggregation;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.Term;

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
 *   "demonstration": {"nll": {"coefficient": 1, "population": "own_role"}}
 * }</pre>
 *
 * <p>or a preset and what differs from it; a rule given as well replaces the preset's:
 *
 * <pre>
 * {"preset": "grpo", "clip_low": 0.2, "clip_high": 0.28, "kl": {"estimator": "k3", "coefficient": 0.001}}
 * </pre>
 *
 * <p>A term may be a number, its coefficient. A bound that is left out of a rule, or is "inf", is
 * none. A field with an unknown name is refused.
 */
public final class ObjectiveJson {

  private static final Map<String, Supplier<Objective>> PRESETS = new LinkedHashMap<>();

  static {
    PRESETS.put("sft", Objective::sft);
    PRESETS.put("reinforce", Objective::reinforce);
    PRESETS.put("ppo", Objective::ppo);
    PRESETS.put("grpo", Objective::grpo);
    PRESETS.put("dapo", Objective::dapo);
    PRESETS.put("dr_grpo", Objective::drGrpo);
  }

  private ObjectiveJson() {}

  /** Reads an objective; {@code where} begins every message. */
  public static Objective read(JsonNode json, String where) {
    JsonFields fields = new JsonFields(json, where);
    try {
      Objective.Builder builder = fields.has("preset") ? preset(fields) : Objective.builder();
      JsonFields rollout = fields.object("rollout");
      JsonFields demonstration = fields.object("demonstration");
      JsonFields hint = fields.object("hint");
      if (rollout != null) {
        builder.rollout(rule(rollout));
      }
      if (demonstration != null) {
        builder.demonstration(rule(demonstration));
      }
      if (hint != null) {
        builder.hint(rule(hint));
      }
      fields.done();
      return builder.build();
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
    putRule(json, "rollout", objective.rollout());
    putRule(json, "demonstration", objective.demonstration());
    putRule(json, "hint", objective.hint());
    return json;
  }

  private static Objective.Builder preset(JsonFields fields) {
    String name = fields.text("preset", "");
    Supplier<Objective> preset = PRESETS.get(name);
    if (preset == null) {
      throw new IllegalArgumentException(
          fields.where("preset")
              + " must be one of "
              + String.join(", ", PRESETS.keySet())
              + ", not \""
              + name
              + "\"");
    }
    Objective objective = preset.get();
    Rule rollout = objective.rollout();
    Objective.Builder builder = objective.toBuilder();
    if (fields.has("clip_low") || fields.has("clip_high")) {
      builder.clip(
          fields.real("clip_low", rollout.clipLow()), fields.real("clip_high", rollout.clipHigh()));
    }
    if (fields.has("dual_clip")) {
      builder.dualClip(fields.real("dual_clip", rollout.dualClip()));
    }
    if (fields.has("log_ratio_limit")) {
      builder.logRatioLimit(fields.real("log_ratio_limit", rollout.logRatioLimit()));
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
    return builder;
  }

  private static Rule rule(JsonFields fields) {
    float none = Float.POSITIVE_INFINITY;
    Rule off = Rule.NONE;
    PolicyLoss policyLoss = off.policyLoss();
    Term policy = off.policy();
    float clipLow = none;
    float clipHigh = none;
    float dualClip = none;
    float logRatioLimit = none;
    JsonFields given = fields.object("policy");
    if (given != null) {
      policyLoss = given.choice("loss", PolicyLoss.class, PolicyLoss.CLIP);
      clipLow = given.real("clip_low", none);
      clipHigh = given.real("clip_high", none);
      dualClip = given.real("dual_clip", none);
      logRatioLimit = given.real("log_ratio_limit", none);
      policy = term(given);
    }
    KlEstimator estimator = off.klEstimator();
    Term kl = off.kl();
    JsonNode klNode = fields.node("kl");
    if (klNode != null && klNode.isObject()) {
      JsonFields klFields = new JsonFields(klNode, fields.where("kl"));
      estimator = klFields.choice("estimator", KlEstimator.class, KlEstimator.K3);
      kl = term(klFields);
    } else if (klNode != null) {
      estimator = KlEstimator.K3;
      kl = term(fields, "kl");
    }
    Term nll = term(fields, "nll");
    Term entropy = term(fields, "entropy");
    fields.done();
    return new Rule(
        policyLoss,
        policy,
        clipLow,
        clipHigh,
        dualClip,
        logRatioLimit,
        nll,
        estimator,
        kl,
        entropy);
  }

  /** A term that may be absent, a number or an object. */
  private static Term term(JsonFields parent, String name) {
    JsonNode node = parent.node(name);
    if (node == null) {
      return Term.OFF;
    }
    return node.isObject()
        ? term(new JsonFields(node, parent.where(name)))
        : Term.of((float) JsonFields.number(node, parent.where(name)));
  }

  private static Term term(JsonFields fields) {
    Term term =
        new Term(
            fields.real("coefficient", 1),
            fields.choice("aggregation", Aggregation.class, Aggregation.TOKEN_MEAN),
            fields.choice("population", Population.class, Population.ALL_TOKENS));
    fields.done();
    return term;
  }

  private static void putRule(ObjectNode json, String role, Rule rule) {
    if (rule.equals(Rule.NONE)) {
      return;
    }
    Rule off = Rule.NONE;
    ObjectNode node = json.putObject(role);
    if (rule.policyLoss() != off.policyLoss() || !rule.policy().equals(off.policy())) {
      ObjectNode policy = node.putObject("policy");
      policy.put("loss", JsonFields.lower(rule.policyLoss()));
      putBound(policy, "clip_low", rule.clipLow());
      putBound(policy, "clip_high", rule.clipHigh());
      putBound(policy, "dual_clip", rule.dualClip());
      putBound(policy, "log_ratio_limit", rule.logRatioLimit());
      putTerm(policy, rule.policy());
    }
    if (!rule.nll().equals(off.nll())) {
      putTerm(node.putObject("nll"), rule.nll());
    }
    if (!rule.kl().equals(off.kl()) || rule.klEstimator() != off.klEstimator()) {
      ObjectNode kl = node.putObject("kl");
      kl.put("estimator", JsonFields.lower(rule.klEstimator()));
      putTerm(kl, rule.kl());
    }
    if (!rule.entropy().equals(off.entropy())) {
      putTerm(node.putObject("entropy"), rule.entropy());
    }
  }

  private static void putTerm(ObjectNode node, Term term) {
    putNumber(node, "coefficient", term.coefficient());
    node.put("aggregation", JsonFields.lower(term.aggregation()));
    node.put("population", JsonFields.lower(term.population()));
  }

  private static void putBound(ObjectNode node, String name, float bound) {
    if (bound != Float.POSITIVE_INFINITY) {
      putNumber(node, name, bound);
    }
  }

  /** The shortest decimal that reads back as the same float: 0.2, not 0.20000000298023224. */
  private static void putNumber(ObjectNode node, String name, float value) {
    node.put(name, Double.parseDouble(Float.toString(value)));
  }
}
