package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class MetricsTest {
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
    assertEquals(22, expected.size());
    sum.toMap()
        .forEach(
            (name, value) -> {
              double other = expected.getOrDefault(name, Double.NEGATIVE_INFINITY);
              assertEquals(other, value, 1e-6 * Math.max(1, Math.abs(other)), name);
            });
    assertNotEquals(0, sum.loss());
    assertNotEquals(0, sum.klLoss());
    assertEquals(2, sum.ratioMax(), 1e-6);
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
    return java.util.Arrays.copyOfRange(values, from, to);
  }

  private static float[] slice(float[] values, int from, int to) {
    return java.util.Arrays.copyOfRange(values, from, to);
  }
}
