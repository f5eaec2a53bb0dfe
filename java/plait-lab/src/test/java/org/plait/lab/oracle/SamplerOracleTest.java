package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.FilterAction;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.SamplerCorrection;

/** The sampler correction's weights and filters by hand. */
class SamplerOracleTest {

  private static final double[] OLD = {-1, -1, -1, -2, -2};
  private static final double[] OMEGA = {Math.log(4), Math.log(0.5), 0, Math.log(3), 7};
  private static final byte[] ROLES = {1, 1, 2, 1, 0};
  private static final long[] OFFSETS = {0, 3, 5};

  private static SamplerOracle.Result evaluate(SamplerCorrection correction) {
    double[] sampler = new double[5];
    for (int t = 0; t < 5; t++) {
      sampler[t] = OLD[t] - OMEGA[t];
    }
    Objective objective = Objective.reinforce().toBuilder().correction(correction).build();
    return SamplerOracle.evaluate(
        TokenProblem.of(OLD, null, ROLES, OFFSETS, OLD, OLD, null, objective).withSampler(sampler));
  }

  private static SamplerCorrection.Builder weights(
      CorrectionLevel level, CorrectionBounds bounds, float low, float high) {
    return SamplerCorrection.builder().weights(level, bounds, low, high);
  }

  @Test
  void weightsOfTokensAreTruncatedOrMasked() {
    assertArrayEquals(new double[] {2, 0.5, 1, 2, 1}, tokenWeights(CorrectionBounds.TRUNCATE));
    assertArrayEquals(new double[] {0, 0.5, 1, 0, 1}, tokenWeights(CorrectionBounds.MASK), 1e-15);
  }

  private static double[] tokenWeights(CorrectionBounds bounds) {
    return evaluate(weights(CorrectionLevel.TOKEN, bounds, 0.5f, 2).build()).weights();
  }

  @Test
  void sequencesHaveOneWeightFromTheirRolloutTokensAlone() {
    float none = Float.POSITIVE_INFINITY;
    assertArrayEquals(
        new double[] {2, 2, 1, 3, 1},
        evaluate(weights(CorrectionLevel.SEQUENCE_SUM, CorrectionBounds.TRUNCATE, 0, none).build())
            .weights(),
        1e-14);
    double root = Math.sqrt(2);
    assertArrayEquals(
        new double[] {root, root, 1, 3, 1},
        evaluate(weights(CorrectionLevel.SEQUENCE_MEAN, CorrectionBounds.TRUNCATE, 0, none).build())
            .weights(),
        1e-14);
  }

  @Test
  void normalisedWeightsHaveTheMeanOne() {
    double[] weights =
        evaluate(
                weights(CorrectionLevel.TOKEN, CorrectionBounds.TRUNCATE, 0, 2)
                    .normalise(true)
                    .build())
            .weights();
    assertEquals(3, weights[0] + weights[1] + weights[3], 1e-15);
    assertEquals(1, weights[2]); // a demonstration
  }

  @Test
  void theLogLimitClampsBeforeTheExponential() {
    double[] weights =
        evaluate(
                weights(
                        CorrectionLevel.TOKEN,
                        CorrectionBounds.TRUNCATE,
                        0,
                        Float.POSITIVE_INFINITY)
                    .logLimit(1)
                    .build())
            .weights();
    assertEquals(Math.E, weights[0], 1e-15);
  }

  @Test
  void filtersRejectTokensOrWholeSequences() {
    assertRejected("10010", filter(CorrectionLevel.TOKEN, KlEstimator.K1, 0.4f, 2.5f));
    assertRejected("10000", filter(CorrectionLevel.TOKEN, KlEstimator.K2, 0, 0.8f));
    // k1 sums: -log 2 and -log 3; maxima of k3: 4 - 1 - log 4 and 3 - 1 - log 3.
    assertRejected("00010", filter(CorrectionLevel.SEQUENCE_SUM, KlEstimator.K1, 0.4f, 9));
    assertRejected("11000", filter(CorrectionLevel.SEQUENCE_MAX, KlEstimator.K3, 0, 1.2f));
    assertRejected("00000", filter(CorrectionLevel.SEQUENCE_MEAN, KlEstimator.K1, 0.3f, 9));
  }

  private static SamplerCorrection filter(
      CorrectionLevel level, KlEstimator estimator, float low, float high) {
    return SamplerCorrection.builder().filter(level, estimator, low, high).build();
  }

  private static void assertRejected(String expected, SamplerCorrection correction) {
    StringBuilder found = new StringBuilder();
    for (boolean rejected : evaluate(correction).rejected()) {
      found.append(rejected ? '1' : '0');
    }
    assertEquals(expected, found.toString());
  }

