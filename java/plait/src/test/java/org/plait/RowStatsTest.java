package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowStatsTest {
  private static final Backend CPU = Backend.cpu();
  private static final int T = 9;
  private static final int V = 301;
  private static final float TEMPERATURE = 1.7f;

  private final TensorView data = StepFixture.gaussian(5, T, V);
  private final TensorView targets = TensorView.copyOf(0L, 300, 17, 99, 100, 101, 255, 256, 1);

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void statisticsAreThoseOfTheSoftmax(DType dtype) {
    TensorView rounded = StepFixture.as(dtype, data);
    RowStats.Output out = RowStats.Output.allocate(T);
    Logits logits = Logits.builder(rounded, targets).temperature(TEMPERATURE).build();
    assertEquals(0, RowStats.compute(CPU, logits, out));
    for (int t = 0; t < T; t++) {
      double sum = 0;
      double weighted = 0;
      for (int j = 0; j < V; j++) {
        double z = rounded.getFloat((long) t * V + j) / (double) TEMPERATURE;
        sum += Math.exp(z);
        weighted += Math.exp(z) * z;
      }
      double logSumExp = Math.log(sum);
      double target = rounded.getFloat((long) t * V + targets.getLong(t)) / (double) TEMPERATURE;
      assertEquals(logSumExp, requireNonNull(out.logSumExp()).getFloat(t), 2e-6);
      assertEquals(target - logSumExp, requireNonNull(out.logProbs()).getFloat(t), 4e-6);
      assertEquals(logSumExp - weighted / sum, requireNonNull(out.entropy()).getFloat(t), 4e-6);
      assertTrue(requireNonNull(out.entropy()).getFloat(t) > 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void shardsOfTheVocabularyMergeIntoTheWhole(int parts) {
    RowStats.Output whole = RowStats.Output.allocate(T);
    RowStats.compute(CPU, Logits.builder(data, targets).temperature(TEMPERATURE).build(), whole);
    TensorView states = TensorView.allocate(DType.FLOAT32, (long) parts * T, 4);
    for (int i = 0; i < parts; i++) {
      int from = i * V / parts;
      int to = (i + 1) * V / parts;
      RowStats.compute(
          CPU,
          Logits.builder(columns(from, to), targets)
              .temperature(TEMPERATURE)
              .shard(from, V)
              .build(),
          new RowStats.Output(null, null, null, states.rows((long) i * T, (i + 1L) * T)));
    }
    TensorView logProbs = TensorView.allocate(DType.FLOAT32, T);
    TensorView entropy = TensorView.allocate(DType.FLOAT32, T);
    RowStats.merge(
        CPU,
        states,
        parts,
        TEMPERATURE,
        new RowStats.Output(logProbs, entropy, null, states.rows(0, T)));
    assertArrayEquals(requireNonNull(whole.logProbs()).toFloats(), logProbs.toFloats(), 2e-6f);
    assertArrayEquals(requireNonNull(whole.entropy()).toFloats(), entropy.toFloats(), 2e-6f);
    float[] again = logProbs.toFloats();
    RowStats.merge(
        CPU,
        states.rows(0, T),
        1,
        StepFixture.filled(T, TEMPERATURE),
        new RowStats.Output(logProbs, null, null, null));
    assertArrayEquals(again, logProbs.toFloats(), 2e-6f, "merging one part changes nothing");
  }

  @Test
  void aTargetOutsideTheVocabularyIsCountedAndMakesItsRowNan() {
    TensorView bad = TensorView.copyOf(0L, -1, 17, V, 100, 101, Long.MIN_VALUE, 256, 1);
    RowStats.Output out = RowStats.Output.allocate(T);
    assertEquals(3, RowStats.compute(CPU, Logits.of(data, bad), out));
    for (int t = 0; t < T; t++) {
      boolean isBad = t == 1 || t == 3 || t == 6;
      assertEquals(isBad, Float.isNaN(requireNonNull(out.logProbs()).getFloat(t)), "token " + t);
    }
  }

  @Test
  void absentOutputsAreLeftOutAndAnEmptyBatchWorks() {
    RowStats.Output nothing = new RowStats.Output(null, null, null, null);
    assertEquals(0, RowStats.compute(CPU, Logits.of(data, targets), nothing));
    Logits empty =
        Logits.of(TensorView.allocate(DType.BFLOAT16, 0, V), TensorView.allocate(DType.INT32, 0));
    assertEquals(0, RowStats.compute(CPU, empty, RowStats.Output.allocate(0)));
  }

  private TensorView columns(int from, int to) {
    return TensorView.ofAddress(
        data.address() + 4L * from, DType.FLOAT32, new long[] {T, to - from}, V, -1, data);
  }
}
