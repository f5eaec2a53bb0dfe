package org.plait.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.plait.Aggregation;
import org.plait.Baseline;
import org.plait.Behaviour;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.EpsilonPlace;
import org.plait.FilterAction;
import org.plait.GroupAdvantage;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Scale;
import org.plait.Scope;
import org.plait.Singleton;
import org.plait.Statistics;
import org.plait.Term;

/** Every field of a value arrives where the header has it, and nothing is left as it was. */
class StructWriterTest {
  private static final int SENTINEL = 0x7e7e7e7e;

  @Test
  void everyFieldOfARuleArrivesWhereTheHeaderHasIt() throws IOException {
    Map<String, Map<String, Integer>> layouts = Header.read().layouts();
    Map<String, Integer> objective = layouts.getOrDefault("plait_objective", Map.of());
    Map<String, Integer> rule = layouts.getOrDefault("plait_rule", Map.of());
    ByteBuffer memory = sentinels(Structs.OBJECTIVE_SIZE);
    StructWriter.put(memory, new Objective(Rule.NONE, rule(), Rule.NONE, correction()));
    int base = objective.getOrDefault("rules", -1) + rule.getOrDefault("size", -1);
    Set<String> fields = new TreeSet<>(rule.keySet());
    fields.remove("size");
    Set<String> compared = new TreeSet<>();
    expected().keySet().forEach(name -> compared.add(name.split("[.+]", -1)[0]));
    assertEquals(fields, compared);
    expected()
        .forEach(
            (name, value) -> {
              String[] path = name.split("[.+]", -1);
              int at = base + rule.getOrDefault(path[0], -1);
              if (name.contains(".")) {
                at += nested(layouts, path[0]).getOrDefault(path[1], -1);
              } else if (name.contains("+")) {
                at += Integer.parseInt(path[1]);
              }
              if (value instanceof Integer) {
                assertEquals(value, memory.getInt(at), name);
              } else {
                assertEquals(value, memory.getFloat(at), name);
              }
            });
    assertEquals(Structs.OBJECTIVE_SIZE, memory.getLong(0));
  }

  @Test
  void everyFieldOfACorrectionArrivesWhereTheHeaderHasIt() throws IOException {
    Map<String, Map<String, Integer>> layouts = Header.read().layouts();
    int base = layouts.getOrDefault("plait_objective", Map.of()).getOrDefault("correction", -1);
    ByteBuffer memory = sentinels(Structs.OBJECTIVE_SIZE);
    StructWriter.put(memory, new Objective(Rule.NONE, Rule.NONE, Rule.NONE, correction()));
    Object[] values = {2, 1, 0.25f, 4f, 9f, 1, 3, 1, 0.5f, 8f, 1, 0};
    Map<String, Integer> fields = layouts.getOrDefault("plait_sampler_correction", Map.of());
    assertEquals(values.length + 1, fields.size());
    int i = 0;
    for (Map.Entry<String, Integer> field : fields.entrySet()) {
      if (field.getKey().equals("size")) {
        continue;
      }
      int at = base + field.getValue();
      Object value = values[i++];
      if (value instanceof Integer) {
        assertEquals(value, memory.getInt(at), field.getKey());
      } else {
        assertEquals(value, memory.getFloat(at), field.getKey());
      }
    }
  }

  @Test
  void everyFieldOfTheAdvantageOptionsArrivesWhereTheHeaderHasIt() throws IOException {
    GroupAdvantage options =
        new GroupAdvantage(
            Baseline.BATCH_MEAN,
            Scale.BATCH_STD,
            Singleton.REFUSE,
            true,
            0.5f,
            EpsilonPlace.VARIANCE,
            Statistics.ROLLOUTS,
            true,
            0.25f);
    ByteBuffer memory = sentinels(Structs.ADVANTAGE_OPTIONS_SIZE);
    StructWriter.put(memory, options);
    Map<String, Integer> fields =
        Header.read().layouts().getOrDefault("plait_advantage_options", Map.of());
    Map<String, Integer> expected = new LinkedHashMap<>();
    expected.put("baseline", 3);
    expected.put("scale", 2);
    expected.put("singleton", 2);
    expected.put("sample_std", 1);
    expected.put("epsilon_place", 1);
    expected.put("statistics", 1);
    expected.put("zero_std_one", 1);
    expected.put("epsilon", Float.floatToIntBits(0.5f));
    expected.put("std_floor", Float.floatToIntBits(0.25f));
    expected.put("reserved", 0);
    expected.forEach(
        (name, value) -> assertEquals(value, memory.getInt(fields.getOrDefault(name, -1)), name));
    assertEquals(expected.size() + 2, fields.size());
  }

  @Test
  void noFieldIsLeftAsItWas() {
    ByteBuffer objective = sentinels(Structs.OBJECTIVE_SIZE);
    StructWriter.put(objective, Objective.grpo());
    assertNoSentinel(objective);
    ByteBuffer options = sentinels(Structs.ADVANTAGE_OPTIONS_SIZE);
    StructWriter.put(options, GroupAdvantage.grpo());
    assertNoSentinel(options);
  }

