package org.plait.recipe;

/**
 * How the rollouts of one prompt did. A rollout succeeds if its reward is above a failing reward,
 * so that several failing rewards (0 for a wrong answer, -1 for one without the right format) are
 * failures alike. A NaN reward marks a rollout that could not be scored, and does not count.
 * Immutable and thread-safe.
 */
public enum GroupOutcome {
  /** No reward to judge by. */
  UNSCORED,
  /** Every rollout failed. */
  NONE_SOLVED,
  /** Some failed and some succeeded. */
  SOME_SOLVED,
  /** Every rollout succeeded. */
  ALL_SOLVED;

  /**
   * Judges a group.
   *
   * @param failReward the highest reward that is a failure
   * @param rewards of the group's rollouts; NaN where there is none
   * @return the outcome
   * @throws IllegalArgumentException if failReward is NaN or a reward is infinite
   */
  public static GroupOutcome of(float failReward, float... rewards) {
    Checks.that(!Float.isNaN(failReward), "failReward", "a number", failReward);
    Checks.present("rewards", rewards);
    int failed = 0;
    int solved = 0;
    for (float reward : rewards) {
      Checks.that(!Float.isInfinite(reward), "rewards", "finite numbers or NaN", reward);
      if (reward > failReward) {
        solved++;
      } else if (reward <= failReward) {
        failed++;
      }
    }
    if (solved == 0) {
      return failed == 0 ? UNSCORED : NONE_SOLVED;
    }
    return failed == 0 ? ALL_SOLVED : SOME_SOLVED;
  }
}
