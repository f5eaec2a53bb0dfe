package org.plait;

import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A training objective as data: a {@link Rule} for each {@link Role} that is not ignored. Start
 * from a preset, or from {@link #builder()}:
 *
 * <pre>{@code
 * Objective objective =
 *     Objective.grpo().toBuilder().clip(0.2f, 0.28f).kl(KlEstimator.K3, 1e-3f).build();
 * }</pre>
 *
 * <p>Immutable and thread-safe. Passing the same object to every call saves packing it again.
 *
 * @param rollout rule of {@link Role#ROLLOUT}
 * @param demonstration rule of {@link Role#DEMONSTRATION}
 * @param hint rule of {@link Role#HINT}
 */
public record Objective(Rule rollout, Rule demonstration, Rule hint) {
  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if a rule is null
   */
  public Objective {
    Objects.requireNonNull(rollout, "rollout");
    Objects.requireNonNull(demonstration, "demonstration");
    Objects.requireNonNull(hint, "hint");
  }

  /**
   * Supervised fine-tuning: the mean negative log-likelihood of all tokens, whatever their role.
   *
   * @return the objective
   */
  public static Objective sft() {
    Rule nll = Rule.builder().nll(Term.of(1)).build();
    return new Objective(nll, nll, nll);
  }

  /**
   * REINFORCE (Williams 1992): mean of {@code -advantage * logp} over rollout tokens.
   *
   * @return the objective
   */
  public static Objective reinforce() {
    return ofRollouts(Rule.builder().policy(PolicyLoss.REINFORCE, Term.of(1)));
  }

  /**
   * PPO's clipped surrogate (Schulman et al. 2017, arXiv:1707.06347): clip 0.2, mean over tokens.
   *
   * @return the objective
   */
  public static Objective ppo() {
    return ofRollouts(Rule.builder().policy(PolicyLoss.CLIP, Term.of(1)).clip(0.2f, 0.2f));
  }

  /**
   * GRPO (Shao et al. 2024, arXiv:2402.03300): clip 0.2, dual clip 3, mean over the tokens of a
   * sequence and then over sequences. Without a KL term, as it is mostly trained today; add {@code
   * kl(KlEstimator.K3, 0.04f)} for the paper's.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective grpo() {
    Term mean = Term.of(1).withAggregation(Aggregation.SEQ_MEAN_TOKEN_MEAN);
    return ofRollouts(Rule.builder().policy(PolicyLoss.CLIP, mean).clip(0.2f, 0.2f).dualClip(3));
  }

  /**
   * DAPO (Yu et al. 2025, arXiv:2503.14476): clip 0.2 below and 0.28 above, dual clip 10, mean over
   * tokens.
   *
   * @return the objective; advantages come from {@link GroupAdvantage#grpo()}
   */
  public static Objective dapo() {
    return ofRollouts(
        Rule.builder().policy(PolicyLoss.CLIP, Term.of(1)).clip(0.2f, 0.28f).dualClip(10));
  }

  /**
   * Dr.GRPO (Liu et al. 2025, arXiv:2503.20783) in verl's scaling: clip 0.2, sum over all tokens by
   * a constant length. The authors' code divides by the number of sequences too: {@link
   * Aggregation#SEQ_MEAN_CONSTANT_LENGTH}.
   *
   * @return the objective; needs {@link Normalizers#withLength}, and advantages from {@link
   *     GroupAdvantage#drGrpo()}
   */
  public static Objective drGrpo() {
    Term sum = Term.of(1).withAggregation(Aggregation.CONSTANT_LENGTH);
    return ofRollouts(Rule.builder().policy(PolicyLoss.CLIP, sum).clip(0.2f, 0.2f));
  }

  private static Objective ofRollouts(Rule.Builder rollout) {
    return new Objective(rollout.build(), Rule.NONE, Rule.NONE);
  }

  /**
   * Starts with {@link Rule#NONE} for every role.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder(new Objective(Rule.NONE, Rule.NONE, Rule.NONE));
  }

  /**
   * Starts with this objective.
   *
   * @return a builder that builds an equal objective if nothing is changed
   */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /**
   * Returns the rule of a role.
   *
   * @param role a role
   * @return its rule; {@link Rule#NONE} for ignored tokens
   */
  public Rule rule(Role role) {
    return switch (role) {
      case IGNORED -> Rule.NONE;
      case ROLLOUT -> rollout;
      case DEMONSTRATION -> demonstration;
      case HINT -> hint;
    };
  }

  /**
   * Builds {@link Objective}s. The shortcuts ({@link #clip} and what follows it) change the rules
   * that they make sense for and fail if there are none, so set rules first. Confined to one
   * thread.
   */
  public static final class Builder {
    private Objective objective;

    private Builder(Objective objective) {
      this.objective = objective;
    }

    /**
     * Sets the rule of rollout tokens.
     *
     * @param rule the rule
     * @return this
     */
    public Builder rollout(Rule rule) {
      objective = new Objective(rule, objective.demonstration, objective.hint);
      return this;
    }

    /**
     * Sets the rule of demonstration tokens.
     *
     * @param rule the rule
     * @return this
     */
    public Builder demonstration(Rule rule) {
      objective = new Objective(objective.rollout, rule, objective.hint);
      return this;
    }

    /**
     * Sets the rule of hint tokens.
     *
     * @param rule the rule
     * @return this
     */
    public Builder hint(Rule rule) {
      objective = new Objective(objective.rollout, objective.demonstration, rule);
      return this;
    }

    /**
     * Sets the bounds of the ratio in every rule whose policy loss is {@link PolicyLoss#CLIP}.
     *
     * @param low at least 0: clip below {@code 1 - low}; +inf for no bound
     * @param high at least 0: clip above {@code 1 + high}; +inf for no bound
     * @return this
     * @throws IllegalArgumentException if a bound is negative or NaN, or no rule clips
     */
    public Builder clip(float low, float high) {
      return change("clip", Builder::clips, rule -> rule.toBuilder().clip(low, high).build());
    }

    /**
     * Sets the dual clip in every rule whose policy loss is {@link PolicyLoss#CLIP}.
     *
     * @param bound above 1; +inf for no bound
     * @return this
     * @throws IllegalArgumentException if the bound is not above 1, or no rule clips
     */
    public Builder dualClip(float bound) {
      return change("dualClip", Builder::clips, rule -> rule.toBuilder().dualClip(bound).build());
    }

    /**
     * Clamps the log-ratio in every rule with a policy loss.
     *
     * @param limit above 0; +inf for no limit
     * @return this
     * @throws IllegalArgumentException if the limit is not above 0, or no rule has a policy loss
     */
    public Builder logRatioLimit(float limit) {
      return change(
          "logRatioLimit",
          Rule::hasPolicyLoss,
          rule -> rule.toBuilder().logRatioLimit(limit).build());
    }

    /**
     * Sets a KL term, aggregated like the rule's main term, in every rule with a policy loss, or
     * where there is none in every rule with a negative log-likelihood.
     *
     * @param estimator how KL is estimated
     * @param coefficient finite, at least 0
     * @return this
     * @throws IllegalArgumentException if the coefficient is out of range, or no rule has such a
     *     term
     */
    public Builder kl(KlEstimator estimator, float coefficient) {
      return change(
          "kl",
          regularised(),
          rule -> rule.toBuilder().kl(estimator, like(rule, coefficient)).build());
    }

    /**
     * Sets an entropy bonus, aggregated like the rule's main term, in every rule with a policy
     * loss, or where there is none in every rule with a negative log-likelihood.
     *
     * @param coefficient finite, at least 0
     * @return this
     * @throws IllegalArgumentException if the coefficient is out of range, or no rule has such a
     *     term
     */
    public Builder entropyBonus(float coefficient) {
      return change(
          "entropyBonus",
          regularised(),
          rule -> rule.toBuilder().entropy(like(rule, coefficient)).build());
    }

    /**
     * Sets the aggregation of every term.
     *
     * @param aggregation how weights are formed
     * @return this
     * @throws IllegalArgumentException if no rule has a term
     */
    public Builder aggregation(Aggregation aggregation) {
      return change(
          "aggregation",
          Rule::isOn,
          rule ->
              rule.toBuilder()
                  .policy(rule.policyLoss(), rule.policy().withAggregation(aggregation))
                  .nll(rule.nll().withAggregation(aggregation))
                  .kl(rule.klEstimator(), rule.kl().withAggregation(aggregation))
                  .entropy(rule.entropy().withAggregation(aggregation))
                  .build());
    }

    /**
     * Builds the objective.
     *
     * @return an immutable objective
     * @throws IllegalArgumentException if no rule has a term, so that there is nothing to train on
     */
    public Objective build() {
      if (!objective.rollout.isOn() && !objective.demonstration.isOn() && !objective.hint.isOn()) {
        throw new IllegalArgumentException(
            "objective: expected a rule with a coefficient above 0, got none");
      }
      return objective;
    }

    private Builder change(String name, Predicate<Rule> which, UnaryOperator<Rule> how) {
      Objective before = objective;
      boolean rollout = which.test(before.rollout);
      boolean demonstration = which.test(before.demonstration);
      boolean hint = which.test(before.hint);
      if (!rollout && !demonstration && !hint) {
        throw new IllegalArgumentException(
            name + ": expected a rule that it applies to, got " + before);
      }
      objective =
          new Objective(
              rollout ? how.apply(before.rollout) : before.rollout,
              demonstration ? how.apply(before.demonstration) : before.demonstration,
              hint ? how.apply(before.hint) : before.hint);
      return this;
    }

    private Predicate<Rule> regularised() {
      boolean policy =
          objective.rollout.hasPolicyLoss()
              || objective.demonstration.hasPolicyLoss()
              || objective.hint.hasPolicyLoss();
      return policy ? Rule::hasPolicyLoss : rule -> rule.nll().isOn();
    }

    private static boolean clips(Rule rule) {
      return rule.policyLoss() == PolicyLoss.CLIP;
    }

    private static Term like(Rule rule, float coefficient) {
      Term main = rule.hasPolicyLoss() ? rule.policy() : rule.nll();
      return main.withCoefficient(coefficient);
    }
  }
}
