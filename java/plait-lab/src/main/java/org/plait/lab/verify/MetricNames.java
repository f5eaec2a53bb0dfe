package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import org.plait.Metrics;
import org.plait.Role;
import org.plait.lab.oracle.ObjectiveSums;
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
    names.sampler(sums);
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

  private void sampler(ObjectiveSums sums) {
    double tokens = sums.samplerTokens();
    double sequences = sums.samplerSequences();
    positive("rejected_tokens", sums.rejectedTokens());
    positive("sampler_tokens", tokens);
    mean("sampler_kl", sums.samplerLogRatio, -tokens);
    mean("sampler_k3_kl", sums.samplerK3, tokens);
    mean("sampler_abs_mean", sums.samplerAbs, tokens);
    positive("sampler_abs_max", sums.samplerAbsMax());
    double square = sums.samplerSquare.value() / tokens;
    values.put("chi2_token", new Value(square - 1, square + 1));
    mean("sampler_ratio_mean", sums.samplerRatio, tokens);
    mean("sampler_weight_mean", sums.samplerWeight, tokens);
    double weight = sums.samplerWeight.value();
    positive(
        "sampler_effective_sample_size",
        weight * weight / sums.samplerWeightSquare.value() / tokens);
    mean("sampler_log_ppl", sums.samplerLogPpl, sequences);
    mean("old_log_ppl", sums.oldLogPpl, sequences);
    mean("sampler_ppl_ratio", sums.samplerPplRatio, sequences);
  }

  private void mean(String name, Sum sum, double count) {
    values.put(name, new Value(sum.value() / count, sum.magnitude() / Math.abs(count)));
  }

  private void positive(String name, double value) {
    values.put(name, new Value(value, value));
  }
}
