package org.plait;

/**
 * What the only scored member of a group gets from {@link GroupAdvantage}. Immutable and
 * thread-safe.
 */
public enum Singleton {
  /** Advantage 0: nothing to compare with, nothing to learn. */
  ZERO(0),
  /** Baseline 0 and, for the group's scale, standard deviation 1: its reward, by 1 + epsilon. */
  REWARD(1),
  /** The call is refused. */
  REFUSE(2);

  private final int code;

  Singleton(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_singleton} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
