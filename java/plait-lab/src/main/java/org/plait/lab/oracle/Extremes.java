package org.plait.lab.oracle;

/** The largest and the smallest of some numbers; NaN if one of them is. */
public final class Extremes {
  private double max = Double.NEGATIVE_INFINITY;
  private double min = Double.POSITIVE_INFINITY;
  private double magnitude;

  /** Adds a number that is a sum of terms whose absolute values add up to a magnitude. */
  void add(double value, double valueMagnitude) {
    max = Math.max(max, value);
    min = Math.min(min, value);
    magnitude = Math.max(magnitude, valueMagnitude);
  }

  /** The largest, -inf of none. */
  public double max() {
    return max;
  }

  /** The smallest, +inf of none. */
  public double min() {
    return min;
  }

  /** The largest magnitude: what a rounding error of either is relative to at most. */
  public double magnitude() {
    return magnitude;
  }
}
