package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import org.plait.GroupAdvantage;

/** The presets of {@link GroupAdvantage} by the names that JSON has for them. */
final class AdvantagePresets {

  private static final Map<String, GroupAdvantage> PRESETS = new LinkedHashMap<>();

  static {
    PRESETS.put("grpo", GroupAdvantage.grpo());
    PRESETS.put("verl_grpo", GroupAdvantage.verlGrpo());
    PRESETS.put("verl_grpo_vectorized", GroupAdvantage.verlGrpoVectorized());
    PRESETS.put("easy_r1", GroupAdvantage.easyR1());
    PRESETS.put("trl", GroupAdvantage.trl());
    PRESETS.put("trl_batch", GroupAdvantage.trlBatch());
    PRESETS.put("oat", GroupAdvantage.oat());
    PRESETS.put("open_rlhf", GroupAdvantage.openRlhf());
    PRESETS.put("dr_grpo", GroupAdvantage.drGrpo());
    PRESETS.put("luffy", GroupAdvantage.luffy());
    PRESETS.put("luffy_split", GroupAdvantage.luffySplit());
    PRESETS.put("rloo", GroupAdvantage.rloo());
    PRESETS.put("rloo_verl", GroupAdvantage.rlooVerl());
    PRESETS.put("opo", GroupAdvantage.opo());
    PRESETS.put("reinforce_plus_plus_baseline", GroupAdvantage.reinforcePlusPlusBaseline());
    PRESETS.put("standardised", GroupAdvantage.standardised());
  }

  private AdvantagePresets() {}

  static Map<String, GroupAdvantage> all() {
    return new LinkedHashMap<>(PRESETS);
  }

  /** The preset that the field {@code preset} names, or the options that hold without one. */
  static GroupAdvantage read(JsonFields fields) {
    if (!fields.has("preset")) {
      return GroupAdvantage.grpo();
    }
    String name = fields.text("preset", "");
    GroupAdvantage preset = PRESETS.get(name);
    if (preset == null) {
      throw new IllegalArgumentException(
          fields.where("preset")
              + " must be one of "
              + String.join(", ", PRESETS.keySet())
              + ", not \""
              + name
              + "\"");
    }
    return preset;
  }
}
