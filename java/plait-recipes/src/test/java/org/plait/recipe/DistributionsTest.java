package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class DistributionsTest {
  private static final int DRAWS = 40_000;

  @Test
  void betaHasItsMeanAndVariance() {
    double[][] shapes = {{1, 1}, {2, 5}, {5, 2}, {0.5, 0.5}, {1, 3}, {0.3, 4}, {50, 50}};
    for (double[] shape : shapes) {
      double a = shape[0];
      double b = shape[1];
      SplitMix64 random = new SplitMix64(17);
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < DRAWS; i++) {
        double draw = Distributions.beta(a, b, random);
        sum += draw;
        squares += draw * draw;
      }
      double mean = sum / DRAWS;
      double variance = a * b / ((a + b) * (a + b) * (a + b + 1));
      double error = Math.sqrt(variance / DRAWS);
      assertEquals(a / (a + b), mean, 6 * error, "mean of Beta(" + a + ", " + b + ")");
      assertEquals(
          1, (squares / DRAWS - mean * mean) / variance, 0.1, "of Beta(" + a + ", " + b + ")");
    }
  }

  @Test
  void betaOfTinyShapesIsZeroOrOneButNeverNaN() {
    SplitMix64 random = new SplitMix64(3);
    int high = 0;
    for (int i = 0; i < 2000; i++) {
      double draw = Distributions.beta(1e-3, 1e-3, random);
      assertTrue(draw >= 0 && draw <= 1);
      high += draw > 0.5 ? 1 : 0;
    }
    assertEquals(1000, high, 150);
  }

  @Test
  void indexReachesEveryValueAndNoOther() {
    SplitMix64 random = new SplitMix64(4);
    int[] counts = new int[7];
    for (int i = 0; i < 70_000; i++) {
      counts[Distributions.index(7, random)]++;
    }
    for (int count : counts) {
      assertEquals(10_000, count, 600);
    }
    RandomGenerator most = () -> -1L;
    assertEquals(Integer.MAX_VALUE - 1, Distributions.index(Integer.MAX_VALUE, most));
  }

  @Test
  void binomialOfZeroAndOneIsCertain() {
    SplitMix64 random = new SplitMix64(5);
    for (int i = 0; i < 100; i++) {
      assertEquals(0, Distributions.binomial(5, 0, random));
      assertEquals(5, Distributions.binomial(5, 1, random));
    }
  }
}
