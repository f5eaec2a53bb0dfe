package org.plait;

import java.util.Objects;

/**
 * The policy-gradient term of a {@link Rule}. What the loss does not look at has no effect.
 * Immutable and thread-safe.
 *
 * @param loss the kind of loss; any but {@link PolicyLoss#NONE} needs advantages, unless the
 *     coefficient is 0
 * @param term its weight
 * @param clipLow at least 0: a ratio below {@code 1 - clipLow} is clipped; +inf for no bound
 * @param clipHigh at least 0: a ratio above {@code 1 + clipHigh} is clipped; +inf for no bound
 * @param dualClip above 1: where the advantage is negative the loss is at most {@code -dualClip *
 *     advantage}; +inf for no bound
 * @param logRatioLimit above 0: the absolute log-ratio is clamped to it, with gradient 0 outside;
 *     +inf for no limit
 * @param behaviour whose probability the ratio divides by
 * @param ratioLevel what the ratio is of
 * @param reshaping of {@link PolicyLoss#RESHAPED}
 * @param maxProbability above 0: tokens whose probability is above it lose this term; +inf for none
 * @param offPolicyThreshold sequences with a negative advantage whose mean of {@code oldLogp -
 *     logp} is above it lose this term (DeepSeek-V3.2); +inf for none
 * @param sapo of {@link PolicyLoss#SAPO}
 * @param vespo of {@link PolicyLoss#VESPO}
 * @param samplerCorrection whether the {@link Objective#correction()} applies
 * @param weighting a further weight by entropy
 * @param selection which tokens keep this term by their entropy
 * @param covariance which tokens are treated apart
 */
public record PolicyTerm(
    PolicyLoss loss,
    Term term,
    float clipLow,
    float clipHigh,
    float dualClip,
    float logRatioLimit,
    Behaviour behaviour,
    RatioLevel ratioLevel,
    Reshaping reshaping,
    float maxProbability,
    float offPolicyThreshold,
    Sapo sapo,
    Vespo vespo,
    boolean samplerCorrection,
    EntropyWeighting weighting,
    EntropySelection selection,
    Covariance covariance) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a bound is out of range or NaN, or if the term has a
   *     coefficient and the loss is {@link PolicyLoss#NONE}
   */
  public PolicyTerm {
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(term, "term");
    Objects.requireNonNull(behaviour, "behaviour");
    Objects.requireNonNull(ratioLevel, "ratioLevel");
    Objects.requireNonNull(reshaping, "reshaping");
    Objects.requireNonNull(sapo, "sapo");
    Objects.requireNonNull(vespo, "vespo");
    Objects.requireNonNull(weighting, "weighting");
    Objects.requireNonNull(selection, "selection");
    Objects.requireNonNull(covariance, "covariance");
    Checks.that(clipLow >= 0, "clipLow", "at least 0", clipLow);
    Checks.that(clipHigh >= 0, "clipHigh", "at least 0", clipHigh);
    Checks.that(dualClip > 1, "dualClip", "above 1", dualClip);
    Checks.that(logRatioLimit > 0, "logRatioLimit", "above 0", logRatioLimit);
    Checks.that(maxProbability > 0, "maxProbability", "above 0", maxProbability);
    Checks.notNaN("offPolicyThreshold", offPolicyThreshold);
    Checks.that(
        loss != PolicyLoss.NONE || !term.isOn(),
        "policy",
        "coefficient 0 where the loss is NONE",
        term.coefficient());
  }

  /**
   * Says whether the term has a loss and a coefficient above 0.
   *
   * @return true if tokens need an advantage and count in the metrics of the ratio
   */
  public boolean isOn() {
    return loss != PolicyLoss.NONE && term.isOn();
  }
}
