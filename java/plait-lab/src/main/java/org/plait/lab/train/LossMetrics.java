package org.plait.lab.train;

import org.plait.Metrics;

/**
 * Sums over the tokens of a batch that both losses report, so that parts of a batch can be added.
 *
 * @param entropy sum over all tokens
 * @param policyTokens tokens with a policy loss; the sums that follow are over them
 * @param clippedLow tokens whose ratio fell below the clip range, without a gradient for it
 * @param clippedHigh tokens whose ratio rose above the clip range, without a gradient for it
 * @param approxKl sum of {@code r - 1 - log r}
 * @param nanos time from logits to their gradient, summed over threads
 */
record LossMetrics(
    double loss,
    double tokens,
    double entropy,
    double policyTokens,
    double clippedLow,
    double clippedHigh,
    double approxKl,
    long nanos) {

  static final LossMetrics ZERO = new LossMetrics(0, 0, 0, 0, 0, 0, 0, 0);

  static LossMetrics of(Metrics metrics, long nanos) {
    double policyTokens = metrics.policyTokens();
    return new LossMetrics(
        metrics.loss(),
        metrics.tokens(),
        sum(metrics.entropyMean(), metrics.tokens()),
        policyTokens,
        sum(metrics.clipFractionLow(), policyTokens),
        sum(metrics.clipFractionHigh(), policyTokens),
        sum(metrics.approxKlK3(), policyTokens),
        nanos);
  }

  private static double sum(double mean, double count) {
    return count == 0 ? 0 : mean * count;
  }

  LossMetrics plus(LossMetrics other) {
    return new LossMetrics(
        loss + other.loss,
        tokens + other.tokens,
        entropy + other.entropy,
        policyTokens + other.policyTokens,
        clippedLow + other.clippedLow,
        clippedHigh + other.clippedHigh,
        approxKl + other.approxKl,
        nanos + other.nanos);
  }

  double entropyMean() {
    return entropy / tokens;
  }

  double clipFractionLow() {
    return clippedLow / policyTokens;
  }

  double clipFractionHigh() {
    return clippedHigh / policyTokens;
  }

  double approxKlMean() {
    return approxKl / policyTokens;
  }
}
