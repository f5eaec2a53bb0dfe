package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.pytorch.global.torch;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

/**
 * A row's result depends on that row alone: wherever it lies, whatever lies around it, however many
 * threads run, in place or not, the logits kernels give the same bits, and write nothing else.
 */
final class LayoutSuite {

  private static final int ROWS = 9;

  private final Plan plan;
  private final RowSample sample;
  private final RowResults expected;

  private LayoutSuite(Plan plan, Precision precision, int vocab) {
    this.plan = plan;
    this.sample = RowSample.of(Scenario.TOKEN_TEMPERATURES, precision, ROWS, vocab);
    this.expected = run(sample.logits(ROWS, DType.INT64), newMatrix(ROWS, vocab));
  }

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    int[] vocabs =
        plan.quick() ? new int[] {7, 2053} : new int[] {1, 2, 7, 128, 2053, 50257, 151936};
    for (int vocab : vocabs) {
      for (Precision precision : Precision.values()) {
        steps.add(
            new Step(
                "layout V=" + vocab + " " + precision.label(),
                () -> new LayoutSuite(plan, precision, vocab).run()));
      }
    }
    return steps;
  }

  private List<Check> run() {
    return List.of(
        check("not trivially zero", this::notTrivial),
        check("in place", this::inPlace),
        check("int32 targets", this::int32Targets),
        check("strided", () -> strided(3, 0)),
        check("unaligned", () -> strided(0, 1)),
        check("strided and unaligned", () -> strided(5, 3)),
        check("row index", this::rowIndex),
        check("one token at a time", this::oneByOne),
        check("257 tokens", this::many),
        check("no tokens", this::none),
        check("some outputs only", this::someOutputs),
        check("1, 2, 3 and 5 threads", this::threads),
        check("run again", () -> difference(sample.logits(ROWS, DType.INT64))));
  }

  /** Both kernels at once: {@code difference} returns what differs, or an empty string. */
  private Check check(String variant, Supplier<String> difference) {
    String found = difference.get();
    return Check.exact(
        "row_stats, logits_grad bits",
        ROWS + "x" + sample.vocab,
        sample.precision.label(),
        variant,
        found.isEmpty(),
        found);
  }

  private RowResults run(Logits logits, TensorView gradient) {
    int tokens = (int) logits.tokens();
    return RowResults.run(
        plan.kernels(),
        logits,
        Arrays.copyOf(sample.c, tokens),
        Arrays.copyOf(sample.h, tokens),
        gradient);
  }

  private TensorView newMatrix(long rows, long columns) {
    return TensorView.allocate(sample.precision.dtype(), rows, columns);
  }

  private String difference(Logits logits) {
    return run(logits, newMatrix(ROWS, sample.vocab)).difference(expected);
  }

  private String notTrivial() {
    boolean some = sample.vocab == 1;
    for (float value : expected.gradient()) {
      some |= value != 0;
    }
    return some ? "" : "the gradient is zero";
  }

  private String inPlace() {
    Logits logits = sample.logits(ROWS, DType.INT64);
    return run(logits, logits.data()).difference(expected);
  }

  private String int32Targets() {
    return difference(sample.logits(ROWS, DType.INT32));
  }

  /** Rows {@code gap} elements further apart, {@code shift} elements after an aligned address. */
  private String strided(int gap, int shift) {
    float canary = 123;
    int stride = sample.vocab + gap;
    TensorView memory =
        TensorView.allocate(sample.precision.dtype(), (long) ROWS * stride + shift + 1);
    TensorView output =
        TensorView.allocate(sample.precision.dtype(), (long) ROWS * stride + shift + 1);
    fill(output, canary);
    TensorView data = within(memory, stride, shift);
    sample.copyRows(data, 0, ROWS);
    RowResults results =
        run(sample.logits(data, 0, ROWS, DType.INT64, null), within(output, stride, shift));
    String found = results.difference(expected);
    if (found.isEmpty()) {
      for (int i = 0; i < output.elements(); i++) {
        int column = (i - shift) % stride;
        boolean inside = i >= shift && i < shift + ROWS * stride && column < sample.vocab;
        if (!inside && output.getFloat(i) != canary) {
          return "element " + (i - shift) + " outside of the rows was written";
        }
      }
    }
    return found;
  }

  private TensorView within(TensorView memory, int stride, int shift) {
    return TensorView.ofAddress(
        memory.address() + (long) shift * memory.dtype().bytes(),
        memory.dtype(),
        new long[] {ROWS, sample.vocab},
        stride,
        memory.device(),
        memory.owner());
  }

  /** Tokens 0 .. 3 are rows 1, 4, 5 and 8 of twice as many rows; the others must not be touched. */
  private String rowIndex() {
    long[] index = {1, 4, 5, 8};
    int vocab = sample.vocab;
    TensorView data = newMatrix(2L * ROWS, vocab);
    TensorView output = newMatrix(2L * ROWS, vocab);
    fill(data, Float.NaN);
    fill(output, 123);
    for (int t = 0; t < index.length; t++) {
      sample.copyRows(data.rows(index[t], index[t] + 1), t, 1);
    }
    Logits logits = sample.logits(data, 0, index.length, DType.INT64, TensorView.copyOf(index));
    float[] c = Arrays.copyOf(sample.c, index.length);
    float[] h = Arrays.copyOf(sample.h, index.length);
    for (TensorView gradient : List.of(output, data)) {
      RowResults results = RowResults.runIndexed(plan.kernels(), logits, c, h, gradient, index);
      String found = results.difference(expected.rows(0, index.length, vocab));
      if (!found.isEmpty()) {
        return found;
      }
    }
    for (int row = 0; row < 2 * ROWS; row++) {
      if (Arrays.binarySearch(index, row) < 0
          && (output.getFloat((long) row * vocab) != 123
              || !Float.isNaN(data.getFloat((long) row * vocab)))) {
        return "row " + row + ", which is not in the index, was written";
      }
    }
    return "";
  }

  private String oneByOne() {
    for (int row = 0; row < ROWS; row++) {
      TensorView data = newMatrix(1, sample.vocab);
      sample.copyRows(data, row, 1);
      RowResults result =
          RowResults.run(
              plan.kernels(),
              sample.logits(data, row, 1, DType.INT64, null),
              new float[] {sample.c[row]},
              new float[] {sample.h[row]},
              newMatrix(1, sample.vocab));
      String found = result.difference(expected.rows(row, row + 1, sample.vocab));
      if (!found.isEmpty()) {
        return "row " + row + ": " + found;
      }
    }
    return "";
  }

  /**
   * The same rows over and over; only the statistics of a large vocabulary, for the memory's sake.
   */
  private String many() {
    int tokens = sample.vocab > 10_000 ? 29 : 257;
    RowSample longer = RowSample.of(sample.scenario, sample.precision, tokens, sample.vocab);
    RowResults results =
        RowResults.run(
            plan.kernels(),
            longer.logits(tokens, DType.INT64),
            longer.c,
            longer.h,
            newMatrix(tokens, sample.vocab));
    return results.rows(0, ROWS, sample.vocab).difference(expected);
  }

  private String none() {
    Logits empty = sample.logits(0, DType.INT64);
    RowResults results = run(empty, newMatrix(0, sample.vocab));
    return results.gradient().length == 0 ? "" : "no tokens gave a gradient";
  }

  private String someOutputs() {
    Logits logits = sample.logits(ROWS, DType.INT64);
    TensorView[] views = {
      TensorView.allocate(DType.FLOAT32, ROWS),
      TensorView.allocate(DType.FLOAT32, ROWS),
      TensorView.allocate(DType.FLOAT32, ROWS)
    };
    plan.kernels().rowStats(logits, new RowStats.Output(views[0], null, null, null));
    plan.kernels().rowStats(logits, new RowStats.Output(null, views[1], null, null));
    plan.kernels().rowStats(logits, new RowStats.Output(null, null, views[2], null));
    RowResults alone =
        new RowResults(
            views[0].toFloats(),
            views[1].toFloats(),
            views[2].toFloats(),
            expected.state(),
            expected.gradient());
    return alone.difference(expected);
  }

  private String threads() {
    int before = torch.get_num_threads();
    try {
      for (int threads : new int[] {1, 2, 3, 5}) {
        torch.set_num_threads(threads);
        String found = difference(sample.logits(ROWS, DType.INT64));
        if (!found.isEmpty()) {
          return threads + " threads: " + found;
        }
      }
      return "";
    } finally {
      torch.set_num_threads(before);
    }
  }

  private static void fill(TensorView view, float value) {
    for (long i = 0; i < view.elements(); i++) {
      view.setFloat(i, value);
    }
  }
}
