package org.plait;

/** What {@link GroupAdvantage} subtracts from a reward. Immutable and thread-safe. */
public enum Baseline {
  /** Nothing. */
  NONE(0),
  /** Mean of the group's scored rewards. */
  GROUP_MEAN(1),
  /** Mean of the group's other scored rewards: RLOO (Ahmadian et al. 2024, arXiv:2402.14740). */
  LEAVE_ONE_OUT(2),
  /** Mean of all scored rewards. */
  BATCH_MEAN(3),
  /**
   * Sum of weight times reward over sum of weight in the group. With lengths as weights: OPO (Hao
   * et al. 2025, arXiv:2505.23585).
   */
  WEIGHTED_MEAN(4);

  private final int code;

  Baseline(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_baseline} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
