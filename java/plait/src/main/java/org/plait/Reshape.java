package org.plait;

/**
 * The function f of {@link PolicyLoss#RESHAPED}, with g the parameter of {@link Reshaping} and p =
 * exp(logp). Immutable and thread-safe.
 */
public enum Reshape {
  /**
   * {@code x / (x + g)}; {@code x f'(x) = g x / (x + g)^2}, which is largest, 1/4, at x = g:
   * LUFFY's policy shaping.
   */
  RATIONAL(0),
  /** {@code x^g}; {@code x f'(x) = g x^g}. With g = 0.5 the square root. */
  POWER(1),
  /** {@code g logp}; derivative to logp g. */
  LOG(2),
  /** {@code x + g logp}; derivative to logp {@code x + g}. */
  LINEAR_LOG(3),
  /**
   * {@code s(p) / s(pOld)} with {@code s(p) = p / (p + g)}: LUFFY's reshaping of rollouts. Takes
   * the token's own old log-probability, whatever the behaviour and the level of the ratio.
   */
  RATIONAL_RATIO(4);

  private final int code;

  Reshape(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_reshape} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
