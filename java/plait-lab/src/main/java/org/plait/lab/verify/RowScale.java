package org.plait.lab.verify;

import org.plait.lab.oracle.RowOracle;

/**
 * What errors in the statistics and the gradient of one row are relative to: the sum of the
 * absolute values of what the formulas add up, and for a probability, which is the exponential of
 * such a sum, itself times that sum. With y = (x - max) / temperature, log s the logarithm of the
 * sum of exp y, and S the mean of y under p:
 *
 * <pre>
 *   logp        1 + |y[target]| + log s
 *   entropy     1 + log s + |S|
 *   logsumexp   1 + log s + |max / temperature|
 *   dx[j]       (|c| (1[j == target] + p[j] k[j]) + |h| p[j] k[j] (|y[j]| + |S| + log s)) / temperature
 *               with k[j] = 1 + |y[j]| + log s
 * </pre>
 *
 * <p>The ones stand for the rounding of s, of which log s is taken.
 */
record RowScale(RowOracle.Statistics row, double temperature, double logSum, double mean) {

  static RowScale of(RowOracle.Statistics row, double temperature) {
    return new RowScale(row, temperature, Math.log(row.sum()), row.weightedSum() / row.sum());
  }

  double logProb() {
    return 1 + Math.abs((row.targetLogit() - row.max()) / temperature) + logSum;
  }

  double entropy() {
    return 1 + logSum + Math.abs(mean);
  }

  double logSumExp() {
    return 1 + logSum + Math.abs(row.max() / temperature);
  }

  double gradient(double x, boolean target, double c, double h) {
    double y = (x - row.max()) / temperature;
    double p = Math.exp(y) / row.sum();
    double direct = target ? Math.abs(c) : 0;
    if (p == 0) {
      return direct / temperature;
    }
    double k = 1 + Math.abs(y) + logSum;
    double spread = Math.abs(y) + Math.abs(mean) + logSum;
    return (direct + p * k * (Math.abs(c) + Math.abs(h) * spread)) / temperature;
  }

  /** A float32 below the smallest normal one may be flushed to zero before c and h multiply it. */
  double flush(double c, double h) {
    double spread = 100 + Math.abs(mean) + logSum; // |y| < 100 where a probability is that small
    return Float.MIN_NORMAL * (Math.abs(c) + Math.abs(h) * spread) / temperature;
  }
}
