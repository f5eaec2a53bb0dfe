package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

/**
 * {@code row_stats} and {@code logits_grad} on random rows: against the oracle, and bit for bit
 * wherever the rows are put. An arrangement draws which rows of a sample come in which order,
 * between rows that have no answer, where each lies and how far from the next, what is overwritten
 * and how many threads run.
 */
final class RandomRows {
  /** Ends of vectors, of unrolled loops and of blocks, one less and one more. */
  private static final int[] VOCABS = {
    1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 255, 257, 1023, 1025, 2047, 2049, 4095,
    4096, 4097, 8191, 8193, 9000, 16385
  };

  private static final int LARGE = 50257;
  private static final int ARRANGEMENTS = 3;
  private static final float CANARY = 123;

  /** What a token of an arrangement is, where it is not a row of the sample. */
  private static final int NAN = -1;

  private static final int INFINITE = -2;
  private static final int MASKED = -3;
  private static final int BAD_TARGET = -4;

  private final Kernels kernels;
  private final RowSample sample;
  private final SplittableRandom random;

  private RandomRows(Kernels kernels, RowSample sample, SplittableRandom random) {
    this.kernels = kernels;
    this.sample = sample;
    this.random = random;
  }

  static List<Check> check(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int vocab = random.nextInt(40) == 0 ? LARGE : VOCABS[random.nextInt(VOCABS.length)];
    // The larger half less often than the smaller: they take longer.
    vocab = vocab > 1025 && random.nextInt(2) == 0 ? 1 + random.nextInt(300) : vocab;
    Scenario[] scenarios = Scenario.values();
    Precision[] precisions = Precision.values();
    RowSample sample =
        RowSample.of(
            scenarios[random.nextInt(scenarios.length)],
            precisions[random.nextInt(precisions.length)],
            rows(vocab),
            vocab,
            seed);
    return new RandomRows(kernels, sample, random).run("seed " + seed);
  }

  /** Enough of them for a largest error of the reference that means something. */
  private static int rows(int vocab) {
    return vocab > 10_000 ? 4 : vocab > 2000 ? 12 : vocab > 200 ? 33 : 97;
  }

  private List<Check> run(String title) {
    DType targets = random.nextInt(2) == 0 ? DType.INT32 : DType.INT64;
    TensorView gradient = TensorView.allocate(sample.precision.dtype(), sample.rows, sample.vocab);
    RowResults expected =
        RowResults.run(kernels, sample.logits(sample.rows, targets), sample.c, sample.h, gradient);
    String variant = title + ", " + sample.scenario.label();
    List<Check> checks =
        new ArrayList<>(RowSuite.compare(sample, expected, TorchRows.of(sample), variant));
    for (int i = 0; i < ARRANGEMENTS; i++) {
      Arrangement arrangement = new Arrangement();
      String found = arrangement.difference(expected);
      checks.add(
          Check.exact(
              "row_stats, logits_grad bits",
              sample.rows + "x" + sample.vocab,
              sample.precision.label(),
              variant + ", " + arrangement,
              found.isEmpty(),
              found));
    }
    return checks;
  }

  private final class Arrangement {
    private final int threads = new int[] {1, 2, 3, 8}[random.nextInt(4)];
    private final boolean inPlace = random.nextInt(2) == 0;
    private final boolean indexed = random.nextInt(2) == 0;
    private final int gap = random.nextInt(2) == 0 ? 0 : random.nextInt(1, 40);
    private final int shift = random.nextInt(2) == 0 ? 0 : random.nextInt(1, 17);
    private final int[] tokens = new int[random.nextInt(1, Math.min(2 * sample.rows, 40))];
    private final long[] places = new long[tokens.length];
    private final int stride = sample.vocab + gap;

    Arrangement() {
      long place = 0;
      for (int t = 0; t < tokens.length; t++) {
        boolean odd = random.nextInt(5) == 0;
        tokens[t] = odd ? -1 - random.nextInt(4) : random.nextInt(sample.rows);
        place += indexed ? random.nextInt(3) : 0;
        places[t] = place++;
      }
    }

    String difference(RowResults expected) {
      int before = torch.get_num_threads();
      torch.set_num_threads(threads);
      try {
        return compare(expected);
      } finally {
        torch.set_num_threads(before);
      }
    }

