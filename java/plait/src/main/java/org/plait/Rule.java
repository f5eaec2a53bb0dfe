package org.plait;

import java.util.Objects;

/**
 * What a token of one {@link Role} contributes to the loss:
 *
 * <pre>{@code
 * w_policy * policyLoss - w_nll * logp + w_kl * klEstimate(logp - referenceLogp) - w_entropy * entropy
 * }</pre>
 *
 * where each w is the coefficient of the term times its aggregation weight; w_policy and w_nll also
 * times their entropy weighting, w_nll times its probability weighting, and w_policy times the
 * sampler correction, and 0 where the token is dropped. Immutable and thread-safe.
 *
 * @param policy the policy-gradient term
 * @param nll the negative log-likelihood: SFT
 * @param kl the KL term to the reference policy
 * @param entropy weight of the entropy bonus
 */
public record Rule(PolicyTerm policy, NllTerm nll, KlTerm kl, Term entropy) {
  /** A rule without a term: its tokens count in means over all tokens, but have no loss. */
  public static final Rule NONE = builder().build();

  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if one is null
   */
  public Rule {
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(nll, "nll");
    Objects.requireNonNull(kl, "kl");
    Objects.requireNonNull(entropy, "entropy");
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
    Builder builder =
        builder()
            .policy(policy.loss(), policy.term())
            .clip(policy.clipLow(), policy.clipHigh())
            .dualClip(policy.dualClip())
            .logRatioLimit(policy.logRatioLimit())
            .behaviour(policy.behaviour())
            .ratioLevel(policy.ratioLevel())
            .maxProbability(policy.maxProbability())
            .offPolicyThreshold(policy.offPolicyThreshold())
            .samplerCorrection(policy.samplerCorrection())
            .policyWeighting(policy.weighting())
            .selection(policy.selection())
            .covariance(policy.covariance())
            .nll(nll.term())
            .nllWeighting(nll.weighting())
            .nllProbabilityWeighting(nll.probabilityWeighting())
            .kl(kl.estimator(), kl.term())
            .klForm(kl.form())
            .klLimits(kl.logLimit(), kl.valueLimit())
            .entropy(entropy);
    builder.reshaping = policy.reshaping();
    builder.sapo = policy.sapo();
    builder.vespo = policy.vespo();
    return builder;
  }

  /**
   * Says whether there is a policy loss, with a coefficient or without.
   *
   * @return false if it is {@link PolicyLoss#NONE}
   */
  public boolean hasPolicyLoss() {
    return policy.loss() != PolicyLoss.NONE;
  }

  /**
   * Says whether there is any term.
   *
   * @return false if tokens have no loss
   */
  public boolean isOn() {
    return policy.term().isOn() || nll.term().isOn() || kl.term().isOn() || entropy.isOn();
  }

  /** Builds {@link Rule}s. Confined to one thread. */
  public static final class Builder {
    private static final float NO_BOUND = Float.POSITIVE_INFINITY;

