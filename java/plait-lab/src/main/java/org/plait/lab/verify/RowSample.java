package org.plait.lab.verify;

import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.Logits;
import org.plait.TensorView;

/**
 * Rows of logits of one kind with all that the logits kernels take, as Java arrays for the oracle
 * and PyTorch; {@link #logits} gives the same to the kernels. Values are exact in {@code
 * precision}. The same arguments give the same rows.
 */
final class RowSample {

  final Scenario scenario;
  final Precision precision;
  final int rows;
  final int vocab;
  final float[] x;
  final long[] targets;
  final float[] temperatures;
  final float[] c;
  final float[] h;

  private RowSample(Scenario scenario, Precision precision, int rows, int vocab) {
    this.scenario = scenario;
    this.precision = precision;
    this.rows = rows;
    this.vocab = vocab;
    this.x = new float[rows * vocab];
    this.targets = new long[rows];
    this.temperatures = new float[rows];
    this.c = new float[rows];
    this.h = new float[rows];
  }

  static RowSample of(Scenario scenario, Precision precision, int rows, int vocab) {
    return of(scenario, precision, rows, vocab, 0);
  }

  /** Other rows of the same kind for every seed. */
  static RowSample of(Scenario scenario, Precision precision, int rows, int vocab, long seed) {
    RowSample sample = new RowSample(scenario, precision, rows, vocab);
    IntStream.range(0, rows).parallel().forEach(row -> sample.fillRow(row, seed));
    return sample;
  }

  private void fillRow(int row, long seed) {
    SplittableRandom random =
        new SplittableRandom(Objects.hash(scenario.name(), precision.name(), vocab, row) ^ seed);
    int target = row == 0 ? 0 : row == 1 ? vocab - 1 : random.nextInt(vocab);
    targets[row] = target;
    temperatures[row] =
        switch (scenario) {
          case TEMPERATURE -> 0.7f;
          case TOKEN_TEMPERATURES -> (float) random.nextDouble(0.3, 2);
          default -> 1;
        };
    // Loss scaling, as float16 is trained: probabilities of a large vocabulary would all round to
    // 0.
    double loss = precision == Precision.FLOAT16 ? 256 : 1;
    double sign = random.nextInt(2) == 0 ? 1 : -1;
    c[row] = (float) (sign * loss * random.nextDouble(0.5, 2));
    h[row] = (float) (-sign * loss * random.nextDouble(0.05, 0.5));
    scenario.fill(x, row * vocab, vocab, target, row, precision, random);
  }

  /** The first {@code tokens} rows in dense native memory. */
  Logits logits(int tokens, DType targetType) {
    TensorView data = TensorView.allocate(precision.dtype(), tokens, vocab);
    copyRows(data, 0, tokens);
    return logits(data, 0, tokens, targetType, null);
  }

  /** Writes rows {@code from .. from + data.size(0) - 1} into {@code data}. */
  void copyRows(TensorView data, int from, int tokens) {
    for (int row = 0; row < tokens; row++) {
      int first = (from + row) * vocab;
      data.rows(row, row + 1).copyFrom(Arrays.copyOfRange(x, first, first + vocab));
    }
  }

  /** Rows {@code from .. from + tokens - 1} of this sample, which lie in {@code data}. */
  Logits logits(
      TensorView data, int from, int tokens, DType targetType, @Nullable TensorView rowIndex) {
    TensorView view = TensorView.allocate(targetType, tokens);
    for (int t = 0; t < tokens; t++) {
      view.setLong(t, targets[from + t]);
    }
    Logits.Builder builder = Logits.builder(data, view);
    if (scenario.perTokenTemperature()) {
      builder.temperatures(floats(temperatures, from, tokens));
    } else {
      builder.temperature(temperatures.length > 0 ? temperatures[0] : 1);
    }
    if (rowIndex != null) {
      builder.rowIndex(rowIndex);
    }
    return builder.build();
  }

  /** A part of an array in native memory. */
  static TensorView floats(float[] values, int from, int count) {
    TensorView view = TensorView.allocate(DType.FLOAT32, count);
    for (int i = 0; i < count; i++) {
      view.setFloat(i, values[from + i]);
    }
    return view;
  }
}
