package org.plait.lab.oracle;

/**
 * A sum, and the sum of the absolute values of its terms: what a rounding error of the sum is
 * relative to.
 */
public final class Sum {
  private double value;
  private double magnitude;

  void add(double term) {
    add(term, Math.abs(term));
  }

  /** Adds a term that is itself a sum of terms whose absolute values add up to a magnitude. */
  void add(double term, double termMagnitude) {
    value += term;
    magnitude += termMagnitude;
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