    private PolicyLoss policyLoss = PolicyLoss.NONE;
    private Term policy = Term.OFF;
    private float clipLow = NO_BOUND;
    private float clipHigh = NO_BOUND;
    private float dualClip = NO_BOUND;
    private float logRatioLimit = NO_BOUND;
    private Behaviour behaviour = Behaviour.OLD;
    private RatioLevel ratioLevel = RatioLevel.TOKEN;
    private Reshaping reshaping = Reshaping.LUFFY;
    private float maxProbability = NO_BOUND;
    private float offPolicyThreshold = NO_BOUND;
    private Sapo sapo = Sapo.DEFAULT;
    private Vespo vespo = Vespo.DEFAULT;
    private boolean samplerCorrection;
    private EntropyWeighting policyWeighting = EntropyWeighting.NONE;
    private EntropySelection selection = EntropySelection.NONE;
    private Covariance covariance = Covariance.NONE;
    private Term nll = Term.OFF;
    private EntropyWeighting nllWeighting = EntropyWeighting.NONE;
    private ProbabilityWeighting nllProbabilityWeighting = ProbabilityWeighting.NONE;
    private Term kl = Term.OFF;
    private KlEstimator klEstimator = KlEstimator.K3;
    private KlForm klForm = KlForm.PLAIN;
    private float klLogLimit = NO_BOUND;
    private float klValueLimit = NO_BOUND;
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
     * Sets the bounds of the importance ratio; with {@link PolicyLoss#GMPO} those of its logarithm.
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
     * Sets whose probability the ratio divides by.
     *
     * @param behaviour the sampling policy, or a certain expert
     * @return this
     */
    public Builder behaviour(Behaviour behaviour) {
      this.behaviour = behaviour;
      return this;
    }

    /**
     * Sets what the ratio is of.
     *
     * @param level a token or its sequence
     * @return this
     */
    public Builder ratioLevel(RatioLevel level) {
      this.ratioLevel = level;
      return this;
    }

    /**
     * Sets the function of {@link PolicyLoss#RESHAPED}.
     *
     * @param reshape the function
     * @param parameter its g, finite, above 0
     * @return this
     */
    public Builder reshape(Reshape reshape, float parameter) {
      this.reshaping = new Reshaping(reshape, parameter, reshaping.low(), reshaping.high());
      return this;
    }

    /**
     * Bounds the function of {@link PolicyLoss#RESHAPED}.
     *
     * @param low -inf for no bound
     * @param high at least low; +inf for no bound
     * @return this
     */
    public Builder reshapeBounds(float low, float high) {
      this.reshaping = new Reshaping(reshaping.reshape(), reshaping.parameter(), low, high);
      return this;
    }

    /**
     * Drops tokens that the policy is sure of from the policy term.
     *
     * @param bound above 0: the largest probability that stays; +inf for no bound
     * @return this
     */
    public Builder maxProbability(float bound) {
      this.maxProbability = bound;
      return this;
    }

    /**
     * Drops sequences of negative advantage that the policy has left from the policy term.
     *
     * @param bound the largest mean of {@code oldLogp - logp} that stays; +inf for no bound
     * @return this
     */
    public Builder offPolicyThreshold(float bound) {
      this.offPolicyThreshold = bound;
      return this;
    }

    /**
     * Sets the temperatures of {@link PolicyLoss#SAPO}.
     *
     * @param positive where the advantage is above 0; finite, above 0
     * @param negative elsewhere; finite, above 0
     * @return this
     */
    public Builder sapo(float positive, float negative) {
      this.sapo = new Sapo(positive, negative);
      return this;
    }

    /**
     * Sets the shape of {@link PolicyLoss#VESPO}.
     *
     * @param positiveK k where the advantage is at least 0; finite
     * @param positiveLambda lambda there; finite
     * @param negativeK k elsewhere; finite
     * @param negativeLambda lambda elsewhere; finite
     * @return this
     */
    public Builder vespo(
        float positiveK, float positiveLambda, float negativeK, float negativeLambda) {
      this.vespo = new Vespo(positiveK, positiveLambda, negativeK, negativeLambda);
      return this;
    }

    /**
     * Says whether the {@link Objective#correction()} applies to the policy term.
     *
     * @param applies whether it does
     * @return this
     */
    public Builder samplerCorrection(boolean applies) {
      this.samplerCorrection = applies;
      return this;
    }

    /**
     * Weighs the policy term by entropy.
     *
     * @param weighting the weight
     * @return this
     */
    public Builder policyWeighting(EntropyWeighting weighting) {
      this.policyWeighting = weighting;
      return this;
    }

    /**
     * Keeps the policy term of tokens with a high entropy.
     *
     * @param selection which tokens keep it
     * @return this
     */
    public Builder selection(EntropySelection selection) {
      this.selection = selection;
      return this;
    }

    /**
     * Treats tokens of high covariance apart.
     *
     * @param covariance how
     * @return this
     */
    public Builder covariance(Covariance covariance) {
      this.covariance = covariance;
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
     * Weighs the negative log-likelihood by entropy.
     *
     * @param weighting the weight
     * @return this
     */
    public Builder nllWeighting(EntropyWeighting weighting) {
      this.nllWeighting = weighting;
      return this;
    }

    /**
     * Weighs the negative log-likelihood by the token's own probability.
     *
     * @param weighting the weight
     * @return this
     */
    public Builder nllProbabilityWeighting(ProbabilityWeighting weighting) {
      this.nllProbabilityWeighting = weighting;
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
     * Sets how the KL estimate enters the loss.
     *
     * @param form as it is, times the importance ratio, or with another gradient
     * @return this
     */
    public Builder klForm(KlForm form) {
      this.klForm = form;
      return this;
    }

    /**
     * Clamps the KL term, with gradient 0 outside. verl's low_var_kl has 20 and 10.
     *
     * @param log above 0: of {@code |logp - referenceLogp|}; +inf for no limit
     * @param value above 0: of the absolute value; +inf for no limit
     * @return this
     */
    public Builder klLimits(float log, float value) {
      this.klLogLimit = log;
      this.klValueLimit = value;
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
     * @throws IllegalArgumentException if a number is out of range or NaN, or if the policy loss
     *     has a coefficient and is {@link PolicyLoss#NONE}
     */
    public Rule build() {
      return new Rule(
          new PolicyTerm(
              policyLoss,
              policy,
              clipLow,
              clipHigh,
              dualClip,
              logRatioLimit,
              behaviour,
              ratioLevel,
              reshaping,
              maxProbability,
              offPolicyThreshold,
              sapo,
              vespo,
              samplerCorrection,
              policyWeighting,
              selection,
              covariance),
          new NllTerm(nll, nllWeighting, nllProbabilityWeighting),
          new KlTerm(kl, klEstimator, klForm, klLogLimit, klValueLimit),
          entropy);
    }
  }
}
