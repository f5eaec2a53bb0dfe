package org.plait;

/**
 * Estimators of KL(policy || reference) at one token, with d = logp - referenceLogp (Schulman 2020,
 * "Approximating KL divergence"). Immutable and thread-safe.
 */
public enum KlEstimator {
  /**
   * {@code d}: unbiased, high variance, may be negative. Derivative to logp: 1, so its expected
   * gradient as a loss is 0.
   */
  K1(0),
  /**
   * {@code d^2 / 2}: biased, low variance. Derivative: {@code d}, whose expectation on policy is
   * the gradient of the KL.
   */
  K2(1),
  /**
   * {@code exp(-d) - 1 + d}: unbiased, low variance, never negative. Derivative: {@code 1 -
   * exp(-d)}.
   */
  K3(2),
  /** {@code |d|}. Derivative: {@code sign(d)}. */
  ABS(3);

  private final int code;

  KlEstimator(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_kl_estimator} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
