package org.plait.lab.verify;

import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.plait.DType;
import org.plait.Logits;
import org.plait.TensorView;

/**
 * Logits of more than 2^31 elements. The operating system gives their memory page by page as it is
 * touched, and a row index leads the kernels to a few rows on both sides of 2^31, so that gigabytes
 * of addresses cost megabytes of memory.
 */
final class HugeSuite {

  private static final int VOCAB = 151936;
  private static final int ROWS = 14200; // times VOCAB: 2.16e9
  private static final long[] INDEX = {0, 7000, 14133, 14134, 14135, ROWS - 1};

  private HugeSuite() {}

  static List<Step> steps(Plan plan) {
    return List.of(new Step("rows " + ROWS + "x" + VOCAB + " bf16", () -> run(plan.kernels())));
  }

  private static List<Check> run(Kernels kernels) {
    Precision precision = Precision.BFLOAT16;
    String kernel = "row_stats, logits_grad bits";
    String shape = ROWS + "x" + VOCAB;
    String variant = "T * V > 2^31, row index, in place";
    RowSample sample = RowSample.of(Scenario.NORMAL, precision, INDEX.length, VOCAB);
    RowResults expected =
        RowResults.run(
            kernels,
            sample.logits(INDEX.length, DType.INT64),
            sample.c,
            sample.h,
            TensorView.allocate(precision.dtype(), INDEX.length, VOCAB));
    long elements = (long) ROWS * VOCAB;
    Pointer memory = Pointer.calloc(elements, precision.dtype().bytes());
    if (Pointer.isNull(memory)) {
      return List.of(
          Check.skipped(
              kernel,
              shape,
              precision.label(),
              variant,
              "the system does not give " + elements * precision.dtype().bytes() + " bytes"));
    }
    try {
      TensorView data =
          TensorView.ofAddress(
              memory.address(), precision.dtype(), new long[] {ROWS, VOCAB}, VOCAB, -1, memory);
      for (int t = 0; t < INDEX.length; t++) {
        sample.copyRows(data.rows(INDEX[t], INDEX[t] + 1), t, 1);
      }
      Logits logits = sample.logits(data, 0, INDEX.length, DType.INT64, TensorView.copyOf(INDEX));
      String found =
          RowResults.runIndexed(kernels, logits, sample.c, sample.h, data, INDEX)
              .difference(expected);
      return List.of(
          Check.exact(kernel, shape, precision.label(), variant, found.isEmpty(), found));
    } finally {
      Pointer.free(memory);
    }
  }
}
