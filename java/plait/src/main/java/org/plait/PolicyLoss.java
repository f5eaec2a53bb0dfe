package org.plait;

/**
 * The policy-gradient loss of a token with advantage A and log-probability logp. x is the
 * importance ratio of the rule (see {@link Behaviour} and {@link RatioLevel}), {@code clip(x) =
 * min(max(x, 1 - clipLow), 1 + clipHigh)}, sg a stop-gradient, and c the derivative with respect to
 * logp. Where a ratio is of a sequence and the aggregation is {@link
 * Aggregation#SEQ_MEAN_TOKEN_MEAN}, c is the exact derivative of the loss of the sequence.
 * Immutable and thread-safe.
 */
public enum PolicyLoss {
  /** No policy loss. */
  NONE(0),
  /**
   * {@code -A logp}; {@code c = -A}. REINFORCE (Williams 1992), RLOO, GPG, REINFORCE++ on policy.
   */
  REINFORCE(1),
  /**
   * {@code max(-A x, -A clip(x))}, and at most {@code -dualClip A} where A is negative; {@code c =
   * -A x}, or 0 beyond a bound that acts (at the bound itself it is still {@code -A x}). PPO
   * (Schulman et al. 2017, arXiv:1707.06347), separate bounds from DAPO (arXiv:2503.14476), dual
   * clip from Ye et al. 2020 (arXiv:1912.09729), GSPO with a sequence ratio (arXiv:2507.18071).
   */
  CLIP(2),
  /**
   * {@code -sg(clip(x)) A logp}; {@code c = -clip(x) A}: a clipped token keeps its gradient. CISPO
   * (MiniMax 2025, arXiv:2506.13585).
   */
  CISPO(3),
  /**
   * {@code -A (4 / t) sigmoid(t (x - 1))}, t from {@link Sapo} by the sign of A; {@code c = -4 s (1
   * - s) A x}, s the sigmoid. SAPO (arXiv:2511.20347).
   */
  SAPO(4),
  /**
   * {@code -A f(x)} with the f of {@link Reshaping}; {@code c = -A x f'(x)}. LUFFY (Yan et al.
   * 2025, arXiv:2504.14945).
   */
  RESHAPED(5),
  /**
   * {@code -A exp(mean over the sequence of d')}, where d = log x of a token, and {@code d' =
   * min(d, clipHigh)} if A is positive, else {@code max(d, -clipLow)}; {@code c = -A exp(...)}, or
   * 0 where d' bounds d. The bounds are of the logarithm. GMPO (Zhao et al. 2025,
   * arXiv:2507.20673).
   */
  GMPO(6),
  /**
   * {@code -sg(phi) A logp} with {@code phi = exp(lambda + k log W - lambda W)} from {@link Vespo};
   * {@code c = -phi A}. log W is the sequence's sum of log x, and of the sampler's log weights, in
   * [log 1e-8, 20]; a phi that is not finite counts as 0. VESPO, as in huggingface/trl.
   */
  VESPO(7);

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
