package org.plait;

/**
 * Which rewards enter the statistics of {@link GroupAdvantage}. All of them get an advantage.
 * Immutable and thread-safe.
 */
public enum Statistics {
  /** All scored ones, demonstrations too. */
  ALL(0),
  /** Those whose role is {@link Role#ROLLOUT}. */
  ROLLOUTS(1);

  private final int code;

  Statistics(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_statistics} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
