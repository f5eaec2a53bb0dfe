package org.plait.lab.verify;

import org.jspecify.annotations.Nullable;

/**
 * What a case knows of its tokens, packed: T tokens in B sequences, row i of a padded case being
 * sequence i.
 *
 * @param length L of a padded case, 0 of a packed one
 * @param offsets [B + 1]
 * @param roles [T] codes of {@link org.plait.Role}; masked tokens are ignored ones
 * @param logProb [T]
 * @param entropy [T] or null
 * @param oldLogProb [T] or null
 * @param refLogProb [T] or null
 * @param rolloutLogProb [T] as the sampler returned them, or null
 * @param advantages [T], or [B] if advantagePerSequence, or null
 * @param advantagePerSequence whether there is one advantage per sequence
 * @param rewards what advantages are made of
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record CaseInputs(
    int length,
    long[] offsets,
    byte[] roles,
    double[] logProb,
    double @Nullable [] entropy,
    double @Nullable [] oldLogProb,
    double @Nullable [] refLogProb,
    double @Nullable [] rolloutLogProb,
    double @Nullable [] advantages,
    boolean advantagePerSequence,
    Rewards rewards) {

  /**
   * What advantages are made of.
   *
   * @param ofSequences [B] or null
   * @param groups [B] group of each sequence's reward, or null
   * @param roles [B] role of each sequence's reward, or null
   * @param weights [B] of the weighted mean, or null
   * @param ofTokens [T] or null
   * @param values [T] a critic's, or null
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  record Rewards(
      double @Nullable [] ofSequences,
      int @Nullable [] groups,
      byte @Nullable [] roles,
      double @Nullable [] weights,
      double @Nullable [] ofTokens,
      double @Nullable [] values) {

    boolean given() {
      return ofSequences != null || ofTokens != null;
    }
  }

  /** Group of each sequence's reward. */
  int @Nullable [] groups() {
    return rewards.groups;
  }

  int tokens() {
    return logProb.length;
  }

  int sequences() {
    return offsets.length - 1;
  }

  /** For tables: "4x6", or "18 in 4" of a packed case. */
  String shape() {
    return length > 0 ? sequences() + "x" + length : tokens() + " in " + sequences();
  }
}
