package org.plait;

/**
 * The weight of a token's term in the scalar loss.
 *
 * <p>N and B are the tokens and sequences of the term's {@link Population}, n the tokens of that
 * population in the token's own sequence, L is {@link Normalizers#length()}. B counts sequences
 * that have at least one such token. Immutable and thread-safe.
 */
public enum Aggregation {
  /** {@code 1 / N}: every token counts the same (DAPO). */
  TOKEN_MEAN(0),
  /** {@code 1 / (B n)}: every sequence counts the same (GRPO). */
  SEQ_MEAN_TOKEN_MEAN(1),
  /** {@code 1 / B}: sum over a sequence, mean over sequences. */
  SEQ_MEAN_TOKEN_SUM(2),
  /** {@code 1 / L}: sum over all tokens by a constant. */
  CONSTANT_LENGTH(3),
  /** {@code 1 / (B L)}: sum over a sequence by a constant, mean over sequences (Dr.GRPO). */
  SEQ_MEAN_CONSTANT_LENGTH(4);

  private final int code;

  Aggregation(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_aggregation} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
