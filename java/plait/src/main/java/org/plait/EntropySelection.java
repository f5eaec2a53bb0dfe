package org.plait;

import java.util.Objects;

/**
 * Keeps the policy term of the tokens with the highest entropy: of the n tokens of the role in the
 * scope all but {@code floor(drop * n)}, computed in float32. Of equal entropies the earlier token
 * is kept, and NaN ranks below every number. Prefix-RFT (Huang et al. 2025, arXiv:2507.01679),
 * top-entropy masks. Immutable and thread-safe.
 *
 * @param scope {@link Scope#NONE}, {@link Scope#SEQUENCE} or {@link Scope#BATCH}
 * @param drop the share that loses its policy term, in [0, 1)
 */
public record EntropySelection(Scope scope, float drop) {
  /** Keeps every token. */
  public static final EntropySelection NONE = new EntropySelection(Scope.NONE, 0);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if the share is out of range or NaN, or the scope is a token
   */
  public EntropySelection {
    Objects.requireNonNull(scope, "scope");
    if (scope == Scope.TOKEN) {
      throw new IllegalArgumentException("scope: expected NONE, SEQUENCE or BATCH, got TOKEN");
    }
    Checks.that(drop >= 0 && drop < 1, "drop", "a fraction in [0, 1)", drop);
  }

  /**
   * Says whether tokens may be dropped.
   *
   * @return false if every token is kept
   */
  public boolean isOn() {
    return scope != Scope.NONE;
  }
}
