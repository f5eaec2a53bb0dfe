package org.plait.torture;

import java.util.SplittableRandom;

/** Random choices; the same seed makes the same ones. */
final class Draw {
  private final SplittableRandom random;

  Draw(long seed) {
    random = new SplittableRandom(seed);
  }

  SplittableRandom random() {
    return random;
  }

  /** True once in {@code n} times. */
  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  /** From 0 to {@code bound - 1}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  float real(double from, double to) {
    return (float) random.nextDouble(from, to);
  }

  <E> E of(E[] values) {
    return values[random.nextInt(values.length)];
  }

  double[] reals(int count, double from, double to) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextDouble(from, to);
    }
    return values;
  }

  /** Negative numbers, as log-probabilities are, one in sixty of them infinite or NaN. */
  double[] logProbs(int count) {
    double[] values = reals(count, -6, -0.01);
    for (int i = 0; i < count; i++) {
      if (oneIn(60)) {
        values[i] = oneIn(2) ? Double.NEGATIVE_INFINITY : Double.NaN;
      }
    }
    return values;
  }
}
