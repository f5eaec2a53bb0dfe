package org.plait;

/**
 * How the estimate k of a {@link KlTerm} enters the loss, with r = exp(logp - oldLogp). Immutable
 * and thread-safe.
 */
public enum KlForm {
  /** {@code k}. */
  PLAIN(0),
  /**
   * {@code r k}, with the gradient through r too. With k3 the derivative is {@code r d}
   * (DeepSeek-V3.2).
   */
  TIMES_RATIO(1),
  /** {@code sg(r) k}. */
  TIMES_FIXED_RATIO(2),
  /** The value is k, the gradient that of k2: {@code d}. What verl describes as "k1+" and "k3+". */
  STRAIGHT_THROUGH(3);

  private final int code;

  KlForm(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_kl_form} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
