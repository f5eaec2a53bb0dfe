package org.plait;

/**
 * What the only member of a group that enters the statistics gets from {@link GroupAdvantage}.
 * Immutable and thread-safe.
 */
public enum Singleton {
  /** Advantage 0: nothing to compare with, nothing to learn. */
  ZERO(0),
  /**
   * Baseline 0 and, for the group's scale, standard deviation 1: its reward, by 1 + epsilon.
   * Members outside of the statistics, such as a demonstration beside one rollout, get theirs
   * likewise.
   */
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