  private static Map<String, Integer> nested(
      Map<String, Map<String, Integer>> layouts, String field) {
    String struct =
        switch (field) {
          case "policy", "nll", "kl", "entropy" -> "plait_term";
          case "policy_weighting", "nll_weighting" -> "plait_entropy_weighting";
          case "selection" -> "plait_entropy_selection";
          default -> "plait_covariance";
        };
    return layouts.getOrDefault(struct, Map.of());
  }

  private static Rule rule() {
    return Rule.builder()
        .policy(PolicyLoss.GMPO, new Term(2, Aggregation.CONSTANT_LENGTH, Population.OWN_ROLE))
        .clip(0.1f, 0.2f)
        .dualClip(3)
        .logRatioLimit(4)
        .behaviour(Behaviour.CERTAIN)
        .ratioLevel(RatioLevel.SEQUENCE_SUM)
        .reshape(Reshape.LINEAR_LOG, 0.3f)
        .reshapeBounds(5, 6)
        .maxProbability(7)
        .offPolicyThreshold(8)
        .sapo(9, 10)
        .vespo(11, 12, 13, 14)
        .samplerCorrection(true)
        .policyWeighting(new EntropyWeighting(Scope.TOKEN, 15, 16, true))
        .selection(new EntropySelection(Scope.BATCH, 0.4f))
        .covariance(new Covariance(CovarianceKind.KL, -17, 0.5f, 18, 19, 20))
        .nll(Term.of(21))
        .nllWeighting(new EntropyWeighting(Scope.SEQUENCE, 22, 23, false))
        .nllProbabilityWeighting(ProbabilityWeighting.VARIANCE)
        .kl(KlEstimator.ABS, Term.of(24))
        .klForm(KlForm.STRAIGHT_THROUGH)
        .klLimits(25, 26)
        .entropy(Term.of(27))
        .build();
  }

  private static Map<String, Object> expected() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("policy.coefficient", 2f);
    fields.put("policy.aggregation", 3);
    fields.put("policy.population", 1);
    fields.put("nll.coefficient", 21f);
    fields.put("kl.coefficient", 24f);
    fields.put("entropy.coefficient", 27f);
    fields.put("policy_loss", 6);
    fields.put("kl_estimator", 3);
    fields.put("clip_low", 0.1f);
    fields.put("clip_high", 0.2f);
    fields.put("dual_clip", 3f);
    fields.put("log_ratio_limit", 4f);
    fields.put("behaviour", 1);
    fields.put("ratio_level", 2);
    fields.put("reshape", 3);
    fields.put("reshape_parameter", 0.3f);
    fields.put("reshape_low", 5f);
    fields.put("reshape_high", 6f);
    fields.put("max_probability", 7f);
    fields.put("off_policy_threshold", 8f);
    fields.put("sapo_positive", 9f);
    fields.put("sapo_negative", 10f);
    fields.put("vespo_positive", 11f);
    fields.put("vespo_positive+4", 12f);
    fields.put("vespo_negative", 13f);
    fields.put("vespo_negative+4", 14f);
    fields.put("sampler_correction", 1);
    fields.put("kl_form", 3);
    fields.put("kl_log_limit", 25f);
    fields.put("kl_value_limit", 26f);
    fields.put("policy_weighting.scope", 1);
    fields.put("policy_weighting.scale", 15f);
    fields.put("policy_weighting.exponent", 16f);
    fields.put("policy_weighting.positive_only", 1);
    fields.put("nll_weighting.scope", 2);
    fields.put("nll_weighting.scale", 22f);
    fields.put("nll_weighting.exponent", 23f);
    fields.put("nll_weighting.positive_only", 0);
    fields.put("nll_probability_weighting", 2);
    fields.put("selection.scope", 3);
    fields.put("selection.drop", 0.4f);
    fields.put("covariance.kind", 2);
    fields.put("covariance.seed", -17);
    fields.put("covariance.fraction", 0.5f);
    fields.put("covariance.low", 18f);
    fields.put("covariance.high", 19f);
    fields.put("covariance.coefficient", 20f);
    return fields;
  }

  private static SamplerCorrection correction() {
    return SamplerCorrection.builder()
        .weights(CorrectionLevel.SEQUENCE_SUM, CorrectionBounds.MASK, 0.25f, 4)
        .logLimit(9)
        .normalise(true)
        .filter(CorrectionLevel.SEQUENCE_MEAN, KlEstimator.K2, 0.5f, 8)
        .filterAction(FilterAction.ZERO_WEIGHT)
        .build();
  }

  private static ByteBuffer sentinels(int size) {
    ByteBuffer memory = Structs.allocate(size);
    for (int at = 0; at < size; at += Integer.BYTES) {
      memory.putInt(at, SENTINEL);
    }
    return memory;
  }

  private static void assertNoSentinel(ByteBuffer memory) {
    for (int at = 0; at < memory.capacity(); at += Integer.BYTES) {
      assertNotEquals(SENTINEL, memory.getInt(at), "byte " + at);
    }
  }
}
