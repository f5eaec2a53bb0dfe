package org.plait;

import java.util.Objects;

/**
 * What a token of one {@link Role} contributes to the loss:
 *
 * <pre>{@code
 * w_policy * policyLoss - w_nll * logp + w_kl * klEstimator(logp - referenceLogp) - w_entropy * entropy
 * }</pre>
 *
 * where each w is the coefficient of the term times its aggregation weight. Immutable and
 * thread-safe.
 *
 * @param policyLoss the policy-gradient loss; needs advantages
 * @param policy weight of the policy loss
 * @param clipLow at least 0: a ratio below {@code 1 - clipLow} is clipped; +inf for no bound
 * @param clipHigh at least 0: a ratio above {@code 1 + clipHigh} is clipped; +inf for no bound
 * @param dualClip above 1: where the advantage is negative the loss is at most {@code -dualClip *
 *     advantage}; +inf for no bound
 * @param logRatioLimit above 0: {@code |logp - oldLogp|} is clamped to it, with gradient 0 outside;
 *     +inf for no limit
 * @param nll weight of the negative log-likelihood: SFT
 * @param klEstimator estimator of the KL term
 * @param kl weight of the KL term; needs reference log-probabilities
 * @param entropy weight of the entropy bonus
 */
public record Rule(
    PolicyLoss policyLoss,
    Term policy,
    float clipLow,
    float clipHigh,
    float dualClip,
    float logRatioLimit,
    Term nll,
    KlEstimator klEstimator,
    Term kl,
    Term entropy) {

  /** A rule without a term: its tokens count in means over all tokens, but have no loss. */
  public static final Rule NONE = builder().build();

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a bound is out of range or NaN, or if the policy loss has a
   *     coefficient and is {@link PolicyLoss#NONE}
   */
  public Rule {
    Objects.requireNonNull(policyLoss, "policyLoss");
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(nll, "nll");
    Objects.requireNonNull(klEstimator, "klEstimator");
    Objects.requireNonNull(kl, "kl");
    Objects.requireNonNull(entropy, "entropy");
    Checks.that(clipLow >= 0, "clipLow", "at least 0", clipLow);
    Checks.that(clipHigh >= 0, "clipHigh", "at least 0", clipHigh);
    Checks.that(dualClip > 1, "dualClip", "above 1", dualClip);
    Checks.that(logRatioLimit > 0, "logRatioLimit", "above 0", logRatioLimit);
    Checks.that(
        policyLoss != PolicyLoss.NONE || !policy.isOn(),
        "policy",
        "coefficient 0 where policyLoss is NONE",
        policy.coefficient());
  }

  /**
   * Starts with {@link #NONE}.
   *
   * @return a builder without terms and bounds
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts with this rule.
   *
   * @return a builder that builds an equal rule if nothing is changed
   */
  public Builder toBuilder() {
    return builder()
        .policy(policyLoss, policy)
        .clip(clipLow, clipHigh)
        .dualClip(dualClip)
        .logRatioLimit(logRatioLimit)
        .nll(nll)
        .kl(klEstimator, kl)
        .entropy(entropy);
  }

  /**
   * Says whether there is a policy loss.
   *
   * @return true if tokens need an advantage and count in the metrics of the ratio
   */
  public boolean hasPolicyLoss() {
    return policyLoss != PolicyLoss.NONE;
  }

  /**
   * Says whether there is any term.
   *
   * @return false if tokens have no loss
   */
  public boolean isOn() {
    return policy.isOn() || nll.isOn() || kl.isOn() || entropy.isOn();
  }

  /** Builds {@link Rule}s. Confined to one thread. */
  public static final class Builder {
    private PolicyLoss policyLoss = PolicyLoss.NONE;
    private Term policy = Term.OFF;
    private float clipLow = Float.POSITIVE_INFINITY;
    private float clipHigh = Float.POSITIVE_INFINITY;
    private float dualClip = Float.POSITIVE_INFINITY;
    private float logRatioLimit = Float.POSITIVE_INFINITY;
    private Term nll = Term.OFF;
    private KlEstimator klEstimator = KlEstimator.K3;
    private Term kl = Term.OFF;
    private Term entropy = Term.OFF;

    private Builder() {}

    /**
     * Sets the policy loss.
     *
     * @param loss the kind of loss
     * @param term its weight
     * @return this
     */
    public Builder policy(PolicyLoss loss, Term term) {
      this.policyLoss = loss;
      this.policy = term;
      return this;
    }

    /**
     * Sets the bounds of the importance ratio.
     *
     * @param low at least 0: clip below {@code 1 - low}; +inf for no bound
     * @param high at least 0: clip above {@code 1 + high}; +inf for no bound
     * @return this
     */
    public Builder clip(float low, float high) {
      this.clipLow = low;
      this.clipHigh = high;
      return this;
    }

    /**
     * Bounds the loss where the advantage is negative.
     *
     * @param bound above 1; +inf for no bound
     * @return this
     */
    public Builder dualClip(float bound) {
      this.dualClip = bound;
      return this;
    }

    /**
     * Clamps the log-ratio.
     *
     * @param limit above 0; +inf for no limit
     * @return this
     */
    public Builder logRatioLimit(float limit) {
      this.logRatioLimit = limit;
      return this;
    }

    /**
     * Sets the negative log-likelihood.
     *
     * @param term its weight
     * @return this
     */
    public Builder nll(Term term) {
      this.nll = term;
      return this;
    }

    /**
     * Sets the KL term to the reference policy.
     *
     * @param estimator how KL is estimated
     * @param term its weight
     * @return this
     */
    public Builder kl(KlEstimator estimator, Term term) {
      this.klEstimator = estimator;
      this.kl = term;
      return this;
    }

    /**
     * Sets the entropy bonus, which is subtracted from the loss.
     *
     * @param term its weight
     * @return this
     */
    public Builder entropy(Term term) {
      this.entropy = term;
      return this;
    }

    /**
     * Builds the rule.
     *
     * @return an immutable rule
     * @throws IllegalArgumentException as the constructor of {@link Rule}
     */
    public Rule build() {
      return new Rule(
          policyLoss,
          policy,
          clipLow,
          clipHigh,
          dualClip,
          logRatioLimit,
          nll,
          klEstimator,
          kl,
          entropy);
    }
  }
}
