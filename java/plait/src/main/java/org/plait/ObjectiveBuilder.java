package org.plait;

import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Builds {@link Objective}s. The shortcuts ({@link #clip} and what follows it) change the rules
 * that they make sense for and fail if there are none, so set rules first. Those about the ratio
 * leave rules alone whose behaviour is {@link Behaviour#CERTAIN}. Confined to one thread.
 */
public final class ObjectiveBuilder {
  private Rule rollout;
  private Rule demonstration;
  private Rule hint;
  private SamplerCorrection correction;

  ObjectiveBuilder(Objective objective) {
    rollout = objective.rollout();
    demonstration = objective.demonstration();
    hint = objective.hint();
    correction = objective.correction();
  }

  /**
   * Sets the rule of rollout tokens.
   *
   * @param rule the rule
   * @return this
   */
  public ObjectiveBuilder rollout(Rule rule) {
    rollout = Objects.requireNonNull(rule, "rollout");
    return this;
  }

  /**
   * Changes the rule of rollout tokens: {@code rollout(rule -> rule.klLimits(20, 10))}.
   *
   * @param change what to do with a builder of the rule
   * @return this
   * @throws IllegalArgumentException if the changed rule makes no sense
   */
  public ObjectiveBuilder rollout(UnaryOperator<Rule.Builder> change) {
    rollout = change.apply(rollout.toBuilder()).build();
    return this;
  }

  /**
   * Sets the rule of demonstration tokens.
   *
   * @param rule the rule
   * @return this
   */
  public ObjectiveBuilder demonstration(Rule rule) {
    demonstration = Objects.requireNonNull(rule, "demonstration");
    return this;
  }

  /**
   * Changes the rule of demonstration tokens: {@code demonstration(rule ->
   * rule.reshape(Reshape.POWER, 0.5f))}.
   *
   * @param change what to do with a builder of the rule
   * @return this
   * @throws IllegalArgumentException if the changed rule makes no sense
   */
  public ObjectiveBuilder demonstration(UnaryOperator<Rule.Builder> change) {
    demonstration = change.apply(demonstration.toBuilder()).build();
    return this;
  }

  /**
   * Sets the rule of hint tokens.
   *
   * @param rule the rule
   * @return this
   */
  public ObjectiveBuilder hint(Rule rule) {
    hint = Objects.requireNonNull(rule, "hint");
    return this;
  }

  /**
   * Changes the rule of hint tokens: {@code hint(rule -> rule.selection(selection))}.
   *
   * @param change what to do with a builder of the rule
   * @return this
   * @throws IllegalArgumentException if the changed rule makes no sense
   */
  public ObjectiveBuilder hint(UnaryOperator<Rule.Builder> change) {
    hint = change.apply(hint.toBuilder()).build();
    return this;
  }

  /**
   * Sets the correction for the sampler, and that it applies to the policy term of rollouts.
   *
   * @param value the correction; {@link SamplerCorrection#NONE} switches it off
   * @return this
   * @throws IllegalArgumentException if rollouts have no policy loss
   */
  public ObjectiveBuilder correction(SamplerCorrection value) {
    Objects.requireNonNull(value, "correction");
    if (!rollout.hasPolicyLoss()) {
      throw unfit("correction");
    }
    rollout = rollout.toBuilder().samplerCorrection(value.isOn()).build();
    correction = value;
    return this;
  }

  /**
   * Sets the bounds of the ratio in every rule whose policy loss has them: {@link PolicyLoss#CLIP},
   * {@link PolicyLoss#CISPO} and {@link PolicyLoss#GMPO}.
   *
   * @param low at least 0: clip below {@code 1 - low}; +inf for no bound
   * @param high at least 0: clip above {@code 1 + high}; +inf for no bound
   * @return this
   * @throws IllegalArgumentException if a bound is negative or NaN, or no rule clips
   */
  public ObjectiveBuilder clip(float low, float high) {
    return change(
        "clip",
        rule -> hasRatio(rule) && clips(rule.policy().loss()),
        rule -> rule.toBuilder().clip(low, high).build());
  }

  /**
   * Sets the dual clip in every rule whose policy loss is {@link PolicyLoss#CLIP}.
   *
   * @param bound above 1; +inf for no bound
   * @return this
   * @throws IllegalArgumentException if the bound is not above 1, or no rule clips
   */
  public ObjectiveBuilder dualClip(float bound) {
    return change(
        "dualClip",
        rule -> hasRatio(rule) && rule.policy().loss() == PolicyLoss.CLIP,
        rule -> rule.toBuilder().dualClip(bound).build());
  }

  /**
   * Clamps the log-ratio in every rule with a policy loss.
   *
   * @param limit above 0; +inf for no limit
   * @return this
   * @throws IllegalArgumentException if the limit is not above 0, or no rule has a policy loss
   */
  public ObjectiveBuilder logRatioLimit(float limit) {
    return change(
        "logRatioLimit",
        ObjectiveBuilder::hasRatio,
        rule -> rule.toBuilder().logRatioLimit(limit).build());
  }

  /**
   * Sets what the ratio is of in every rule with a policy loss.
   *
   * @param level a token or its sequence
   * @return this
   * @throws IllegalArgumentException if no rule has a policy loss
   */
  public ObjectiveBuilder ratioLevel(RatioLevel level) {
    return change(
        "ratioLevel",
        ObjectiveBuilder::hasRatio,
        rule -> rule.toBuilder().ratioLevel(level).build());
  }

  /**
   * Sets a KL term, aggregated like the rule's main term, in every rule with a policy loss, or
   * where there is none in every rule with a negative log-likelihood.
   *
   * @param estimator how KL is estimated
   * @param coefficient finite, at least 0
   * @return this
   * @throws IllegalArgumentException if the coefficient is out of range, or no rule has such a term
   */
  public ObjectiveBuilder kl(KlEstimator estimator, float coefficient) {
    return change(
        "kl",
        regularised(),
        rule -> rule.toBuilder().kl(estimator, like(rule, coefficient)).build());
  }

  /**
   * As {@link #kl(KlEstimator, float)}, with an aggregation of its own.
   *
   * @param estimator how KL is estimated
   * @param term its weight
   * @return this
   * @throws IllegalArgumentException if no rule has such a term
   */
  public ObjectiveBuilder kl(KlEstimator estimator, Term term) {
    return change("kl", regularised(), rule -> rule.toBuilder().kl(estimator, term).build());
  }

  /**
   * Sets an entropy bonus, aggregated like the rule's main term, in every rule with a policy loss,
   * or where there is none in every rule with a negative log-likelihood.
   *
   * @param coefficient finite, at least 0
   * @return this
   * @throws IllegalArgumentException if the coefficient is out of range, or no rule has such a term
   */
  public ObjectiveBuilder entropyBonus(float coefficient) {
    return change(
        "entropyBonus",
        regularised(),
        rule -> rule.toBuilder().entropy(like(rule, coefficient)).build());
  }

  /**
   * As {@link #entropyBonus(float)}, with an aggregation of its own.
   *
   * @param term its weight
   * @return this
   * @throws IllegalArgumentException if no rule has such a term
   */
  public ObjectiveBuilder entropyBonus(Term term) {
    return change("entropyBonus", regularised(), rule -> rule.toBuilder().entropy(term).build());
  }

  /**
   * Sets the aggregation of every term.
   *
   * @param aggregation how weights are formed
   * @return this
   * @throws IllegalArgumentException if no rule has a term
   */
  public ObjectiveBuilder aggregation(Aggregation aggregation) {
    return change(
        "aggregation",
        Rule::isOn,
        rule ->
            rule.toBuilder()
                .policy(rule.policy().loss(), rule.policy().term().withAggregation(aggregation))
                .nll(rule.nll().term().withAggregation(aggregation))
                .kl(rule.kl().estimator(), rule.kl().term().withAggregation(aggregation))
                .entropy(rule.entropy().withAggregation(aggregation))
                .build());
  }

  /**
   * Builds the objective.
   *
   * @return an immutable objective
   * @throws IllegalArgumentException if no rule has a term, so that there is nothing to train on,
   *     or no rule takes the weights of the correction
   */
  public Objective build() {
    if (!rollout.isOn() && !demonstration.isOn() && !hint.isOn()) {
      throw new IllegalArgumentException(
          "objective: expected a rule with a coefficient above 0, got none");
    }
    boolean weighs =
        rollout.policy().samplerCorrection()
            || demonstration.policy().samplerCorrection()
            || hint.policy().samplerCorrection();
    if (correction.level() != CorrectionLevel.NONE && !weighs) {
      throw unfit("correction");
    }
    return new Objective(rollout, demonstration, hint, correction);
  }

  private ObjectiveBuilder change(String name, Predicate<Rule> which, UnaryOperator<Rule> how) {
    if (!which.test(rollout) && !which.test(demonstration) && !which.test(hint)) {
      throw unfit(name);
    }
    rollout = changed(rollout, which, how);
    demonstration = changed(demonstration, which, how);
    hint = changed(hint, which, how);
    return this;
  }

  private static Rule changed(Rule rule, Predicate<Rule> which, UnaryOperator<Rule> how) {
    return which.test(rule) ? how.apply(rule) : rule;
  }

  private IllegalArgumentException unfit(String name) {
    return new IllegalArgumentException(
        "%s: expected a rule that it applies to, got rollout=%s, demonstration=%s, hint=%s"
            .formatted(name, rollout, demonstration, hint));
  }

  private Predicate<Rule> regularised() {
    boolean policy =
        rollout.hasPolicyLoss() || demonstration.hasPolicyLoss() || hint.hasPolicyLoss();
    return policy ? Rule::hasPolicyLoss : rule -> rule.nll().term().isOn();
  }

  private static boolean hasRatio(Rule rule) {
    return rule.hasPolicyLoss() && rule.policy().behaviour() == Behaviour.OLD;
  }

  private static boolean clips(PolicyLoss loss) {
    return loss == PolicyLoss.CLIP || loss == PolicyLoss.CISPO || loss == PolicyLoss.GMPO;
  }

  private static Term like(Rule rule, float coefficient) {
    Term main = rule.hasPolicyLoss() ? rule.policy().term() : rule.nll().term();
    return main.withCoefficient(coefficient);
  }
}
