package org.plait.lab.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.plait.Objective;

/**
 * Everything that {@code token_objective} is told, in float64. Arrays are not copied.
 *
 * @param logProbs [T] log-probabilities of the realised tokens
 * @param entropy [T], or null if no rule has an entropy term
 * @param roles [T] codes of {@link org.plait.Role}, or null: all are rollout tokens
 * @param offsets [B + 1] first token of each sequence, or null: all tokens are one sequence
 * @param advantages [T], or null if no rule has a policy loss
 * @param oldLogProbs [T], or null: the ratio is exactly 1
 * @param referenceLogProbs [T], or null if no rule has a KL term
 * @param objective the rules
 * @param tokenCounts [4] normalising token counts: all, then by role; 0: count the tokens at hand
 * @param sequenceCounts [4] normalising sequence counts, likewise
 * @param length constant normaliser of the constant-length aggregations
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
public record TokenProblem(
    double[] logProbs,
    double @Nullable [] entropy,
    byte @Nullable [] roles,
    long @Nullable [] offsets,
    double @Nullable [] advantages,
    double @Nullable [] oldLogProbs,
    double @Nullable [] referenceLogProbs,
    Objective objective,
    double[] tokenCounts,
    double[] sequenceCounts,
    double length) {

  /** A problem whose every count is taken from the tokens at hand. */
  public static TokenProblem of(
      double[] logProbs,
      double @Nullable [] entropy,
      byte @Nullable [] roles,
      long @Nullable [] offsets,
      double @Nullable [] advantages,
      double @Nullable [] oldLogProbs,
      double @Nullable [] referenceLogProbs,
      Objective objective) {
    return new TokenProblem(
        logProbs,
        entropy,
        roles,
        offsets,
        advantages,
        oldLogProbs,
        referenceLogProbs,
        objective,
        new double[4],
        new double[4],
        0);
  }

  /** The same with other normalisers. */
  public TokenProblem withNormalizers(double[] tokens, double[] sequences, double newLength) {
    return new TokenProblem(
        logProbs,
        entropy,
        roles,
        offsets,
        advantages,
        oldLogProbs,
        referenceLogProbs,
        objective,
        tokens,
        sequences,
        newLength);
  }

  /** The same at other log-probabilities and entropies, for numerical differentiation. */
  public TokenProblem at(double[] newLogProbs, double @Nullable [] newEntropy) {
    return new TokenProblem(
        newLogProbs,
        newEntropy,
        roles,
        offsets,
        advantages,
        oldLogProbs,
        referenceLogProbs,
        objective,
        tokenCounts,
        sequenceCounts,
        length);
  }

  /** T. */
  public int tokens() {
    return logProbs.length;
  }

  /** B. */
  public int sequences() {
    return offsets == null ? 1 : offsets.length - 1;
  }

  /** First token of sequence {@code i}; the end of the last one for {@code i == sequences()}. */
  public int begin(int i) {
    return offsets == null ? (i == 0 ? 0 : tokens()) : (int) offsets[i];
  }

  /** Role code of token {@code t}. */
  public int role(int t) {
    return roles == null ? 1 : roles[t];
  }

  /** A row of advantages, one per sequence, as one per token. */
  public static double[] perToken(double[] perSequence, long @Nullable [] offsets, int tokens) {
    double[] result = new double[tokens];
    for (int i = 0; i < perSequence.length; i++) {
      int begin = offsets == null ? 0 : (int) offsets[i];
      int end = offsets == null ? tokens : (int) offsets[i + 1];
      Arrays.fill(result, begin, end, perSequence[i]);
    }
    return result;
  }
}
