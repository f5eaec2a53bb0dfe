package org.plait.lab.compare;

import java.util.List;
import java.util.Locale;

/** A value over several seeds. */
record Spread(double mean, double min, double max) {

  static Spread of(List<Double> values) {
    double min = values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    double max = values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    double sum = values.stream().mapToDouble(Double::doubleValue).sum();
    // Rounding must not carry the mean of equal values away from them.
    return new Spread(Math.max(min, Math.min(max, sum / values.size())), min, max);
  }

  /** Whether every value of this one is above every value of the other. */
  boolean isAbove(Spread other) {
    return min > other.max;
  }

  /** The mean, and the range if there is one: {@code 24.1 (23.0 to 25.6)}. */
  String text(double scale, int decimals) {
    String low = number(scale * min, decimals);
    String high = number(scale * max, decimals);
    String middle = number(scale * mean, decimals);
    return low.equals(high) ? middle : "%s (%s to %s)".formatted(middle, low, high);
  }

  private static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
