package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** The sampler's mismatch by hand. */
class SamplerMetricsTest {
  private static final double LOG2 = Math.log(2);
  private static final double BOUND = 2.2;

  /** exp(omega) is 4 and 1/2 in the first sequence, 1/4, 1 and 1 in the second. */
  private static Tokens mismatch() {
    Tokens tokens = Tokens.random(1, 2, 3);
    tokens.old = Tokens.values(-1, -2, -1, -1, -4);
    tokens.sampler = Tokens.values(-1 - 2 * LOG2, -2 + LOG2, -1 + 2 * LOG2, -1, -4);
    return tokens;
  }

  private static Objective truncated() {
    return Objective.ppo().toBuilder().correction(SamplerCorrection.tis((float) BOUND)).build();
  }

  private static SamplerMetrics run(SamplerCorrection correction) {
    return mismatch()
        .run(truncated().toBuilder().correction(correction).build())
        .metrics()
        .sampler();
  }

  @Test
  void tokensAreComparedByTheirLogProbabilities() {
    SamplerMetrics sampler = mismatch().run(truncated()).metrics().sampler();
    assertEquals(5, sampler.tokens());
    assertEquals(LOG2 / 5, sampler.kl(), 1e-6);
    assertEquals((6.75 - 5 + LOG2) / 5, sampler.k3Kl(), 1e-6);
    assertEquals(LOG2, sampler.absMean(), 1e-6);
    assertEquals(2 * LOG2, sampler.absMax(), 1e-6);
    assertEquals((16 + 0.25 + 1 / 16.0 + 2) / 5 - 1, sampler.chi2Token(), 1e-5);
    assertEquals(6.75 / 5, sampler.ratioMean(), 1e-6);
    assertEquals(4, sampler.ratioMax(), 1e-5);
    assertEquals(0.25, sampler.ratioMin(), 1e-6);
    assertEquals(0, sampler.rejectedFraction());
  }

  @Test
  void weightsAreBoundedByTheCorrectionAndClampedForTheirSpread() {
    SamplerMetrics sampler = mismatch().run(truncated()).metrics().sampler();
    double weights = (BOUND + 0.5 + 0.25 + 2) / 5;
    double squares = (BOUND * BOUND + 0.25 + 1 / 16.0 + 2) / 5;
    assertEquals(weights, sampler.weightMean(), 1e-6);
    assertEquals(weights * weights / squares, sampler.effectiveSampleSize(), 1e-6);
    double mean = (BOUND + 0.5 + 1 / BOUND + 2) / 5;
    double square = (BOUND * BOUND + 0.25 + 1 / (BOUND * BOUND) + 2) / 5;
    assertEquals(Math.sqrt(square - mean * mean), sampler.clampedStd(), 1e-6);
    assertEquals(mean * mean / square, sampler.clampedEffectiveSampleSize(), 1e-6);
    assertEquals(0.2, sampler.fractionHigh(), 1e-12);
    assertEquals(0.2, sampler.fractionLow(), 1e-12);
  }

  @Test
  void sequencesHaveTheMeanWeightsOfTheirTokens() {
    SamplerMetrics sampler = mismatch().run(truncated()).metrics().sampler();
    assertEquals(2, sampler.sequences());
    assertEquals((2.25 + 0.75) / 2, sampler.sequenceRatioMean(), 1e-6);
    assertEquals(Math.sqrt(2 * 0.75 * 0.75), sampler.sequenceRatioStd(), 1e-6);
    assertEquals(2.25, sampler.sequenceRatioMax(), 1e-6);
    assertEquals(0.75, sampler.sequenceRatioMin(), 1e-6);
    assertEquals(1.25, sampler.sequenceDeviationMax(), 1e-6);
    assertEquals(0.5, sampler.sequenceFractionHigh());
    assertEquals(0, sampler.sequenceFractionLow());
    assertEquals((4 + 1 / 16.0) / 2 - 1, sampler.chi2Sequence(), 1e-6);
    assertEquals(
        0, mismatch().sequences(0, 1).run(truncated()).metrics().sampler().sequenceRatioStd());
  }

