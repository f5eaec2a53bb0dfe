package org.plait;

import java.util.Objects;

/**
 * The KL term of a {@link Rule} to the reference policy, with d = logp - referenceLogp. Immutable
 * and thread-safe.
 *
 * @param term its weight; above 0 it needs reference log-probabilities
 * @param estimator how the KL of a token is estimated
 * @param form how the estimate enters the loss
 * @param logLimit above 0: |d| is clamped to it, with gradient 0 outside; +inf for no limit
 * @param valueLimit above 0: the absolute value is clamped to it, with gradient 0 outside; +inf for
 *     no limit
 */
public record KlTerm(
    Term term, KlEstimator estimator, KlForm form, float logLimit, float valueLimit) {
  /** No KL term. */
  public static final KlTerm OFF =
      new KlTerm(
          Term.OFF, KlEstimator.K3, KlForm.PLAIN, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a limit is not above 0
   */
  public KlTerm {
    Objects.requireNonNull(term, "term");
    Objects.requireNonNull(estimator, "estimator");
    Objects.requireNonNull(form, "form");
    Checks.that(logLimit > 0, "logLimit", "above 0", logLimit);
    Checks.that(valueLimit > 0, "valueLimit", "above 0", valueLimit);
  }
}
