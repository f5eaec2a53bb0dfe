package org.plait.recipe;

/**
 * What a verifier's verdict is worth. SRFT (Fu et al. 2025, arXiv:2506.19767) is described with
 * both: {+1, -1} in equation 11, {1, 0} in appendix A.2. Advantages that are divided by the group's
 * standard deviation are the same with both, but for epsilon; others are twice as large with the
 * first. Immutable and thread-safe.
 */
public enum BinaryReward {
  /** 1 if correct, else 0. */
  ONE_ZERO(0),
  /** 1 if correct, else -1. */
  PLUS_MINUS_ONE(-1);

  private final float wrong;

  BinaryReward(float wrong) {
    this.wrong = wrong;
  }

  /**
   * Returns the reward of a verdict.
   *
   * @param correct what the verifier says
   * @return 1 if correct, else {@link #wrong()}
   */
  public float of(boolean correct) {
    return correct ? 1 : wrong;
  }

  /**
   * Returns the reward of a wrong response, which is also the failing reward of {@link
   * GroupOutcome}.
   *
   * @return 0 or -1
   */
  public float wrong() {
    return wrong;
  }
}
