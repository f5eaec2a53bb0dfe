package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.plait.Metrics;
import org.plait.lab.oracle.ObjectiveSums;
import org.plait.lab.oracle.Sum;

/**
 * Metrics by name: Plait's own ({@link Metrics#toMap}), and those of verl that are functions of
 * them. verl takes its means over all valid tokens, Plait over the tokens that have a policy loss.
 */
final class MetricNames {

  /**
   * A metric of the oracle.
   *
   * @param value the metric
   * @param magnitude what its rounding error is relative to
   */
  record Value(double value, double magnitude) {}

  private MetricNames() {}

  /** Every name that a case file may use. */
  static List<String> all() {
    return List.copyOf(new TreeSet<>(of(new Metrics()).keySet()));
  }

  /** Metrics of the kernels. */
  static Map<String, Double> of(Metrics metrics) {
    Map<String, Double> values = new LinkedHashMap<>(metrics.toMap());
    double clipped = metrics.clipFractionLow() + metrics.clipFractionHigh();
    values.put("actor/pg_loss", metrics.policyLoss());
    values.put("actor/pg_clipfrac", overTokens(clipped, metrics));
    values.put("actor/pg_clipfrac_lower", overTokens(metrics.dualClipFraction(), metrics));
    values.put("actor/ppo_kl", overTokens(metrics.approxKlK1(), metrics));
    values.put("actor/entropy", metrics.entropyMean());
    return values;
  }

  /** A mean over the tokens with a policy loss as one over all tokens, where the others count 0. */
  private static double overTokens(double mean, Metrics metrics) {
    double sum = metrics.policyTokens() == 0 ? 0 : mean * metrics.policyTokens();
    return sum / metrics.tokens();
  }

  /** Metrics of the oracle, under the same names except for {@code bad_targets}. */
  static Map<String, Value> of(ObjectiveSums sums) {
    double policy = sums.policyTokens();
    double tokens = sums.tokens(0);
    Map<String, Value> values = new LinkedHashMap<>();
    values.put("loss", new Value(sums.loss(), sums.lossMagnitude()));
    values.put("policy_loss", over(sums.policyLoss, 1));
    values.put("nll_loss", over(sums.nllLoss, 1));
    values.put("kl_loss", over(sums.klLoss, 1));
    values.put("entropy_loss", over(sums.entropyLoss, 1));
    values.put("loss_magnitude", positive(sums.lossMagnitude()));
    values.put("tokens", positive(tokens));
    values.put("rollout_tokens", positive(sums.tokens(1)));
    values.put("demonstration_tokens", positive(sums.tokens(2)));
    values.put("hint_tokens", positive(sums.tokens(3)));
    values.put("policy_tokens", positive(policy));
    values.put("ratio_mean", over(sums.ratio, policy));
    values.put("ratio_max", positive(sums.ratioMax()));
    values.put("clip_fraction_low", positive(sums.clipLowCount() / policy));
    values.put("clip_fraction_high", positive(sums.clipHighCount() / policy));
    values.put("dual_clip_fraction", positive(sums.dualClipCount() / policy));
    values.put("approx_kl_k1", over(sums.approxKlK1, policy));
    values.put("approx_kl_k3", over(sums.approxKlK3, policy));
    values.put("reference_kl", over(sums.referenceKl, sums.referenceKlTokens()));
    values.put("entropy_mean", over(sums.entropy, tokens));
    values.put("logp_mean", over(sums.logProb, tokens));
    values.put("actor/pg_loss", over(sums.policyLoss, 1));
    values.put(
        "actor/pg_clipfrac", positive((sums.clipLowCount() + sums.clipHighCount()) / tokens));
    values.put("actor/pg_clipfrac_lower", positive(sums.dualClipCount() / tokens));
    values.put("actor/ppo_kl", over(sums.approxKlK1, tokens));
    values.put("actor/entropy", over(sums.entropy, tokens));
    return values;
  }

  private static Value over(Sum sum, double count) {
    return new Value(sum.value() / count, sum.magnitude() / count);
  }

  private static Value positive(double value) {
    return new Value(value, value);
  }
}
