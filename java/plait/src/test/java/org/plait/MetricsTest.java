package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void metricsOfNoTokensHaveSumsOfZeroAndNoMeans() {
    Metrics metrics = new Metrics();
    assertEquals(0, metrics.loss());
    assertEquals(0, metrics.tokens());
    assertEquals(Double.NEGATIVE_INFINITY, metrics.ratioMax());
    assertEquals(Double.NaN, metrics.ratioMean());
    assertEquals(Double.NaN, metrics.clipFractionLow());
    assertEquals(Double.NaN, metrics.entropyMean());
    assertEquals(Double.NaN, metrics.referenceKl());
  }

  @Test
  void everyMetricOfAHandMadeBatchIsWhatItsDefinitionSays() {
    // Ratios 0.5, 1.5, 4, 1 with advantages -1, 1, -1, 1: clipped low, high, dual, and not at all.
    double[] ratios = {0.5, 1.5, 4, 1};
    Objective objective =
        Objective.ppo().toBuilder().clip(0.2f, 0.3f).dualClip(3).kl(KlEstimator.K2, 0.5f).build();
    Metrics metrics = tokens(ratios, new float[] {-1, 1, -1, 1}, objective, 2);
    assertEquals(4, metrics.tokens());
    assertEquals(4, metrics.tokens(Role.ROLLOUT));
    assertEquals(0, metrics.tokens(Role.HINT));
    assertEquals(0, metrics.tokens(Role.IGNORED));
    assertEquals(4, metrics.policyTokens());
    assertEquals(7 / 4.0, metrics.ratioMean(), 1e-6);
    assertEquals(4, metrics.ratioMax(), 1e-6);
    assertEquals(0.25, metrics.clipFractionLow());
    assertEquals(0.25, metrics.clipFractionHigh());
    assertEquals(0.25, metrics.dualClipFraction());
    assertEquals(-Math.log(3) / 4, metrics.approxKlK1(), 1e-6);
    assertEquals((7 - 4 - Math.log(3)) / 4, metrics.approxKlK3(), 1e-6);
    assertEquals(2, metrics.referenceKl(), 1e-6);
    assertEquals(-1, metrics.logProbMean(), 1e-6);
    assertEquals(0.75, metrics.entropyMean(), 1e-6);
    // max(0.5, 0.8), -min(1.5, 1.3), min(4, 3), -1
    double policy = (0.8 - 1.3 + 3 - 1) / 4;
    assertEquals(policy, metrics.policyLoss(), 1e-6);
    assertEquals(1, metrics.klLoss(), 1e-6);
    assertEquals(0, metrics.nllLoss());
    assertEquals(0, metrics.entropyLoss());
    assertEquals(policy + 1, metrics.loss(), 1e-6);
    assertEquals((0.8 + 1.3 + 3 + 1) / 4 + 1, metrics.lossMagnitude(), 1e-6);
    assertEquals(0, metrics.badTargets());
  }

  @Test
  void metricsByRoleLookAtTheTokensOfTheirRole() {
    Tokens tokens = Tokens.of(5);
    tokens.roles =
        new Role[] {Role.ROLLOUT, Role.ROLLOUT, Role.DEMONSTRATION, Role.DEMONSTRATION, Role.HINT};
    tokens.logp = Tokens.values(Math.log(0.5), Math.log(0.25), Math.log(0.4), Math.log(0.9), -1);
    tokens.old = Tokens.values(Math.log(0.25), Math.log(0.25), -9, -9, -2);
    tokens.advantages = Tokens.values(1, 1, 2, 2, 7);
    tokens.normalizers = Normalizers.NONE.withLength(10);
    Objective luffy =
        HybridObjectives.luffy().toBuilder()
            .hint(Objective.ppo().rollout())
            .clip(0.2f, 0.2f)
            .build();
    Rule bounded = luffy.demonstration().toBuilder().reshapeBounds(0.81f, INF).build();
    Metrics metrics = tokens.run(luffy.toBuilder().demonstration(bounded).build()).metrics();
    assertEquals(-(1.2 + 1) / 2, metrics.policyValueMean(Role.ROLLOUT), 1e-6);
    assertEquals(-2 * (0.81 + 0.9) / 2, metrics.policyValueMean(Role.DEMONSTRATION), 1e-6);
    assertEquals(0.5, metrics.clipFraction(Role.ROLLOUT));
    assertEquals(0, metrics.clipFraction(Role.DEMONSTRATION));
    assertEquals(1, metrics.clipFraction(Role.HINT));
    assertEquals(0.375, metrics.probabilityMean(Role.ROLLOUT), 1e-6);
    assertEquals(0.65, metrics.probabilityMean(Role.DEMONSTRATION), 1e-6);
    assertEquals(0.25, metrics.oldProbabilityMean(Role.ROLLOUT), 1e-6);
    assertEquals(Math.exp(-2), metrics.oldProbabilityMean(Role.HINT), 1e-6);
    assertEquals((0.81 + 0.9) / 2, metrics.reshapedMean(), 1e-6);
    assertEquals(0.5, metrics.reshapeLowFraction());
    assertEquals(0, metrics.reshapeHighFraction());
    assertEquals(Double.NaN, metrics.policyValueMean(Role.IGNORED));

    Map<String, Double> verl = metrics.toVerlMap();
    assertEquals(metrics.policyValueMean(Role.ROLLOUT), verl.get("actor/on_pg_loss"));
    assertEquals(metrics.policyValueMean(Role.DEMONSTRATION), verl.get("actor/off_pg_loss"));
    assertEquals(0.25, verl.getOrDefault("actor/on_policy_prob", 0.0), 1e-6);
    assertEquals(0.65, verl.getOrDefault("actor/off_policy_prob", 0.0), 1e-6);
    assertEquals(metrics.reshapedMean(), verl.get("actor/off_ratio_mean"));
    assertEquals(0.5, verl.get("actor/off_ratio_min_clip_frac"));
    assertEquals(1, verl.get("actor/pg_clipfrac_prefix"));
    assertEquals(0.4, verl.getOrDefault("actor/pg_clipfrac", 0.0), 1e-12, "two of five");
  }

  @Test
  void weightingsAndDroppedTokensAreCounted() {
    Tokens tokens = Tokens.random(2, 4, 3);
    tokens.roles = new Role[7];
    Arrays.fill(tokens.roles, Role.ROLLOUT);
    Arrays.fill(tokens.roles, 4, 7, Role.DEMONSTRATION);
    Arrays.fill(tokens.advantages, 1);
    Metrics srft = tokens.run(HybridObjectives.srft()).metrics();
    double rollouts = (tokens.entropy[0] + tokens.entropy[1] + tokens.entropy[2]);
    rollouts = (rollouts + tokens.entropy[3]) / 4;
    double demonstrations = (tokens.entropy[4] + tokens.entropy[5] + tokens.entropy[6]) / 3;
    assertEquals(0.1 * Math.exp(rollouts), srft.policyWeightingMean(), 1e-6);
    assertEquals(0.5 * Math.exp(-demonstrations), srft.nllWeightingMean(), 1e-6);
    assertEquals(srft.policyWeightingMean(), srft.toVerlMap().get("srft/on_coef"));
    assertEquals(srft.nllWeightingMean(), srft.toVerlMap().get("srft/sft_coef"));
    assertEquals(0, srft.droppedTokens());
    tokens.normalizers = Normalizers.NONE.withLength(1);
    assertEquals(2, tokens.run(HybridObjectives.prefixRft()).metrics().droppedTokens());
  }

  @Test
  void theNamesOfVerlAppearOnlyWhereThereIsSomethingToReport() {
    assertEquals(Set.of("actor/pg_loss", "actor/sft_loss"), new Metrics().toVerlMap().keySet());
    Metrics ppo = tokens(new double[] {0.5, 4}, new float[] {-1, -1}, dualClipped(), 1);
    assertEquals(
        Set.of(
            "actor/pg_loss",
            "actor/sft_loss",
            "actor/entropy",
            "actor/pg_clipfrac",
            "actor/pg_clipfrac_lower",
            "actor/ppo_kl",
            "actor/on_pg_loss",
            "actor/on_policy_prob"),
        ppo.toVerlMap().keySet());
    assertEquals(0.5, ppo.toVerlMap().get("actor/pg_clipfrac"));
    assertEquals(0.5, ppo.toVerlMap().get("actor/pg_clipfrac_lower"));
    assertEquals(ppo.approxKlK1(), ppo.toVerlMap().get("actor/ppo_kl"));
    assertEquals(0.75, ppo.toVerlMap().get("actor/entropy"));
    Objective kl = dualClipped().toBuilder().kl(KlEstimator.K2, 0.5f).build();
    Metrics withKl = tokens(new double[] {1}, new float[] {1}, kl, 2);
    assertEquals(2, withKl.toVerlMap().getOrDefault("actor/kl_loss", 0.0), 1e-6);
  }

  @Test
  void ratiosAreMeansOverTheTokensWithAPolicyLossOnly() {
    StepFixture step = new StepFixture();
    step.run();
    assertEquals(4, step.metrics.tokens());
    assertEquals(2, step.metrics.policyTokens());
    double sum = 0;
    for (int t = 0; t < 2; t++) {
      sum += Math.exp(step.logProbs.getFloat(t) - step.oldLogProbs.getFloat(t));
    }
    assertEquals(sum / 2, step.metrics.ratioMean(), 1e-6 * sum);
    assertEquals(2, step.metrics.tokens(Role.ROLLOUT));
    assertEquals(1, step.metrics.tokens(Role.DEMONSTRATION));
    assertEquals(1, step.metrics.tokens(Role.HINT));
  }

  @Test
  void microBatchesAddUpToTheirBatch() {
    Objective objective = Objective.ppo().toBuilder().kl(KlEstimator.K3, 0.1f).build();
    double[] ratios = {0.7, 1.1, 2, 1, 0.9};
    float[] advantages = {1, -2, 0.5f, 0.1f, -1};
    Metrics whole = tokens(ratios, advantages, objective, 1);
    Normalizers five = Normalizers.NONE.withTokens(5).withSequences(1);
    Metrics sum = new Metrics();
    sum.add(tokens(slice(ratios, 0, 2), slice(advantages, 0, 2), objective, 1, five));
    sum.add(tokens(slice(ratios, 2, 5), slice(advantages, 2, 5), objective, 1, five));
    Map<String, Double> expected = whole.toMap();
    assertEquals(75, expected.size());
    sum.toMap()
        .forEach(
            (name, value) -> {
              double other = expected.getOrDefault(name, Double.NEGATIVE_INFINITY);
              double scale = Double.isNaN(other) ? 1 : Math.max(1, Math.abs(other));
              assertEquals(other, value, 1e-6 * scale, name);
            });
    assertNotEquals(0, sum.loss());
    assertNotEquals(0, sum.klLoss());
    assertEquals(2, sum.ratioMax(), 1e-6);

    Tokens tokens = Tokens.random(3, 4, 3, 5);
    tokens.roles = new Role[12];
    Role[] cycle = {Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT};
    Arrays.setAll(tokens.roles, t -> cycle[t % 3]);
    tokens.normalizers = Normalizers.count(tokens.batch()).withLength(9);
    Objective srft =
        HybridObjectives.srftHpt().toBuilder()
            .correction(SamplerCorrection.icePop(0.7f, 1.2f))
            .build();
    Metrics parts = new Metrics();
    parts.add(tokens.sequences(0, 1).run(srft).metrics());
    parts.add(tokens.sequences(1, 3).run(srft).metrics());
    Map<String, Double> all = tokens.run(srft).metrics().toMap();
    assertEquals(Set.of("reference_kl"), undefined(all), "all else is checked");
    parts
        .toMap()
        .forEach(
            (name, value) -> {
              double other = all.getOrDefault(name, Double.NEGATIVE_INFINITY);
              double scale = Double.isNaN(other) ? 1 : Math.max(1, Math.abs(other));
              assertEquals(other, value, 1e-6 * scale, name);
            });
  }

  private static Set<String> undefined(Map<String, Double> map) {
    Set<String> names = new HashSet<>(map.keySet());
    names.removeIf(name -> !Double.isNaN(map.getOrDefault(name, 0.0)));
    return names;
  }

  private static Objective dualClipped() {
    return Objective.ppo().toBuilder().dualClip(3).build();
  }

  @Test
  void resetForgetsEverything() {
    Metrics metrics = tokens(new double[] {2}, new float[] {1}, Objective.ppo(), 1);
    assertNotEquals(0, metrics.loss());
    metrics.reset();
    assertEquals(new Metrics().toMap(), metrics.toMap());
    assertTrue(metrics.toString().startsWith("Metrics{loss=0.0"), metrics.toString());
  }

  private static Metrics tokens(
      double[] ratios, float[] advantages, Objective objective, double logDistance) {
    return tokens(ratios, advantages, objective, logDistance, Normalizers.NONE);
  }

  /** Tokens of log-prob -1 and entropy 0.75, at a distance of the reference's log-probs. */
  private static Metrics tokens(
      double[] ratios,
      float[] advantages,
      Objective objective,
      double logDistance,
      Normalizers normalizers) {
    int count = ratios.length;
    float[] old = new float[count];
    for (int i = 0; i < count; i++) {
      old[i] = (float) (-1 - Math.log(ratios[i]));
    }
    TokenBatch batch =
        TokenBatch.builder(count)
            .advantages(TensorView.copyOf(advantages))
            .oldLogProbs(TensorView.copyOf(old))
            .referenceLogProbs(StepFixture.filled(count, (float) (-1 - logDistance)))
            .build();
    Metrics metrics = new Metrics();
    TokenObjective.compute(
        Backend.cpu(),
        batch,
        objective,
        normalizers,
        StepFixture.filled(count, -1),
        StepFixture.filled(count, 0.75f),
        new TokenObjective.Output(null, null, null),
        metrics,
        TensorView.allocate(DType.UINT8, TokenObjective.workspaceBytes(count, 0)));
    return metrics;
  }

  private static double[] slice(double[] values, int from, int to) {
    return Arrays.copyOfRange(values, from, to);
  }

  private static float[] slice(float[] values, int from, int to) {
    return Arrays.copyOfRange(values, from, to);
  }
}
