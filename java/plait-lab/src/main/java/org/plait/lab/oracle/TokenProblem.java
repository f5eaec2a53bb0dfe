package org.plait.lab.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.plait.Objective;

/**
 * Everything that {@code token_objective} is told, in float64. Arrays are not copied.
 *
 * @param logProbs [T] log-probabilities of the realised tokens
 * @param entropy [T], or null if no rule depends on it
 * @param roles [T] codes of {@link org.plait.Role}, or null: all are rollout tokens
 * @param offsets [B + 1] first token of each sequence, or null: all tokens are one sequence
 * @param advantages [T], or null if no rule has a policy loss
 * @param oldLogProbs [T], or null: the ratio is exactly 1
 * @param referenceLogProbs [T], or null if no rule has a KL term
 * @param samplerLogProbs [T], or null if there is no sampler correction
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
    double @Nullable [] samplerLogProbs,
    Objective objective,
    double[] tokenCounts,
    double[] sequenceCounts,
    double length) {

  /** A problem without a sampler, whose every count is taken from the tokens at hand. */
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
        null,
        objective,
        new double[4],
        new double[4],
        0);
  }

  /** The same with the log-probabilities that the sampler returned. */
  public TokenProblem withSampler(double @Nullable [] newSamplerLogProbs) {
    return new TokenProblem(
        logProbs,
        entropy,
        roles,
        offsets,
        advantages,
        oldLogProbs,
        referenceLogProbs,
        newSamplerLogProbs,
        objective,
        tokenCounts,
        sequenceCounts,
        length);
  }

  /** The same with other rules. */
  public TokenProblem withObjective(Objective newObjective) {
    return new TokenProblem(
        logProbs,
        entropy,
        roles,
        offsets,
        advantages,
        oldLogProbs,
        referenceLogProbs,
        samplerLogProbs,
        newObjective,
        tokenCounts,
        sequenceCounts,
        length);
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
        samplerLogProbs,
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
        samplerLogProbs,
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

  /** Log-probability of token {@code t} under the behaviour policy: its own where there is none. */
  public double oldLogProb(int t) {
    return oldLogProbs == null ? logProbs[t] : oldLogProbs[t];
  }

  /** {@code logp - old_logp} of token {@code t}; 0 where they are equal, also if both are -inf. */
  public double logRatio(int t) {
    return logProbs[t] == oldLogProb(t) ? 0 : logProbs[t] - oldLogProb(t);
  }

  /** Advantage of token {@code t}, which must have one. */
  public double advantage(int t) {
    return required(advantages, "advantages")[t];
  }

  /** An array that the objective needs. */
  static double[] required(double @Nullable [] array, String name) {
    if (array == null) {
      throw new IllegalArgumentException("the objective needs " + name);
    }
    return array;
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
