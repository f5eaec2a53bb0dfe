package org.plait;

import java.util.Objects;

/**
 * A constant weight {@code sg(scale * exp(exponent * H))} on a term of a {@link Rule}, with H the
 * entropy of the token, or its mean over the tokens of the same role in the sequence. SRFT (Fu et
 * al. 2025, arXiv:2506.19767): {@code 0.5 exp(-H)} on demonstrations, {@code 0.1 exp(H)} on correct
 * rollouts. Immutable and thread-safe.
 *
 * @param scope {@link Scope#NONE}, {@link Scope#TOKEN} or {@link Scope#SEQUENCE}
 * @param scale finite, at least 0
 * @param exponent finite
 * @param positiveOnly whether tokens whose advantage is not above 0 have weight 1 instead
 */
public record EntropyWeighting(Scope scope, float scale, float exponent, boolean positiveOnly) {
  /** Weight 1. */
  public static final EntropyWeighting NONE = new EntropyWeighting(Scope.NONE, 1, 0, false);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is out of range or NaN, or the scope is the batch
   */
  public EntropyWeighting {
    Objects.requireNonNull(scope, "scope");
    if (scope == Scope.BATCH) {
      throw new IllegalArgumentException("scope: expected NONE, TOKEN or SEQUENCE, got BATCH");
    }
    Checks.finiteAtLeastZero("scale", scale);
    Checks.finite("exponent", exponent);
  }

  /**
   * Makes a weight for every token, whatever its advantage.
   *
   * @param scope whose entropy counts
   * @param scale finite, at least 0
   * @param exponent finite
   * @return the weighting
   */
  public static EntropyWeighting of(Scope scope, float scale, float exponent) {
    return new EntropyWeighting(scope, scale, exponent, false);
  }

  /**
   * Says whether there is a weight.
   *
   * @return false if it is 1 for every token
   */
  public boolean isOn() {
    return scope != Scope.NONE;
  }
}
