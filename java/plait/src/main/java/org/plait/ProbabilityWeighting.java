package org.plait;

/**
 * A constant weight on the negative log-likelihood of a token by its own probability {@code p =
 * exp(logp)}; sg is a stop-gradient. Immutable and thread-safe.
 */
public enum ProbabilityWeighting {
  /** Weight 1. */
  NONE(0),
  /** {@code sg(p)}: tokens that the model finds unlikely weigh little. DFT (arXiv:2508.05629). */
  PROBABILITY(1),
  /**
   * {@code sg(p (1 - p))}: largest, 1/4, at p = 1/2; tokens that are all but certain or all but
   * impossible weigh little. CHORD's phi (arXiv:2508.11408).
   */
  VARIANCE(2);

  private final int code;

  ProbabilityWeighting(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_probability_weighting} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }

  /**
   * Says whether there is a weight.
   *
   * @return false if it is 1 for every token
   */
  public boolean isOn() {
    return this != NONE;
  }
}
