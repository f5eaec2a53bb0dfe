package org.plait;

import java.util.Objects;

/**
 * What {@link PolicyLoss#RESHAPED} makes of the importance ratio. Where {@code f(x)} leaves the
 * bounds it is held there and has no gradient; at a bound itself it has. Immutable and thread-safe.
 *
 * @param reshape the function f
 * @param parameter g of the function, finite, above 0
 * @param low bound below; -inf for none
 * @param high bound above, at least low; +inf for none
 */
public record Reshaping(Reshape reshape, float parameter, float low, float high) {
  /** LUFFY's {@code x / (x + 0.1)}, without bounds. */
  public static final Reshaping LUFFY = of(Reshape.RATIONAL, 0.1f);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is out of range or NaN
   */
  public Reshaping {
    Objects.requireNonNull(reshape, "reshape");
    Checks.finiteAboveZero("parameter", parameter);
    Checks.that(low <= high, "low", "at most high (" + high + ")", low);
  }

  /**
   * Makes a function without bounds.
   *
   * @param reshape the function f
   * @param parameter g of the function, finite, above 0
   * @return the reshaping
   */
  public static Reshaping of(Reshape reshape, float parameter) {
    return new Reshaping(reshape, parameter, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY);
  }
}
