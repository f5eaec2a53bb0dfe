package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The definition of the logits kernels is itself checked, against hand-made values and finite
 * differences.
 */
class RowOracleTest {

  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float[] ROW = {0.5f, -1.25f, 2, 0.75f, -3, 1.5f, 2.25f};

  private static RowOracle.Statistics of(float[] x, long target, double temperature) {
    return RowOracle.statistics(x, 0, x.length, target, temperature);
  }

  @Test
  void equalLogitsHaveTheEntropyOfAUniformChoice() {
    RowOracle.Statistics row = of(new float[] {3, 3, 3, 3}, 1, 0.5);
    assertEquals(Math.log(4), row.entropy(), 1e-15);
    assertEquals(-Math.log(4), row.logProb(), 1e-15);
    assertEquals(6 + Math.log(4), row.logSumExp(), 1e-15);
  }

  @Test
  void twoLogitsGiveTheLogisticFunction() {
    RowOracle.Statistics row = of(new float[] {0, 2}, 0, 1);
    double p = 1 / (1 + Math.exp(2));
    assertEquals(Math.log(p), row.logProb(), 1e-15);
    assertEquals(-p * Math.log(p) - (1 - p) * Math.log(1 - p), row.entropy(), 1e-15);
  }

  @Test
  void aCommonOffsetChangesNothingButTheLogSumExp() {
    float[] shifted = ROW.clone();
    for (int j = 0; j < shifted.length; j++) {
      shifted[j] += 8192; // exact
    }
    assertEquals(of(ROW, 2, 1).logProb(), of(shifted, 2, 1).logProb(), 1e-15);
    assertEquals(of(ROW, 2, 1).entropy(), of(shifted, 2, 1).entropy(), 1e-15);
    assertEquals(of(ROW, 2, 1).logSumExp() + 8192, of(shifted, 2, 1).logSumExp(), 1e-11);
  }

  @ParameterizedTest
  @CsvSource({"1, -0.7, 0", "1, 1.3, 0.4", "0.6, -2, 0.1", "2, 0, -0.5"})
  void theGradientIsThatOfFiniteDifferences(double temperature, double c, double h) {
    // The loss in plain float64, since the oracle's rows are float32.
    int target = 3;
    double[] gradient = new double[ROW.length];
    RowOracle.gradient(ROW, 0, ROW.length, target, temperature, c, h, gradient);
    double step = 1e-5;
    for (int j = 0; j < ROW.length; j++) {
      double high = loss(j, step, target, temperature, c, h);
      double low = loss(j, -step, target, temperature, c, h);
      assertEquals((high - low) / (2 * step), gradient[j], 1e-9, "entry " + j);
      assertTrue(gradient[j] != 0);
    }
  }

  private static double loss(
      int moved, double by, int target, double temperature, double c, double h) {
    double[] z = new double[ROW.length];
    double sum = 0;
    for (int j = 0; j < z.length; j++) {
      z[j] = (ROW[j] + (j == moved ? by : 0)) / temperature;
      sum += Math.exp(z[j]);
    }
    double entropy = 0;
    for (double value : z) {
      entropy -= Math.exp(value) / sum * (value - Math.log(sum));
    }
    return c * (z[target] - Math.log(sum)) + h * entropy;
  }

  @Test
  void maskedEntriesTakeNoPart() {
    float[] masked = {0.5f, -INF, 2, -INF};
    float[] dense = {0.5f, 2};
    assertEquals(of(dense, 1, 1).entropy(), of(masked, 2, 1).entropy(), 1e-15);
    double[] gradient = new double[4];
    RowOracle.gradient(masked, 0, 4, 2, 1, -1, 0.5, gradient);
    double[] expected = new double[2];
    RowOracle.gradient(dense, 0, 2, 1, 1, -1, 0.5, expected);
    assertArrayEquals(new double[] {expected[0], 0, expected[1], 0}, gradient, 1e-15);
  }

  @Test
  void theOnlyFiniteEntryIsCertain() {
    float[] row = {-INF, 7, -INF};
    assertEquals(0, of(row, 1, 1).logProb());
    assertEquals(0, of(row, 1, 1).entropy());
    assertEquals(Double.NEGATIVE_INFINITY, of(row, 0, 1).logProb());
  }

  @Test
  void rowsWithoutAnAnswerAreNaN() {
    for (float[] row :
        List.of(
            new float[] {1, Float.NaN, 2},
            new float[] {1, INF, 2},
            new float[] {-INF, -INF, -INF})) {
      assertTrue(Double.isNaN(of(row, 0, 1).logProb()));
      assertTrue(Double.isNaN(of(row, 0, 1).entropy()));
      double[] gradient = new double[3];
      RowOracle.gradient(row, 0, 3, 0, 1, 1, 0, gradient);
      assertTrue(Arrays.stream(gradient).allMatch(Double::isNaN));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 7, Long.MIN_VALUE, Long.MAX_VALUE})
  void badTargetsGiveNaNAndAZeroGradient(long target) {
    assertTrue(Double.isNaN(of(ROW, target, 1).logProb()));
    double[] gradient = new double[ROW.length];
    Arrays.fill(gradient, 1);
    RowOracle.gradient(ROW, 0, ROW.length, target, 1, 1, 1, gradient);
    assertArrayEquals(new double[ROW.length], gradient);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void mergedShardsAreTheWholeRow(int parts) {
    double temperature = 0.8;
    List<RowOracle.Statistics> shards = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      int begin = ROW.length * i / parts;
      int end = ROW.length * (i + 1) / parts;
      shards.add(RowOracle.shard(ROW, begin, end - begin, begin, ROW.length, 4, temperature));
    }
    RowOracle.Statistics merged = RowOracle.merge(shards, temperature);
    RowOracle.Statistics whole = of(ROW, 4, temperature);
    assertEquals(whole.logProb(), merged.logProb(), 1e-14);
    assertEquals(whole.entropy(), merged.entropy(), 1e-14);
    assertEquals(whole.logSumExp(), merged.logSumExp(), 1e-14);
  }

  @Test
  void aShardOfNothingButMinusInfinityAddsNothing() {
    float[] row = {-INF, -INF, 1, 2};
    List<RowOracle.Statistics> shards =
        List.of(RowOracle.shard(row, 0, 2, 0, 4, 3, 1), RowOracle.shard(row, 2, 2, 2, 4, 3, 1));
    assertEquals(of(row, 3, 1).logProb(), RowOracle.merge(shards, 1).logProb(), 1e-15);
  }
}
