package org.plait;

/**
 * Temperatures of {@link PolicyLoss#SAPO}: how fast its gate closes as the ratio leaves 1.
 * Immutable and thread-safe.
 *
 * @param positive where the advantage is above 0; finite, above 0
 * @param negative elsewhere; finite, above 0
 */
public record Sapo(float positive, float negative) {
  /** 1 and 1.05, the paper's (arXiv:2511.20347). */
  public static final Sapo DEFAULT = new Sapo(1, 1.05f);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a temperature is out of range or NaN
   */
  public Sapo {
    Checks.finiteAboveZero("positive", positive);
    Checks.finiteAboveZero("negative", negative);
  }
}