  @Test
  void perplexitiesAreThoseOfSequences() {
    SamplerMetrics sampler = mismatch().run(truncated()).metrics().sampler();
    double first = -LOG2 / 2;
    double second = 2 * LOG2 / 3;
    assertEquals((1.5 + 2) / 2, sampler.oldLogPpl(), 1e-6);
    assertEquals((1.5 - first + 2 - second) / 2, sampler.logPpl(), 1e-6);
    assertEquals((first + second) / 2, sampler.logPplDiff(), 1e-6);
    assertEquals((second - first) / 2, sampler.logPplAbsDiff(), 1e-6);
    assertEquals(second, sampler.logPplDiffMax(), 1e-6);
    assertEquals(first, sampler.logPplDiffMin(), 1e-6);
    assertEquals((Math.exp(1.5) + Math.exp(2)) / 2, sampler.oldPpl(), 1e-6);
    assertEquals((Math.exp(1.5 - first) + Math.exp(2 - second)) / 2, sampler.ppl(), 1e-6);
    assertEquals((Math.exp(first) + Math.exp(second)) / 2, sampler.pplRatio(), 1e-6);
  }

  @Test
  void aLogLimitHoldsTheWeightsButNotTheDistances() {
    SamplerMetrics sampler = run(SamplerCorrection.builder().logLimit(1).build());
    assertEquals(Math.E, sampler.ratioMax(), 1e-6);
    assertEquals(1 / Math.E, sampler.ratioMin(), 1e-6);
    assertEquals((Math.E + 0.5 + 1 / Math.E + 2) / 5, sampler.ratioMean(), 1e-6);
    assertEquals(2 * LOG2, sampler.absMax(), 1e-6);
    assertEquals((4 + 1 / 16.0) / 2 - 1, sampler.chi2Sequence(), 1e-6);
  }

  @Test
  void rejectedSequencesAreCountedAsAWholeAndInPart() {
    SamplerMetrics tokens =
        run(
            SamplerCorrection.builder()
                .filter(CorrectionLevel.TOKEN, KlEstimator.K1, 0.3f, 3)
                .build());
    assertEquals(0.4, tokens.rejectedFraction(), 1e-12);
    assertEquals(0, tokens.rejectedSequenceFraction());
    assertEquals(1, tokens.partlyRejectedSequenceFraction());
    SamplerMetrics sequences =
        run(
            SamplerCorrection.builder()
                .filter(CorrectionLevel.SEQUENCE_MEAN, KlEstimator.K1, 0.8f, 2)
                .build());
    assertEquals(0.4, sequences.rejectedFraction(), 1e-12);
    assertEquals(0.5, sequences.rejectedSequenceFraction());
    assertEquals(0, sequences.partlyRejectedSequenceFraction());
  }

  @Test
  void partsAddUpAndNothingIsNeutral() {
    Metrics whole = mismatch().run(truncated()).metrics();
    Metrics parts = new Metrics();
    parts.add(mismatch().sequences(0, 1).run(truncated()).metrics());
    parts.add(mismatch().sequences(1, 2).run(truncated()).metrics());
    Map<String, Double> expected = whole.toMap();
    for (String name : expected.keySet()) {
      if (name.contains("sampler") || name.contains("ppl") || name.contains("chi2")) {
        double value = expected.getOrDefault(name, 0.0);
        assertEquals(value, parts.toMap().getOrDefault(name, 0.0), 1e-12, name);
      }
    }
    whole.add(new Metrics());
    assertEquals(expected, whole.toMap());
    Metrics none = new Metrics();
    none.add(whole);
    assertEquals(expected, none.toMap());
  }

  @Test
  void withoutTokensThereAreNoMeansAndNoExtremes() {
    SamplerMetrics none = new Metrics().sampler();
    assertEquals(0, none.tokens());
    assertEquals(Double.NaN, none.ratioMean());
    assertEquals(Double.NaN, none.clampedStd());
    assertEquals(Double.NaN, none.sequenceRatioStd());
    assertEquals(Double.NEGATIVE_INFINITY, none.ratioMax());
    assertEquals(Double.POSITIVE_INFINITY, none.ratioMin());
    assertEquals(Double.NEGATIVE_INFINITY, none.sequenceRatioMax());
    assertEquals(Double.POSITIVE_INFINITY, none.sequenceRatioMin());
    assertEquals(Double.NEGATIVE_INFINITY, none.sequenceDeviationMax());
    assertEquals(Double.NEGATIVE_INFINITY, none.logPplDiffMax());
    assertEquals(Double.POSITIVE_INFINITY, none.logPplDiffMin());
  }

