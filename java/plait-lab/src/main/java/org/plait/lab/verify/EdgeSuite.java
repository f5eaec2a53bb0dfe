package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

/**
 * Rows that have no answer, or a special one: each is placed between ordinary rows, whose results
 * must not change by a bit.
 */
final class EdgeSuite {

  private static final int ROWS = 7;
  private static final int ODD = 3;

  private final Plan plan;
  private final RowSample sample;
  private final RowResults ordinary;

  private EdgeSuite(Plan plan, Precision precision, int vocab) {
    this.plan = plan;
    this.sample = RowSample.of(Scenario.NORMAL, precision, ROWS, vocab);
    Logits logits = sample.logits(ROWS, DType.INT64);
    this.ordinary = run(logits, sample.c, sample.h);
  }

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    for (int vocab : plan.quick() ? new int[] {7, 2053} : new int[] {1, 2, 7, 128, 2053, 151936}) {
      for (Precision precision : Precision.values()) {
        steps.add(
            new Step(
                "edges V=" + vocab + " " + precision.label(),
                () -> new EdgeSuite(plan, precision, vocab).run()));
      }
    }
    return steps;
  }

  private List<Check> run() {
    float infinity = Float.POSITIVE_INFINITY;
    long last = sample.vocab - 1L;
    List<Check> checks = new ArrayList<>();
    for (long j : new long[] {0, last / 2, last}) {
      checks.add(undefined("NaN at " + j, row -> row.setFloat(j, Float.NaN)));
      checks.add(undefined("+inf at " + j, row -> row.setFloat(j, infinity)));
    }
    checks.add(undefined("nothing but -inf", row -> fill(row, -infinity)));
    checks.add(undefined("nothing but NaN", row -> fill(row, Float.NaN)));
    checks.add(badTarget(-1));
    checks.add(badTarget(sample.vocab));
    checks.add(badTarget(Integer.MIN_VALUE));
    checks.add(badTarget(Integer.MAX_VALUE));
    checks.add(zeroCoefficients());
    checks.add(withoutEntropy());
    return checks;
  }

  /** A row that gives NaN throughout, and no other does. */
  private Check undefined(String variant, Consumer<TensorView> spoil) {
    Logits logits = sample.logits(ROWS, DType.INT64);
    spoil.accept(logits.data().rows(ODD, ODD + 1));
    RowResults results = run(logits, sample.c, sample.h);
    String found = others(results);
    if (found.isEmpty() && !allNaN(statistics(results))) {
      found = "the statistics of the row are not NaN";
    }
    if (found.isEmpty() && !allNaN(results.rows(ODD, ODD + 1, sample.vocab).gradient())) {
      found = "the gradient of the row is not NaN";
    }
    return check(variant, found);
  }

  /** A target outside of the vocabulary: NaN statistics, a zero gradient, and counted. */
  private Check badTarget(long target) {
    TensorView data = TensorView.allocate(sample.precision.dtype(), ROWS, sample.vocab);
    sample.copyRows(data, 0, ROWS);
    String found = "";
    for (DType type : new DType[] {DType.INT32, DType.INT64}) {
      TensorView targets = TensorView.allocate(type, ROWS);
      for (int t = 0; t < ROWS; t++) {
        targets.setLong(t, t == ODD ? target : sample.targets[t]);
      }
      Logits logits = Logits.of(data, targets);
      RowStats.Output stats = RowStats.Output.allocate(ROWS);
      long counted = plan.kernels().rowStats(logits, stats);
      TensorView gradient = TensorView.allocate(sample.precision.dtype(), ROWS, sample.vocab);
      fill(gradient, 123);
      long countedAgain =
          plan.kernels()
              .logitsGrad(
                  logits,
                  RowResults.given(stats.state()),
                  TensorView.copyOf(sample.c),
                  TensorView.copyOf(sample.h),
                  gradient);
      RowResults results = RowResults.of(stats, gradient);
      if (found.isEmpty()) {
        found = others(results);
      }
      if (found.isEmpty() && (counted != 1 || countedAgain != 1)) {
        found = "counted " + counted + " and " + countedAgain + " bad targets, not 1";
      }
      if (found.isEmpty() && !allNaN(statistics(results))) {
        found = "the statistics of the row are not NaN";
      }
      if (found.isEmpty() && !allZero(results)) {
        found = "the gradient of the row is not zero";
      }
    }
    return check("target " + target, found);
  }

  /** c = h = 0: zeros, and the row is not read. */
  private Check zeroCoefficients() {
    Logits logits = sample.logits(ROWS, DType.INT64);
    RowStats.Output stats = RowStats.Output.allocate(ROWS);
    plan.kernels().rowStats(logits, stats);
    fill(logits.data().rows(ODD, ODD + 1), Float.NaN);
    float[] c = sample.c.clone();
    float[] h = sample.h.clone();
    c[ODD] = 0;
    h[ODD] = 0;
    TensorView gradient = TensorView.allocate(sample.precision.dtype(), ROWS, sample.vocab);
    fill(gradient, 123);
    plan.kernels()
        .logitsGrad(
            logits,
            RowResults.given(stats.state()),
            TensorView.copyOf(c),
            TensorView.copyOf(h),
            gradient);
    RowResults results = RowResults.of(stats, gradient);
    String found = others(results);
    if (found.isEmpty() && !allZero(results)) {
      found = "the gradient of the row is not zero";
    }
    return check("c = h = 0", found);
  }

  /** No h is the same as h = 0, and differs from the ordinary gradient. */
  private Check withoutEntropy() {
    Logits logits = sample.logits(ROWS, DType.INT64);
    RowStats.Output stats = RowStats.Output.allocate(ROWS);
    plan.kernels().rowStats(logits, stats);
    TensorView gradient = TensorView.allocate(sample.precision.dtype(), ROWS, sample.vocab);
    plan.kernels()
        .logitsGrad(
            logits, RowResults.given(stats.state()), TensorView.copyOf(sample.c), null, gradient);
    float[] with = run(logits, sample.c, new float[ROWS]).gradient();
    int at = Bits.mismatch(gradient.toFloats(), with);
    boolean differs = sample.vocab == 1 || Bits.mismatch(with, ordinary.gradient()) >= 0;
    return check(
        "no h",
        at >= 0 ? "differs from h = 0 at " + at : differs ? "" : "h has no part in the gradient");
  }

  private RowResults run(Logits logits, float[] c, float[] h) {
    TensorView gradient = TensorView.allocate(sample.precision.dtype(), ROWS, sample.vocab);
    fill(gradient, 123);
    return RowResults.run(plan.kernels(), logits, c, h, gradient);
  }

  private String others(RowResults results) {
    int vocab = sample.vocab;
    String before = results.rows(0, ODD, vocab).difference(ordinary.rows(0, ODD, vocab));
    String after =
        results.rows(ODD + 1, ROWS, vocab).difference(ordinary.rows(ODD + 1, ROWS, vocab));
    return before.isEmpty() && after.isEmpty() ? "" : "another row changed: " + before + after;
  }

  private static float[] statistics(RowResults results) {
    return new float[] {results.logProb()[ODD], results.entropy()[ODD], results.logSumExp()[ODD]};
  }

  private boolean allZero(RowResults results) {
    for (float value : results.rows(ODD, ODD + 1, sample.vocab).gradient()) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean allNaN(float[] values) {
    for (float value : values) {
      if (!Float.isNaN(value)) {
        return false;
      }
    }
    return true;
  }

  private Check check(String variant, String found) {
    return Check.exact(
        "row_stats, logits_grad edges",
        ROWS + "x" + sample.vocab,
        sample.precision.label(),
        variant,
        found.isEmpty(),
        found);
  }

  private static void fill(TensorView view, float value) {
    for (long i = 0; i < view.elements(); i++) {
      view.setFloat(i, value);
    }
  }
}