  @Test
  void aFilterMaySetTheWeightToZeroInstead() {
    SamplerCorrection correction =
        SamplerCorrection.builder()
            .filter(CorrectionLevel.TOKEN, KlEstimator.K2, 0, 0.8f)
            .filterAction(FilterAction.ZERO_WEIGHT)
            .build();
    assertArrayEquals(new double[] {0, 1, 1, 1, 1}, evaluate(correction).weights());
    assertRejected("00000", correction);
  }

  @Test
  void rejectedTokensCountNowhere() {
    Objective objective =
        Objective.reinforce().toBuilder()
            .correction(filter(CorrectionLevel.TOKEN, KlEstimator.K1, 0.4f, 2.5f))
            .build();
    double[] sampler = new double[5];
    for (int t = 0; t < 5; t++) {
      sampler[t] = OLD[t] - OMEGA[t];
    }
    double[] advantages = {1, 1, 1, 1, 1};
    TokenObjectiveOracle.Result result =
        TokenObjectiveOracle.evaluate(
            TokenProblem.of(OLD, null, ROLES, OFFSETS, advantages, OLD, null, objective)
                .withSampler(sampler));
    // Left are token 1 and the demonstration, which has no rule but counts.
    assertArrayEquals(new double[] {0, -0.5, 0, 0, 0}, result.c(), 1e-16);
    assertEquals(2, result.sums().sampler.rejectedTokens());
    assertEquals(3, result.sums().sampler.tokens());
    assertEquals(2, result.sums().tokens(0));
    assertEquals(
        Math.log(4) + Math.log(0.5) + Math.log(3), result.sums().sampler.logRatio.value(), 1e-14);
  }

  @Test
  void theMismatchIsSummedOverTokensAndSequences() {
    SamplerCorrection correction =
        weights(CorrectionLevel.TOKEN, CorrectionBounds.TRUNCATE, 0, 2.5f)
            .filter(CorrectionLevel.TOKEN, KlEstimator.K1, 0.3f, 9)
            .build();
    SamplerSums sums = sums(correction);
    // Weights 4 and 1/2, and 3.
    assertEquals(3, sums.tokens());
    assertEquals(4, sums.ratioRange.max(), 1e-14);
    assertEquals(0.5, sums.ratioRange.min(), 1e-14);
    assertEquals(2, sums.aboveCount());
    assertEquals(0, sums.belowCount());
    assertEquals(5.5, sums.clamped.value(), 1e-14);
    assertEquals(12.75, sums.clampedSquare.value(), 1e-14);
    assertEquals(2, sums.sequences());
    assertEquals(5.25, sums.sequenceRatio.value(), 1e-14);
    assertEquals(2.25 * 2.25 + 9, sums.sequenceRatioSquare.value(), 1e-14);
    assertEquals(3, sums.sequenceRatioRange.max(), 1e-14);
    assertEquals(2.25, sums.sequenceRatioRange.min(), 1e-14);
    assertEquals(2, sums.sequenceDeviationRange.max(), 1e-14);
    assertEquals(1, sums.sequenceAboveCount());
    assertEquals(4 + 9, sums.sequenceSquare.value(), 1e-13);
    assertEquals(-Math.log(2) / 2, sums.logPplDiffRange.max(), 1e-14);
    assertEquals(-Math.log(3), sums.logPplDiffRange.min(), 1e-14);
    assertEquals(Math.log(2) / 2 + Math.log(3), sums.logPplAbsDiff.value(), 1e-14);
    assertEquals(Math.exp(1) + Math.exp(2), sums.oldPpl.value(), 1e-14);
    assertEquals(Math.sqrt(2) * Math.E + 3 * Math.exp(2), sums.ppl.value(), 1e-13);
    // Only the weight of 4 is out of [1 / 9, 1 / 0.3].
    assertEquals(1, sums.rejectedTokens());
    assertEquals(0, sums.rejectedSequences());
    assertEquals(1, sums.partlyRejectedSequences());
  }

  @Test
  void theLogLimitHoldsTheWeightsOfTheMismatch() {
    SamplerSums sums = sums(SamplerCorrection.builder().logLimit(1).build());
    assertEquals(Math.E, sums.ratioRange.max(), 1e-15);
    assertEquals(2 * Math.E + 0.5, sums.ratio.value(), 1e-14);
    assertEquals(Math.log(4), sums.absRange.max(), 1e-15);
    assertEquals(0, sums.aboveCount());
  }

  private static SamplerSums sums(SamplerCorrection correction) {
    double[] sampler = new double[5];
    for (int t = 0; t < 5; t++) {
      sampler[t] = OLD[t] - OMEGA[t];
    }
    Objective objective = Objective.reinforce().toBuilder().correction(correction).build();
    return TokenObjectiveOracle.evaluate(
            TokenProblem.of(OLD, null, ROLES, OFFSETS, OLD, OLD, null, objective)
                .withSampler(sampler))
        .sums()
        .sampler;
  }
}
