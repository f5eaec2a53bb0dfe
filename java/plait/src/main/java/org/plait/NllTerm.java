package org.plait;

import java.util.Objects;

/**
 * The negative log-likelihood of a {@link Rule}: SFT. Immutable and thread-safe.
 *
 * @param term its weight
 * @param weighting a further weight by entropy
 */
public record NllTerm(Term term, EntropyWeighting weighting) {
  /** No negative log-likelihood. */
  public static final NllTerm OFF = new NllTerm(Term.OFF, EntropyWeighting.NONE);

  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if one is null
   */
  public NllTerm {
    Objects.requireNonNull(term, "term");
    Objects.requireNonNull(weighting, "weighting");
  }
}
