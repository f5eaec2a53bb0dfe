package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.plait.HybridObjectives;
import org.plait.Objective;

/**
 * The presets of {@link Objective} and {@link HybridObjectives} by the names that JSON has for
 * them.
 */
final class ObjectivePresets {

  private static final Map<String, Function<JsonFields, Objective>> PRESETS = new LinkedHashMap<>();

  static {
    PRESETS.put("sft", fields -> Objective.sft());
    PRESETS.put("dft", fields -> Objective.dft());
    PRESETS.put("reinforce", fields -> Objective.reinforce());
    PRESETS.put("rloo", fields -> Objective.rloo());
    PRESETS.put("rloo_trl", fields -> Objective.rlooTrl());
    PRESETS.put("reinforce_plus_plus", fields -> Objective.reinforcePlusPlus());
    PRESETS.put("gpg", fields -> Objective.gpg());
    PRESETS.put("ppo", fields -> Objective.ppo());
    PRESETS.put("grpo", fields -> Objective.grpo());
    PRESETS.put("grpo_two_sided", fields -> Objective.grpoTwoSided(fields.real("delta", 1.5f)));
    PRESETS.put("dapo", fields -> Objective.dapo());
    PRESETS.put("dr_grpo", fields -> Objective.drGrpo());
    PRESETS.put("dr_grpo_trl", fields -> Objective.drGrpoTrl());
    PRESETS.put("gspo", fields -> Objective.gspo());
    PRESETS.put("gspo_token", fields -> Objective.gspoToken());
    PRESETS.put("cispo", fields -> Objective.cispo());
    PRESETS.put("sapo", fields -> Objective.sapo());
    PRESETS.put("gmpo", fields -> Objective.gmpo());
    PRESETS.put("vespo", fields -> Objective.vespo());
    PRESETS.put("luspo", fields -> Objective.luspo());
    PRESETS.put("clip_cov", fields -> Objective.clipCov(fields.integer("seed", 0)));
    PRESETS.put("kl_cov", fields -> Objective.klCov());
    PRESETS.put("luffy", fields -> HybridObjectives.luffy());
    PRESETS.put("luffy_rl_sft", fields -> HybridObjectives.luffyRlSft());
    PRESETS.put("srft", fields -> HybridObjectives.srft());
    PRESETS.put("srft_hpt", fields -> HybridObjectives.srftHpt());
    PRESETS.put("relift", fields -> HybridObjectives.relift());
    PRESETS.put("relift_sft", fields -> HybridObjectives.reliftSft());
    PRESETS.put("uft", fields -> HybridObjectives.uft(fields.real("beta", 1e-3f)));
    PRESETS.put("prefix_rft", fields -> HybridObjectives.prefixRft());
    PRESETS.put("chord", fields -> HybridObjectives.chord(fields.real("mu", 0.1f)));
    PRESETS.put("bread", fields -> HybridObjectives.bread(fields.real("beta", 1e-3f)));
  }

  private ObjectivePresets() {}

  /** All presets by name, with the usual parameters. */
  static Map<String, Objective> all() {
    JsonFields none = new JsonFields(JsonFields.MAPPER.createObjectNode(), "preset");
    Map<String, Objective> all = new LinkedHashMap<>();
    PRESETS.forEach((name, preset) -> all.put(name, preset.apply(none)));
    return all;
  }

  /** The preset that the field {@code preset} names. */
  static Objective read(JsonFields fields) {
    String name = fields.text("preset", "");
    Function<JsonFields, Objective> preset = PRESETS.get(name);
    if (preset == null) {
      throw new IllegalArgumentException(
          fields.where("preset")
              + " must be one of "
              + String.join(", ", PRESETS.keySet())
              + ", not \""
              + name
              + "\"");
    }
    return preset.apply(fields);
  }
}
