package org.plait;

/**
 * What happens to tokens whose advantage and log-probability have a high {@link Covariance}.
 * Immutable and thread-safe.
 */
public enum CovarianceKind {
  /** Nothing. */
  NONE(0),
  /** A few of those with a covariance between the bounds lose their policy term: Clip-Cov. */
  CLIP(1),
  /**
   * Those with the highest covariance get {@code coefficient * |logp - oldLogp|} on top: KL-Cov.
   */
  KL(2);

  private final int code;

  CovarianceKind(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_covariance_kind} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
