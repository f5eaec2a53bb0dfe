package org.plait;

import java.util.Objects;

/**
 * One summand of a {@link Rule}: {@code loss += coefficient * w * value}, with the weight w of the
 * token from the aggregation. Immutable and thread-safe.
 *
 * @param coefficient finite, at least 0; 0 switches the term off
 * @param aggregation how the weight is formed
 * @param population which tokens the counts in the weight are over
 */
public record Term(float coefficient, Aggregation aggregation, Population population) {
  /** A term that contributes nothing. */
  public static final Term OFF = of(0);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if the coefficient is negative, infinite or NaN
   */
  public Term {
    Checks.that(
        coefficient >= 0 && coefficient < Float.POSITIVE_INFINITY,
        "coefficient",
        "a finite number of at least 0",
        coefficient);
    Objects.requireNonNull(aggregation, "aggregation");
    Objects.requireNonNull(population, "population");
  }

  /**
   * Makes a mean over all tokens.
   *
   * @param coefficient finite, at least 0
   * @return a term with {@link Aggregation#TOKEN_MEAN} over {@link Population#ALL_TOKENS}
   */
  public static Term of(float coefficient) {
    return new Term(coefficient, Aggregation.TOKEN_MEAN, Population.ALL_TOKENS);
  }

  /**
   * Changes the coefficient.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Term withCoefficient(float value) {
    return new Term(value, aggregation, population);
  }

  /**
   * Changes the aggregation.
   *
   * @param value how the weight is formed
   * @return a changed copy
   */
  public Term withAggregation(Aggregation value) {
    return new Term(coefficient, value, population);
  }

  /**
   * Changes the population.
   *
   * @param value which tokens the counts are over
   * @return a changed copy
   */
  public Term withPopulation(Population value) {
    return new Term(coefficient, aggregation, value);
  }

  /**
   * Says whether the term contributes.
   *
   * @return true unless the coefficient is 0
   */
  public boolean isOn() {
    return coefficient != 0;
  }
}