    private String compare(RowResults expected) {
      int rows = (int) places[tokens.length - 1] + 1;
      TensorView memory = memory(rows);
      TensorView data = matrix(memory, rows);
      TensorView targets = TensorView.allocate(DType.INT64, tokens.length);
      float[] c = new float[tokens.length];
      float[] h = new float[tokens.length];
      float[] temperatures = new float[tokens.length];
      for (int t = 0; t < tokens.length; t++) {
        int from = Math.max(0, tokens[t]);
        TensorView row = data.rows(places[t], places[t] + 1);
        sample.copyRows(row, from, 1);
        spoil(row, tokens[t]);
        boolean bad = tokens[t] == BAD_TARGET;
        targets.setLong(
            t, bad ? random.nextInt(2) * (sample.vocab + 1L) - 1 : sample.targets[from]);
        c[t] = sample.c[from];
        h[t] = sample.h[from];
        temperatures[t] = sample.temperatures[from];
      }
      Logits.Builder builder = Logits.builder(data, targets);
      if (sample.scenario.perTokenTemperature() || random.nextInt(3) == 0) {
        builder.temperatures(TensorView.copyOf(temperatures));
      } else {
        builder.temperature(temperatures[0]);
      }
      if (indexed) {
        builder.rowIndex(TensorView.copyOf(places));
      }
      TensorView outside = memory(rows);
      TensorView gradient = inPlace ? data : matrix(outside, rows);
      RowStats.Output stats = RowStats.Output.allocate(tokens.length);
      Logits logits = builder.build();
      long bad = kernels.rowStats(logits, stats);
      long badAgain =
          kernels.logitsGrad(
              logits,
              RowResults.given(stats.state()),
              TensorView.copyOf(c),
              TensorView.copyOf(h),
              gradient);
      long expectedBad = Arrays.stream(tokens).filter(token -> token == BAD_TARGET).count();
      if (bad != expectedBad || badAgain != expectedBad) {
        return "counted " + bad + " and " + badAgain + " bad targets, not " + expectedBad;
      }
      String found = written(inPlace ? memory : outside);
      for (int t = 0; t < tokens.length && found.isEmpty(); t++) {
        found = token(stats, gradient, t, expected);
      }
      return found;
    }

    /** Memory of all rows with what lies around them. */
    private TensorView memory(int rows) {
      TensorView memory =
          TensorView.allocate(sample.precision.dtype(), (long) rows * stride + shift + 1);
      float[] canaries = new float[(int) memory.elements()];
      Arrays.fill(canaries, CANARY);
      memory.copyFrom(canaries);
      return memory;
    }

    private TensorView matrix(TensorView memory, int rows) {
      return TensorView.ofAddress(
          memory.address() + (long) shift * memory.dtype().bytes(),
          memory.dtype(),
          new long[] {rows, sample.vocab},
          stride,
          -1,
          memory.owner());
    }

    private void spoil(TensorView row, int token) {
      long at = random.nextLong(sample.vocab);
      switch (token) {
        case NAN -> row.setFloat(at, Float.NaN);
        case INFINITE -> row.setFloat(at, Float.POSITIVE_INFINITY);
        case MASKED -> {
          float[] masked = new float[sample.vocab];
          Arrays.fill(masked, Float.NEGATIVE_INFINITY);
          row.copyFrom(masked);
        }
        default -> {}
      }
    }

    /** What has been written beside the rows of the tokens, or an empty string. */
    private String written(TensorView memory) {
      float[] elements = memory.toFloats();
      for (int i = 0; i < elements.length; i++) {
        if (elements[i] == CANARY) {
          continue;
        }
        long place = i < shift ? -1 : (i - shift) / stride;
        boolean inside = (i - shift) % stride < sample.vocab;
        if (place < 0 || !inside || Arrays.binarySearch(places, place) < 0) {
          return "element " + (i - shift) + " outside of the rows was written";
        }
      }
      return "";
    }

    private String token(RowStats.Output stats, TensorView gradient, int t, RowResults expected) {
      int from = Math.max(0, tokens[t]);
      RowResults found =
          new RowResults(
              one(stats.logProbs(), t),
              one(stats.entropy(), t),
              one(stats.logSumExp(), t),
              RowResults.given(stats.state()).rows(t, t + 1).toFloats(),
              gradient.rows(places[t], places[t] + 1).toFloats());
      if (tokens[t] < 0) {
        boolean zero = tokens[t] == BAD_TARGET; // the others have no gradient at all
        for (float value : found.gradient()) {
          if (zero ? value != 0 : !Float.isNaN(value)) {
            return "token " + t + ", which has no answer, has a gradient of " + value;
          }
        }
        boolean nan = Float.isNaN(found.logProb()[0]) && Float.isNaN(found.entropy()[0]);
        return nan ? "" : "token " + t + ", which has no answer, has a log-prob or an entropy";
      }
      String difference = found.difference(expected.rows(from, from + 1, sample.vocab));
      return difference.isEmpty() ? "" : "token " + t + ", row " + from + ": " + difference;
    }

    private float[] one(@Nullable TensorView view, int t) {
      return RowResults.given(view).rows(t, t + 1).toFloats();
    }

    @Override
    public String toString() {
      return tokens.length
          + " tokens, "
          + threads
          + (threads == 1 ? " thread" : " threads")
          + (inPlace ? ", in place" : "")
          + (indexed ? ", indexed" : "")
          + (gap > 0 ? ", gaps of " + gap : "")
          + (shift > 0 ? ", shifted by " + shift : "");
    }
  }
}
