package org.plait.lab.oracle;

import java.util.Arrays;
import java.util.List;

/**
 * Definitions of {@code row_stats} and {@code logits_grad} for one row of logits {@code x}, in
 * float64.
 *
 * <p>With {@code z = x / temperature} and {@code p = softmax(z)}: {@code logsumexp = log sum exp
 * z}, {@code logp = z[target] - logsumexp}, {@code entropy = -sum p log p}, and for given {@code c}
 * and {@code h}
 *
 * <pre>dx[j] = (1 / temperature) * (c * (1[j == target] - p[j]) + h * p[j] * (sum p z - z[j]))
 * </pre>
 *
 * <p>A logit of -inf has p = 0 and no part in the entropy or in the term of {@code h}. A row that
 * holds NaN, +inf or nothing but -inf is NaN throughout; a target outside the row makes the
 * statistics NaN and the gradient zero.
 */
public final class RowOracle {

  private RowOracle() {}

  /**
   * What is known of a row, or of a shard of one.
   *
   * @param max the largest raw logit
   * @param sum sum of exp((x - max) / temperature)
   * @param weightedSum sum of exp((x - max) / temperature) * (x - max) / temperature
   * @param targetLogit the target's raw logit; -inf if another shard has it, NaN if the target is
   *     bad
   * @param logProb log-probability of the target
   * @param entropy entropy in nats
   * @param logSumExp logarithm of the sum of exp z
   */
  public record Statistics(
      double max,
      double sum,
      double weightedSum,
      double targetLogit,
      double logProb,
      double entropy,
      double logSumExp) {

    private static Statistics undefined() {
      double nan = Double.NaN;
      return new Statistics(nan, nan, nan, nan, nan, nan, nan);
    }
  }

  /** Statistics of a whole row, {@code x[from .. from + vocab - 1]}. */
  public static Statistics statistics(
      float[] x, int from, int vocab, long target, double temperature) {
    return complete(shard(x, from, vocab, 0, vocab, target, temperature), temperature);
  }

  /**
   * Sums over one shard: entries {@code x[from .. from + vocab - 1]} of a row of {@code vocabTotal}
   * entries, the first being entry {@code vocabBegin}. The statistics of the whole row are left
   * NaN.
   */
  public static Statistics shard(
      float[] x,
      int from,
      int vocab,
      long vocabBegin,
      long vocabTotal,
      long target,
      double temperature) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = from; j < from + vocab; j++) {
      if (Float.isNaN(x[j]) || x[j] == Float.POSITIVE_INFINITY) {
        return Statistics.undefined();
      }
      max = Math.max(max, x[j]);
    }
    double sum = 0;
    double weightedSum = 0;
    for (int j = from; j < from + vocab; j++) {
      if (x[j] != Float.NEGATIVE_INFINITY) {
        double y = (x[j] - max) / temperature;
        double e = Math.exp(y);
        sum += e;
        weightedSum += e * y;
      }
    }
    double targetLogit;
    if (target < 0 || target >= vocabTotal) {
      targetLogit = Double.NaN;
    } else if (target < vocabBegin || target >= vocabBegin + vocab) {
      targetLogit = Double.NEGATIVE_INFINITY;
    } else {
      targetLogit = x[from + (int) (target - vocabBegin)];
    }
    double nan = Double.NaN;
    return new Statistics(max, sum, weightedSum, targetLogit, nan, nan, nan);
  }

  /** Statistics of a whole row from its shards. */
  public static Statistics merge(List<Statistics> shards, double temperature) {
    double max = Double.NEGATIVE_INFINITY;
    double targetLogit = Double.NEGATIVE_INFINITY;
    for (Statistics shard : shards) {
      max = Math.max(max, shard.max); // NaN if either is
      targetLogit = Math.max(targetLogit, shard.targetLogit);
    }
    double sum = 0;
    double weightedSum = 0;
    for (Statistics shard : shards) {
      if (shard.max != Double.NEGATIVE_INFINITY) {
        double shift = (shard.max - max) / temperature;
        sum += Math.exp(shift) * shard.sum;
        weightedSum += Math.exp(shift) * (shard.weightedSum + shift * shard.sum);
      }
    }
    double nan = Double.NaN;
    return complete(new Statistics(max, sum, weightedSum, targetLogit, nan, nan, nan), temperature);
  }

  private static Statistics complete(Statistics s, double temperature) {
    if (Double.isNaN(s.max) || s.max == Double.NEGATIVE_INFINITY || Double.isNaN(s.targetLogit)) {
      double nan = Double.NaN;
      return new Statistics(s.max, s.sum, s.weightedSum, s.targetLogit, nan, nan, nan);
    }
    double logSum = Math.log(s.sum);
    return new Statistics(
        s.max,
        s.sum,
        s.weightedSum,
        s.targetLogit,
        (s.targetLogit - s.max) / temperature - logSum,
        logSum - s.weightedSum / s.sum,
        s.max / temperature + logSum);
  }

  /**
   * Gradient of the raw logits of a whole row, written to {@code out[0 .. vocab - 1]}.
   *
   * @param c derivative of the loss with respect to the target's log-probability
   * @param h derivative of the loss with respect to the entropy
   */
  public static void gradient(
      float[] x,
      int from,
      int vocab,
      long target,
      double temperature,
      double c,
      double h,
      double[] out) {
    Statistics s = statistics(x, from, vocab, 0, temperature);
    if (target < 0 || target >= vocab) {
      Arrays.fill(out, 0, vocab, 0);
      return;
    }
    if (Double.isNaN(s.logSumExp)) {
      Arrays.fill(out, 0, vocab, Double.NaN);
      return;
    }
    // Relative to the maximum, so that a large common offset of the logits costs no precision here
    // either.
    double meanY = s.weightedSum / s.sum;
    for (int j = 0; j < vocab; j++) {
      double y = (x[from + j] - s.max) / temperature;
      double p = Math.exp(y) / s.sum;
      double entropyPart = p == 0 ? 0 : h * p * (meanY - y);
      double indicator = j == target ? 1 : 0;
      out[j] = (c * (indicator - p) + entropyPart) / temperature;
    }
  }
}
