package org.plait;

/**
 * What an importance ratio is of: a token, or the tokens of the same role in its sequence.
 * Immutable and thread-safe.
 */
public enum RatioLevel {
  /** {@code exp(logp - oldLogp)} of the token. */
  TOKEN(0),
  /** {@code exp(mean over the sequence)}: GSPO (Zheng et al. 2025, arXiv:2507.18071). */
  SEQUENCE_MEAN(1),
  /** {@code exp(sum over the sequence)}: the ratio of whole responses. */
  SEQUENCE_SUM(2);

  private final int code;

  RatioLevel(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_ratio_level} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
