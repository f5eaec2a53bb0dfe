package org.plait.lab.oracle;

/**
 * A sum, and the sum of the absolute values of its terms: what a rounding error of the sum is
 * relative to.
 */
public final class Sum {
  private double value;
  private double magnitude;

  void add(double term) {
    value += term;
    magnitude += Math.abs(term);
  }

  /** The sum. */
  public double value() {
    return value;
  }

  /** The sum of the absolute values. */
  public double magnitude() {
    return magnitude;
  }
}
