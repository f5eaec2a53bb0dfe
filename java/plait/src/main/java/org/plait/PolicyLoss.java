package org.plait;

/**
 * The policy-gradient loss of a token with advantage A, log-probability logp and importance ratio r
 * = exp(logp - oldLogp), which is 1 where no behaviour policy is given. Immutable and thread-safe.
 */
public enum PolicyLoss {
  /** No policy loss. */
  NONE(0),
  /** {@code -A logp}; its derivative to logp is {@code -A}. */
  REINFORCE(1),
  /**
   * {@code max(-A r, -A clip(r, 1 - clipLow, 1 + clipHigh))}, and at most {@code -dualClip A} where
   * A is negative; its derivative to logp is {@code -A r}, or 0 beyond a bound that acts (at the
   * bound itself it is still {@code -A r}). PPO (Schulman et al. 2017, arXiv:1707.06347), separate
   * bounds from DAPO (arXiv:2503.14476), dual clip from Ye et al. 2020 (arXiv:1912.09729).
   */
  CLIP(2);

  private final int code;

  PolicyLoss(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_policy_loss} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
