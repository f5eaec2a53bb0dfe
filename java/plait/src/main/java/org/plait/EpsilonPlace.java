package org.plait;

/** Where {@link GroupAdvantage} adds its epsilon. Immutable and thread-safe. */
public enum EpsilonPlace {
  /** {@code centred / (std + epsilon)}. */
  STD(0),
  /** {@code centred / sqrt(std^2 + epsilon)}. */
  VARIANCE(1);

  private final int code;

  EpsilonPlace(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_epsilon_place} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
