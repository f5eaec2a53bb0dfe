package org.plait.lab.verify;

import java.util.Locale;

/**
 * One comparison that was made.
 *
 * @param kernel what was called
 * @param shape of its input, e.g. "8x128256"
 * @param dtype of its input
 * @param variant what was special, and what was compared
 * @param error the kernel's largest error by {@link ErrorNorm}; NaN if the comparison is exact
 * @param reference the largest error of the same textbook computation in float32; NaN if there is
 *     none
 * @param share the worst error over what is allowed: at most 1 passes
 * @param verdict the outcome
 * @param note why it failed or was skipped; otherwise empty
 */
public record Check(
    String kernel,
    String shape,
    String dtype,
    String variant,
    double error,
    double reference,
    double share,
    Verdict verdict,
    String note) {

  /** Outcome of a check. */
  public enum Verdict {
    PASS,
    SKIP,
    FAIL
  }

  /** A check that holds or does not. */
  static Check exact(
      String kernel, String shape, String dtype, String variant, boolean holds, String note) {
    return new Check(
        kernel,
        shape,
        dtype,
        variant,
        Double.NaN,
        Double.NaN,
        holds ? 0 : Double.POSITIVE_INFINITY,
        holds ? Verdict.PASS : Verdict.FAIL,
        holds ? "" : note);
  }

  /** A check that could not be made here. */
  static Check skipped(String kernel, String shape, String dtype, String variant, String note) {
    return new Check(kernel, shape, dtype, variant, Double.NaN, Double.NaN, 0, Verdict.SKIP, note);
  }

  /** The same under the name of another kernel. */
  Check withKernel(String name) {
    return new Check(name, shape, dtype, variant, error, reference, share, verdict, note);
  }

  /** One line for messages. */
  String describe() {
    String numbers =
        Double.isNaN(error)
            ? ""
            : String.format(
                Locale.ROOT,
                " error %.3g, reference %.3g, %.3g of what is allowed",
                error,
                reference,
                share);
    return kernel
        + " "
        + shape
        + " "
        + dtype
        + " ["
        + variant
        + "]"
        + numbers
        + (note.isEmpty() ? "" : ": " + note);
  }
}
