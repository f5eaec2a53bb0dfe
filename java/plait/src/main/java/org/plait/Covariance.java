package org.plait;

import java.util.Objects;

/**
 * Treats the tokens apart whose {@code (A - mean A) (logp - mean logp)} is high, where means are
 * over the role's N tokens in the call (Cui et al. 2025, arXiv:2505.22617). Immutable and
 * thread-safe.
 *
 * @param kind what happens to them
 * @param seed draws the tokens of {@link CovarianceKind#CLIP} by their ordinals among the role's
 *     tokens in the call, which padding does not change
 * @param fraction in (0, 1]: at most {@code max(1, floor(fraction * N))} tokens are treated
 * @param low clipping takes unclipped tokens whose covariance is above it; -inf for no bound
 * @param high and below it; +inf for no bound
 * @param coefficient finite, at least 0: of the penalty of {@link CovarianceKind#KL}
 */
public record Covariance(
    CovarianceKind kind, int seed, float fraction, float low, float high, float coefficient) {

  /** Treats every token alike. */
  public static final Covariance NONE =
      new Covariance(
          CovarianceKind.NONE, 0, 1, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 0);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is out of range or NaN
   */
  public Covariance {
    Objects.requireNonNull(kind, "kind");
    Checks.that(fraction > 0 && fraction <= 1, "fraction", "a number in (0, 1]", fraction);
    Checks.that(low <= high, "low", "at most high (" + high + ")", low);
    Checks.finiteAtLeastZero("coefficient", coefficient);
  }

  /**
   * Clip-Cov: tokens drawn from those with a covariance between two bounds lose their policy term.
   *
   * @param seed of the draw; pass a new one with every step
   * @param fraction in (0, 1]; the paper's is 2e-4
   * @param low bound below; the paper's is 1
   * @param high bound above; the paper's is 5
   * @return the treatment
   */
  public static Covariance clip(int seed, float fraction, float low, float high) {
    return new Covariance(CovarianceKind.CLIP, seed, fraction, low, high, 0);
  }

  /**
   * KL-Cov: the tokens with the highest covariance get {@code coefficient * |logp - oldLogp|}.
   *
   * @param fraction in (0, 1]; the paper's is 2e-4
   * @param coefficient finite, at least 0; the paper's is 1
   * @return the treatment
   */
  public static Covariance kl(float fraction, float coefficient) {
    return new Covariance(
        CovarianceKind.KL,
        0,
        fraction,
        Float.NEGATIVE_INFINITY,
        Float.POSITIVE_INFINITY,
        coefficient);
  }
}
