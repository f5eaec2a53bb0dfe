package org.plait;

import java.lang.ref.Reference;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Whitening over all tokens that are not ignored: {@code (x - mean) / sqrt(max(variance, floor) +
 * epsilon)}. Fewer than two tokens get exactly 0, and so do equal ones where the mean is
 * subtracted.
 *
 * <p>Statistics take two passes in float64. Deterministic. Immutable and thread-safe.
 *
 * @param sample whether the variance divides by n - 1 (sample) or by n (population)
 * @param shift whether the mean is subtracted
 * @param floor finite, at least 0: smaller variances count as this
 * @param epsilon finite, at least 0, added to the variance
 */
public record Whitening(boolean sample, boolean shift, float floor, float epsilon) {
  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is negative, infinite or NaN
   */
  public Whitening {
    Checks.finiteAtLeastZero("floor", floor);
    Checks.finiteAtLeastZero("epsilon", epsilon);
  }

  /**
   * verl's {@code masked_whiten}: {@code (x - mean) / sqrt(variance + 1e-8)} with the sample
   * variance. verl refuses fewer than two tokens.
   *
   * @return the options
   */
  public static Whitening verl() {
    return new Whitening(true, true, 0, 1e-8f);
  }

  /**
   * OpenRLHF's: {@code (x - mean) / sqrt(max(variance, 1e-8))} with the population variance.
   *
   * @return the options
   */
  public static Whitening openRlhf() {
    return new Whitening(false, true, 1e-8f, 0);
  }

  /**
   * Whitens a value per token.
   *
   * @param backend where the views are and the kernel runs
   * @param batch roles; the rest is not used
   * @param x FLOAT32 [T]; those of ignored tokens are not read
   * @param out FLOAT32 [T], which may be x itself; ignored tokens get 0
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public void compute(Backend backend, TokenBatch batch, TensorView x, TensorView out) {
    int device = Backend.require(backend);
    Checks.present("batch", batch);
    batch.checkDevice(device);
    long tokens = batch.tokens();
    Checks.vector("x", x, DType.FLOAT32, tokens, device);
    Checks.output("out", out, DType.FLOAT32, tokens, device);
    try {
      NativeLibrary.check(
          Natives.plait_whiten(
              device,
              backend.stream(),
              tokens,
              Checks.address("roles", batch.roles()),
              x.address("x"),
              sample ? 1 : 0,
              shift ? 1 : 0,
              floor,
              epsilon,
              out.address("out")));
    } finally {
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(out);
    }
  }
}
