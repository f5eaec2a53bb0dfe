package org.plait.recipe;

import java.util.random.RandomGenerator;

/**
 * Draws from distributions. Everything rests on {@link RandomGenerator#nextDouble}, so that one
 * generator state gives the same draws on every JDK.
 */
final class Distributions {
  private Distributions() {}

  /** Uniform over 0 to {@code bound - 1}; off by less than bound / 2^53. */
  static int index(int bound, RandomGenerator random) {
    return (int) (random.nextDouble() * bound);
  }

  /** Successes in n trials, one draw each. */
  static int binomial(int n, double probability, RandomGenerator random) {
    int successes = 0;
    for (int i = 0; i < n; i++) {
      if (random.nextDouble() < probability) {
        successes++;
      }
    }
    return successes;
  }

  /** X / (X + Y) of two gamma variables, by their logarithms: tiny a and b underflow otherwise. */
  static double beta(double a, double b, RandomGenerator random) {
    if (a == 1 && b == 1) {
      return random.nextDouble();
    }
    double x = logGamma(a, random);
    double y = logGamma(b, random);
    return 1 / (1 + Math.exp(y - x));
  }

  /** Marsaglia and Tsang 2000; a shape below 1 by their U^(1/shape) rule. */
  private static double logGamma(double shape, RandomGenerator random) {
    if (shape < 1) {
      return logGamma(shape + 1, random) + Math.log(positive(random)) / shape;
    }
    double d = shape - 1.0 / 3;
    double c = 1 / Math.sqrt(9 * d);
    while (true) {
      double x = gaussian(random);
      double root = 1 + c * x;
      double v = root * root * root;
      if (v > 0 && Math.log(positive(random)) < x * x / 2 + d - d * v + d * Math.log(v)) {
        return Math.log(d * v);
      }
    }
  }

  /** Marsaglia's polar method. The second number is thrown away: keeping it would be state. */
  private static double gaussian(RandomGenerator random) {
    while (true) {
      double u = 2 * random.nextDouble() - 1;
      double v = 2 * random.nextDouble() - 1;
      double s = u * u + v * v;
      if (s > 0 && s < 1) {
        return u * Math.sqrt(-2 * Math.log(s) / s);
      }
    }
  }

  /** In (0, 1], for logarithms. */
  private static double positive(RandomGenerator random) {
    return 1 - random.nextDouble();
  }
}
