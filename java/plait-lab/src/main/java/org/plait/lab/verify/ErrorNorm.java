package org.plait.lab.verify;

import java.util.Locale;

/**
 * When a kernel's output is right.
 *
 * <p>Each element has a scale: the sum of the absolute values of the quantities that its formula
 * adds up (see {@link RowScale}, {@code c_magnitude}), so that neither cancellation nor a small
 * neighbour of a large element hides or exaggerates an error. Over the rows of one shape, type and
 * kind of data
 *
 * <pre>
 *   E_reference = max |textbook in float32 - oracle| / scale
 *   E_kernel    = max (|kernel - oracle| - half an ulp of the output type) / scale
 * </pre>
 *
 * <p>and the kernel is right if {@code E_kernel <= 2 E_reference}: at most twice the error that
 * PyTorch makes with the textbook formula in float32 from the same inputs, plus one rounding of the
 * output. For bfloat16 and float16 outputs this is stricter than to compare with a rounded
 * reference: it fails a kernel that rounds twice or truncates. Objectives take {@code E_kernel <=
 * limit} with a fixed limit of 1e-6 instead, or with 0: one rounding and no more.
 *
 * <p>NaN and infinities must come out exactly; a comparison in which everything expected is zero
 * fails, unless zero is what is tested. Not thread-safe; {@link #merge} joins what threads have
 * gathered.
 */
final class ErrorNorm {

  /** What counts as float64 noise of the oracle itself, relative to the scale. */
  private static final double ORACLE_NOISE = 1e-13;

  /**
   * What products of factors below the normal numbers of float32 may be off by, which round to
   * multiples of the least one: an absolute error that does not count.
   */
  static final double UNDERFLOW = 4 * (double) Float.MIN_VALUE;

  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private final Precision output;
  private double error;
  private double reference;
  private double kernelExcess;
  private double referenceError;
  private boolean hasReference;
  private long nonZero;
  private long compared;
  private String worst = "";

  ErrorNorm(Precision output) {
    this.output = output;
  }

  /** Adds an element that has a float32 reference, before its rounding to the output type. */
  void add(double oracle, double scale, double kernel, double textbook, double slack, long index) {
    hasReference = true;
    if (Double.isFinite(oracle) && Double.isFinite(textbook)) {
      double distance = Math.max(0, Math.abs(textbook - oracle) - slack);
      referenceError = Math.max(referenceError, over(distance, scale));
      distance = Math.max(0, Math.abs(output.round(textbook) - oracle) - slack);
      reference = Math.max(reference, over(distance, scale));
    }
    add(oracle, scale, kernel, slack, index);
  }

  /**
   * Adds an element; {@code slack} is an absolute error that does not count. What is beyond the
   * output type is infinite there.
   */
  void add(double oracle, double scale, double kernel, double slack, long index) {
    double expected = output.overflows(oracle) ? Math.copySign(INFINITY, oracle) : oracle;
    double rounding = output.halfUlp(Math.max(Math.abs(oracle), Math.abs(kernel)));
    add(expected, scale, kernel, slack, rounding, "element", index);
  }

  /** Adds an element that has not been rounded to the output type. */
  void addExact(double oracle, double scale, double kernel, String name) {
    addExact(oracle, scale, kernel, name, -1);
  }

  /** The same for an element of the array {@code name}. */
  void addExact(double oracle, double scale, double kernel, String name, long index) {
    addExact(oracle, scale, kernel, 0, name, index);
  }

  /** The same with an absolute error that does not count. */
  void addExact(double oracle, double scale, double kernel, double slack, String name, long index) {
    add(oracle, scale, kernel, slack, 0, name, index);
  }

  private void add(
      double oracle,
      double scale,
      double kernel,
      double slack,
      double rounding,
      String name,
      long index) {
    compared++;
    if (oracle != 0) {
      nonZero++;
    }
    boolean finite = Double.isFinite(oracle) && Double.isFinite(kernel);
    double distance =
        finite
            ? Math.max(0, Math.abs(kernel - oracle) - slack)
            : Double.compare(oracle, kernel) == 0 ? 0 : Double.POSITIVE_INFINITY;
    error = Math.max(error, over(distance, scale));
    double excess = over(finite ? Math.max(0, distance - rounding) : distance, scale);
    if (excess > kernelExcess || worst.isEmpty()) {
      kernelExcess = Math.max(kernelExcess, excess);
      String which = index < 0 ? name : name + " " + index;
      worst = String.format(Locale.ROOT, "%s is %.9g, not %.9g", which, kernel, oracle);
    }
  }

  private static double over(double distance, double scale) {
    if (distance == 0) {
      return 0;
    }
    return Double.isInfinite(distance) || scale == 0 ? Double.POSITIVE_INFINITY : distance / scale;
  }

  /** Adds what another thread has gathered. */
  void merge(ErrorNorm other) {
    error = Math.max(error, other.error);
    reference = Math.max(reference, other.reference);
    referenceError = Math.max(referenceError, other.referenceError);
    hasReference |= other.hasReference;
    nonZero += other.nonZero;
    compared += other.compared;
    if (other.kernelExcess > kernelExcess || worst.isEmpty()) {
      worst = other.worst;
    }
    kernelExcess = Math.max(kernelExcess, other.kernelExcess);
  }

  /** The verdict against twice the reference's error. */
  Check check(String kernel, String shape, String dtype, String variant, boolean zeroExpected) {
    return check(kernel, shape, dtype, variant, 2 * referenceError, zeroExpected);
  }

  /** The verdict against a fixed limit. */
  Check check(
      String kernel,
      String shape,
      String dtype,
      String variant,
      double limit,
      boolean zeroExpected) {
    double share =
        kernelExcess <= ORACLE_NOISE
            ? 0
            : limit > 0 ? kernelExcess / limit : Double.POSITIVE_INFINITY;
    String note = share <= 1 ? "" : worst;
    if (compared > 0 && nonZero == 0 && !zeroExpected) {
      note = "nothing but zeros is expected, so that nothing is compared";
      share = Double.POSITIVE_INFINITY;
    }
    return new Check(
        kernel,
        shape,
        dtype,
        variant,
        error,
        hasReference ? reference : Double.NaN,
        share,
        note.isEmpty() ? Check.Verdict.PASS : Check.Verdict.FAIL,
        note);
  }
}
