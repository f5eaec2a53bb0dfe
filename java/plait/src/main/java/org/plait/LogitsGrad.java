package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Gradient of a loss with respect to logits, in one read and one write of them, from two numbers
 * per token: c, the derivative of the loss with respect to the log-probability of the realised
 * token, and h, its derivative with respect to the entropy of that position. With {@code z = logits
 * / temperature}, {@code p = softmax(z)} and {@code S = sum_j p_j z_j}:
 *
 * <pre>{@code
 * dLogits[j] = (1 / temperature) * (c * (1[j == target] - p_j) + h * p_j * (S - z_j))
 * }</pre>
 *
 * <p>The result is rounded once, to the type of the logits. A row's result depends on that row
 * alone. Thread-safe.
 */
public final class LogitsGrad {
  private LogitsGrad() {}

  /**
   * Computes the gradient of every token's row on the CPU; on any backend, {@link #compute(Backend,
   * Logits, TensorView, TensorView, TensorView, TensorView, TensorView)} does.
   *
   * @param backend where the views are and the kernel runs
   * @param logits rows, targets and temperature
   * @param state FLOAT32 [T, {@value RowStats#STATE_FLOATS}] of whole rows, from {@link RowStats}
   * @param c FLOAT32 [T]
   * @param h FLOAT32 [T], or null for a loss without entropy
   * @param dLogits the gradient, of the logits' type and shape [rows, V]; either {@code
   *     logits.data()}, to replace the logits, or memory that does not overlap it
   * @return how many targets were outside the vocabulary; their rows become zero
   * @throws IllegalArgumentException if an argument does not fit, or the backend is a CUDA device,
   *     whose count is not known when the call returns; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static long compute(
      Backend backend,
      Logits logits,
      TensorView state,
      TensorView c,
      @Nullable TensorView h,
      TensorView dLogits) {
    int device = Backend.requireImmediate(backend, "badTargets", DType.INT64);
    Checks.present("logits", logits);
    Scratch scratch = logits.scratch();
    compute(backend, device, logits, state, c, h, dLogits, scratch.slot());
    return scratch.slotLong();
  }

  /**
   * Computes the gradient of every token's row. Rows that a row index leaves out are not touched; a
   * row with c = 0 and h = 0 becomes zero without being read, unless its state is NaN.
   *
   * @param backend where the views are and the kernel runs
   * @param logits rows, targets and temperature
   * @param state FLOAT32 [T, {@value RowStats#STATE_FLOATS}] of whole rows, from {@link RowStats}
   * @param c FLOAT32 [T]
   * @param h FLOAT32 [T], or null for a loss without entropy
   * @param dLogits the gradient, of the logits' type and shape [rows, V]; either {@code
   *     logits.data()}, to replace the logits, or memory that does not overlap it
   * @param badTargets INT64 [1] overwritten with how many targets were outside the vocabulary, or
   *     null; their rows become zero
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void compute(
      Backend backend,
      Logits logits,
      TensorView state,
      TensorView c,
      @Nullable TensorView h,
      TensorView dLogits,
      @Nullable TensorView badTargets) {
    int device = Backend.require(backend);
    Checks.optionalOutput("badTargets", badTargets, DType.INT64, 1, device);
    try {
      compute(
          backend, device, logits, state, c, h, dLogits, Checks.address("badTargets", badTargets));
    } finally {
      Reference.reachabilityFence(badTargets);
    }
  }

  private static void compute(
      Backend backend,
      int device,
      Logits logits,
      TensorView state,
      TensorView c,
      @Nullable TensorView h,
      TensorView dLogits,
      long badTargets) {
    Checks.present("logits", logits);
    long struct = logits.struct(device);
    long tokens = logits.tokens();
    Checks.matrix("state", state, tokens, RowStats.STATE_FLOATS, device);
    Checks.vector("c", c, DType.FLOAT32, tokens, device);
    Checks.optional("h", h, DType.FLOAT32, tokens, device);
    Checks.outputLike("dLogits", dLogits, logits.data(), device);
    try {
      NativeLibrary.check(
          Natives.plait_logits_grad(
              device,
              backend.stream(),
              struct,
              state.address("state"),
              c.address("c"),
              Checks.address("h", h),
              dLogits.address("dLogits"),
              dLogits.rowStride(),
              badTargets));
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(state);
      Reference.reachabilityFence(c);
      Reference.reachabilityFence(h);
      Reference.reachabilityFence(dLogits);
    }
  }
}
