package org.plait;

/**
 * Shape of the weight {@code exp(lambda + k log W - lambda W)} of {@link PolicyLoss#VESPO}.
 * Immutable and thread-safe.
 *
 * @param positiveK k where the advantage is at least 0; finite
 * @param positiveLambda lambda where the advantage is at least 0; finite
 * @param negativeK k elsewhere; finite
 * @param negativeLambda lambda elsewhere; finite
 */
public record Vespo(float positiveK, float positiveLambda, float negativeK, float negativeLambda) {
  /** (2, 3) and (3, 2), as in huggingface/trl. */
  public static final Vespo DEFAULT = new Vespo(2, 3, 3, 2);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is infinite or NaN
   */
  public Vespo {
    Checks.finite("positiveK", positiveK);
    Checks.finite("positiveLambda", positiveLambda);
    Checks.finite("negativeK", negativeK);
    Checks.finite("negativeLambda", negativeLambda);
  }
}
