package org.plait;

/** What {@link GroupAdvantage} divides by. Immutable and thread-safe. */
public enum Scale {
  /** Nothing: Dr.GRPO (Liu et al. 2025, arXiv:2503.20783). */
  NONE(0),
  /**
   * Standard deviation of the group's scored rewards, plus epsilon: GRPO (Shao et al. 2024,
   * arXiv:2402.03300).
   */
  GROUP_STD(1),
  /** Standard deviation of all scored rewards, plus epsilon. */
  BATCH_STD(2);

  private final int code;

  Scale(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_scale} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