  @Test
  void aNotANumberStays() {
    Tokens tokens = mismatch();
    tokens.sampler = Tokens.values(-1 - 2 * LOG2, -2 + LOG2, Double.NaN, -1, -4);
    Metrics metrics = mismatch().run(truncated()).metrics();
    metrics.add(tokens.run(truncated()).metrics());
    metrics.add(mismatch().run(truncated()).metrics());
    SamplerMetrics sampler = metrics.sampler();
    assertEquals(Double.NaN, sampler.ratioMax());
    assertEquals(Double.NaN, sampler.ratioMin());
    assertEquals(Double.NaN, sampler.clampedStd());
    assertEquals(Double.NaN, sampler.sequenceRatioMin());
    assertEquals(Double.NaN, sampler.sequenceRatioStd());
    assertEquals(Double.NaN, sampler.logPplDiffMin());
    assertEquals(Double.NaN, sampler.chi2Sequence());
  }

  @Test
  void verlsNamesHaveVerlsDefinitions() {
    Metrics metrics = mismatch().run(truncated()).metrics();
    SamplerMetrics s = metrics.sampler();
    Map<String, Double> verl = metrics.toVerlMap();
    Map<String, Double> expected =
        Map.ofEntries(
            Map.entry("kl", s.kl()),
            Map.entry("k3_kl", s.k3Kl()),
            Map.entry("chi2_token", s.chi2Token()),
            Map.entry("chi2_seq", s.chi2Sequence()),
            Map.entry("training_ppl", s.oldPpl()),
            Map.entry("training_log_ppl", s.oldLogPpl()),
            Map.entry("rollout_ppl", s.ppl()),
            Map.entry("rollout_log_ppl", s.logPpl()),
            Map.entry("log_ppl_diff", s.logPplDiff()),
            Map.entry("log_ppl_abs_diff", s.logPplAbsDiff()),
            Map.entry("log_ppl_diff_max", s.logPplDiffMax()),
            Map.entry("log_ppl_diff_min", s.logPplDiffMin()),
            Map.entry("ppl_ratio", s.pplRatio()),
            Map.entry("rollout_is_mean", s.ratioMean()),
            Map.entry("rollout_is_max", s.ratioMax()),
            Map.entry("rollout_is_min", s.ratioMin()),
            Map.entry("rollout_is_std", s.clampedStd()),
            Map.entry("rollout_is_eff_sample_size", s.clampedEffectiveSampleSize()),
            Map.entry("rollout_is_ratio_fraction_high", s.fractionHigh()),
            Map.entry("rollout_is_ratio_fraction_low", s.fractionLow()),
            Map.entry("rollout_is_seq_mean", s.sequenceRatioMean()),
            Map.entry("rollout_is_seq_std", s.sequenceRatioStd()),
            Map.entry("rollout_is_seq_max", s.sequenceRatioMax()),
            Map.entry("rollout_is_seq_min", s.sequenceRatioMin()),
            Map.entry("rollout_is_seq_max_deviation", s.sequenceDeviationMax()),
            Map.entry("rollout_is_seq_fraction_high", s.sequenceFractionHigh()),
            Map.entry("rollout_is_seq_fraction_low", s.sequenceFractionLow()),
            Map.entry("rollout_rs_masked_fraction", 0.0),
            Map.entry("rollout_rs_seq_masked_fraction", 0.0));
    expected.forEach((name, value) -> assertEquals(value, verl.get("rollout_corr/" + name), name));
    long found = verl.keySet().stream().filter(name -> name.startsWith("rollout_corr/")).count();
    assertEquals(expected.size(), found);
  }

  @Test
  void withoutABoundVerlsSampleSizeIsThatOfTheWeights() {
    SamplerCorrection rejecting =
        SamplerCorrection.builder().filter(CorrectionLevel.TOKEN, KlEstimator.K1, 0.3f, 8).build();
    Metrics metrics =
        mismatch().run(truncated().toBuilder().correction(rejecting).build()).metrics();
    Map<String, Double> verl = metrics.toVerlMap();
    assertEquals(Double.NaN, metrics.sampler().fractionHigh());
    assertEquals(
        metrics.sampler().effectiveSampleSize(),
        verl.get("rollout_corr/rollout_is_eff_sample_size"));
    assertFalse(verl.containsKey("rollout_corr/rollout_is_std"));
    assertFalse(verl.containsKey("rollout_corr/rollout_is_ratio_fraction_low"));
    assertFalse(verl.containsKey("rollout_corr/rollout_is_seq_fraction_high"));
    assertEquals(0.2, verl.get("rollout_corr/rollout_rs_masked_fraction"));
    assertEquals(0.5, verl.get("rollout_corr/rollout_rs_seq_masked_fraction"), "a part counts");
  }
}
