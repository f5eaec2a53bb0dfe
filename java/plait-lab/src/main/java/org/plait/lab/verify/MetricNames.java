package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import org.plait.Metrics;
import org.plait.Role;
import org.plait.lab.oracle.Extremes;
import org.plait.lab.oracle.ObjectiveSums;
import org.plait.lab.oracle.SamplerSums;
import org.plait.lab.oracle.Sum;

/** Plait's metrics by name: those of the kernels ({@link Metrics#toMap}), and the oracle's. */
final class MetricNames {

  /**
   * A metric of the oracle.
   *
   * @param value the metric
   * @param magnitude what its rounding error is relative to
   */
  record Value(double value, double magnitude) {}

  private final Map<String, Value> values = new LinkedHashMap<>();

  private MetricNames() {}

  /** Metrics of the kernels. */
  static Map<String, Double> of(Metrics metrics) {
    return metrics.toMap();
  }

  /** Metrics of the oracle, under the same names except for {@code bad_targets}. */
  static Map<String, Value> of(ObjectiveSums sums) {
    MetricNames names = new MetricNames();
    names.losses(sums);
    names.policy(sums);
    names.hybrid(sums);
    names.sampler(sums.sampler);
    names.samplerSequences(sums.sampler);
    return names.values;
  }

  private void losses(ObjectiveSums sums) {
    values.put("loss", new Value(sums.loss(), sums.lossMagnitude()));
    mean("policy_loss", sums.policyLoss, 1);
    mean("nll_loss", sums.nllLoss, 1);
    mean("kl_loss", sums.klLoss, 1);
    mean("entropy_loss", sums.entropyLoss, 1);
    positive("loss_magnitude", sums.lossMagnitude());
    positive("tokens", sums.tokens(0));
    positive("rollout_tokens", sums.tokens(1));
    positive("demonstration_tokens", sums.tokens(2));
    positive("hint_tokens", sums.tokens(3));
  }

  private void policy(ObjectiveSums sums) {
    double policy = sums.policyTokens();
    positive("policy_tokens", policy);
    mean("ratio_mean", sums.ratio, policy);
    positive("ratio_max", sums.ratioMax());
    positive("clip_fraction_low", sums.clipLowCount() / policy);
    positive("clip_fraction_high", sums.clipHighCount() / policy);
    positive("dual_clip_fraction", sums.dualClipCount() / policy);
    mean("approx_kl_k1", sums.approxKlK1, policy);
    mean("approx_kl_k3", sums.approxKlK3, policy);
    mean("reference_kl", sums.referenceKl, sums.referenceKlTokens());
    mean("entropy_mean", sums.entropy, sums.tokens(0));
    mean("logp_mean", sums.logProb, sums.tokens(0));
    positive("dropped_tokens", sums.droppedTokens());
  }

  private void hybrid(ObjectiveSums sums) {
    for (Role role : new Role[] {Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT}) {
      int k = role.code();
      double tokens = sums.tokens(k);
      String prefix = JsonFields.lower(role) + "_";
      mean(prefix + "policy_value_mean", sums.policyValue(k), tokens);
      positive(prefix + "clip_fraction", sums.clippedTokens(k) / tokens);
      mean(prefix + "probability_mean", sums.probability(k), tokens);
      mean(prefix + "old_probability_mean", sums.oldProbability(k), tokens);
    }
    mean("reshaped_mean", sums.reshaped, sums.reshapedTokens());
    positive("reshape_low_fraction", sums.reshapeLowCount() / sums.reshapedTokens());
    positive("reshape_high_fraction", sums.reshapeHighCount() / sums.reshapedTokens());
    mean("policy_weighting_mean", sums.policyWeighting, sums.policyWeightingTokens());
    mean("nll_weighting_mean", sums.nllWeighting, sums.nllWeightingTokens());
  }

