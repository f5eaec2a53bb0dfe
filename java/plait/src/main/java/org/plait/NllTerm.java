package org.plait;

import java.util.Objects;

/**
 * The negative log-likelihood of a {@link Rule}: SFT. Immutable and thread-safe.
 *
 * @param term its weight
 * @param weighting a further weight by entropy
 * @param probabilityWeighting a further weight by the token's own probability
 */
public record NllTerm(
    Term term, EntropyWeighting weighting, ProbabilityWeighting probabilityWeighting) {
  /** No negative log-likelihood. */
  public static final NllTerm OFF =
      new NllTerm(Term.OFF, EntropyWeighting.NONE, ProbabilityWeighting.NONE);

  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if one is null
   */
  public NllTerm {
    Objects.requireNonNull(term, "term");
    Objects.requireNonNull(weighting, "weighting");
    Objects.requireNonNull(probabilityWeighting, "probabilityWeighting");
  }
}
