package org.plait.recipe;

/**
 * DAPO's soft punishment of responses that come near the length limit (Yu et al. 2025,
 * arXiv:2503.14476, equation 13; verl's {@code reward_manager/dapo.py}), added to the reward:
 *
 * <pre>{@code
 * penalty(length) = min(-(length - (maxLength - buffer)) / buffer * factor, 0)
 * }</pre>
 *
 * <p>So it is 0 up to {@code maxLength - buffer} and falls linearly to {@code -factor} at the
 * limit. Beyond the limit it stays there, as in the paper. Immutable and thread-safe.
 *
 * @param maxLength limit of a response in tokens, at least 1
 * @param buffer the last tokens before the limit, which cost something; from 1 to maxLength
 * @param factor what the last one costs; finite, at least 0
 */
public record OverlongPenalty(int maxLength, int buffer, double factor) {
  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public OverlongPenalty {
    Checks.that(maxLength >= 1, "maxLength", "at least 1", maxLength);
    Checks.that(
        buffer >= 1 && buffer <= maxLength, "buffer", "1 to maxLength = " + maxLength, buffer);
    Checks.that(
        factor >= 0 && factor < Double.POSITIVE_INFINITY,
        "factor",
        "a finite number of at least 0",
        factor);
  }

  /**
   * The paper's: 20480 tokens, the last 4096 of them for 1.
   *
   * @return the penalty
   */
  public static OverlongPenalty dapo() {
    return new OverlongPenalty(20480, 4096, 1);
  }

  /**
   * Returns what to add to the reward of a response.
   *
   * @param length its tokens, at least 0
   * @return from -factor to 0
   * @throws IllegalArgumentException if the length is negative
   */
  public float of(int length) {
    Checks.that(length >= 0, "length", "at least 0", length);
    int exceeded = Math.min(length, maxLength) - (maxLength - buffer);
    return exceeded <= 0 ? 0 : (float) (-exceeded / (double) buffer * factor);
  }
}