  private void sampler(SamplerSums sums) {
    double tokens = sums.tokens();
    positive("rejected_tokens", sums.rejectedTokens());
    positive("sampler_tokens", tokens);
    mean("sampler_kl", sums.logRatio, -tokens);
    mean("sampler_k3_kl", sums.k3, tokens);
    mean("sampler_abs_mean", sums.abs, tokens);
    positive("sampler_abs_max", sums.absRange.max());
    lessOne("chi2_token", sums.square, tokens);
    mean("sampler_ratio_mean", sums.ratio, tokens);
    positive("sampler_ratio_max", sums.ratioRange.max());
    positive("sampler_ratio_min", sums.ratioRange.min());
    double bounded = sums.hasBound() ? tokens : 0;
    positive("sampler_fraction_high", sums.aboveCount() / bounded);
    positive("sampler_fraction_low", sums.belowCount() / bounded);
    std("sampler_clamped_std", sums.clamped, sums.clampedSquare, bounded, bounded);
    sampleSize("sampler_clamped_effective_sample_size", sums.clamped, sums.clampedSquare, bounded);
    mean("sampler_weight_mean", sums.weight, tokens);
    sampleSize("sampler_effective_sample_size", sums.weight, sums.weightSquare, tokens);
  }

  private void samplerSequences(SamplerSums sums) {
    double sequences = sums.sequences();
    positive("sampler_sequences", sequences);
    mean("sampler_log_ppl", sums.logPpl, sequences);
    mean("old_log_ppl", sums.oldLogPpl, sequences);
    mean("sampler_ppl", sums.ppl, sequences);
    mean("old_ppl", sums.oldPpl, sequences);
    mean("sampler_ppl_ratio", sums.pplRatio, sequences);
    mean("log_ppl_abs_diff", sums.logPplAbsDiff, sequences);
    double difference = sums.logPplDiffRange.magnitude();
    values.put("log_ppl_diff_max", new Value(sums.logPplDiffRange.max(), difference));
    values.put("log_ppl_diff_min", new Value(sums.logPplDiffRange.min(), difference));
    lessOne("chi2_sequence", sums.sequenceSquare, sequences);
    mean("sampler_sequence_ratio_mean", sums.sequenceRatio, sequences);
    std(
        "sampler_sequence_ratio_std",
        sums.sequenceRatio,
        sums.sequenceRatioSquare,
        sequences,
        Math.max(1, sequences - 1));
    positive("sampler_sequence_ratio_max", sums.sequenceRatioRange.max());
    positive("sampler_sequence_ratio_min", sums.sequenceRatioRange.min());
    Extremes deviation = sums.sequenceDeviationRange;
    values.put("sampler_sequence_deviation_max", new Value(deviation.max(), deviation.magnitude()));
    double bounded = sums.hasBound() ? sequences : 0;
    positive("sampler_sequence_fraction_high", sums.sequenceAboveCount() / bounded);
    positive("sampler_sequence_fraction_low", sums.sequenceBelowCount() / bounded);
    positive("rejected_sequence_fraction", sums.rejectedSequences() / sequences);
    positive("partly_rejected_sequence_fraction", sums.partlyRejectedSequences() / sequences);
  }

  /** A standard deviation, whose rounding error is relative to the root of the mean square. */
  private void std(String name, Sum sum, Sum square, double count, double divisor) {
    double mean = sum.value() / count;
    double centred = Math.max(0, square.value() - mean * mean * count);
    double scale = Math.sqrt(square.value() / divisor);
    values.put(name, new Value(Math.sqrt(centred / divisor), scale));
  }

  private void sampleSize(String name, Sum sum, Sum square, double count) {
    positive(name, sum.value() * sum.value() / square.value() / count);
  }

  private void lessOne(String name, Sum sum, double count) {
    double mean = sum.value() / count;
    values.put(name, new Value(mean - 1, mean + 1));
  }

  private void mean(String name, Sum sum, double count) {
    values.put(name, new Value(sum.value() / count, sum.magnitude() / Math.abs(count)));
  }

  private void positive(String name, double value) {
    values.put(name, new Value(value, value));
  }
}
