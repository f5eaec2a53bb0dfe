package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Statistics of rows of logits, in one read of them. With {@code z = logits / temperature}:
 *
 * <pre>{@code
 * logSumExp = log sum_j exp(z_j)      logProb = z_target - logSumExp      entropy = -sum_j p_j log p_j
 * }</pre>
 *
 * <p>Sums are accumulated in float32 or better, apart from the row's maximum, so that a large
 * common offset of the logits costs no precision. A row's result depends on that row alone: not on
 * its position, the number of rows or threads, or the run. Thread-safe.
 */
public final class RowStats {
  /** Floats per row of a state: maximum, sum, weighted sum, and the target's logit. */
  public static final int STATE_FLOATS = 4;

  private RowStats() {}

  /**
   * Where results go. Outputs overlap nothing else. Immutable and thread-safe.
   *
   * @param logProbs FLOAT32 [T] in nats, or null; for a shard -inf where another one has the target
   * @param entropy FLOAT32 [T] in nats, or null
   * @param logSumExp FLOAT32 [T], or null
   * @param state FLOAT32 [T, {@value RowStats#STATE_FLOATS}], or null; for {@link LogitsGrad} and
   *     {@link #merge}
   */
  public record Output(
      @Nullable TensorView logProbs,
      @Nullable TensorView entropy,
      @Nullable TensorView logSumExp,
      @Nullable TensorView state) {

    /**
     * Allocates all four on the CPU.
     *
     * @param tokens T
     * @return outputs in new memory
     */
    public static Output allocate(long tokens) {
      return new Output(
          TensorView.allocate(DType.FLOAT32, tokens),
          TensorView.allocate(DType.FLOAT32, tokens),
          TensorView.allocate(DType.FLOAT32, tokens),
          TensorView.allocate(DType.FLOAT32, tokens, STATE_FLOATS));
    }

    private void check(long tokens, int device) {
      Checks.optionalOutput("logProbs", logProbs, DType.FLOAT32, tokens, device);
      Checks.optionalOutput("entropy", entropy, DType.FLOAT32, tokens, device);
      Checks.optionalOutput("logSumExp", logSumExp, DType.FLOAT32, tokens, device);
      if (state != null) {
        Checks.matrix("state", state, tokens, STATE_FLOATS, device);
        Checks.writable("state", state);
      }
    }
  }

  /**
   * Computes statistics of every token's row on the CPU; on any backend, {@link #compute(Backend,
   * Logits, Output, TensorView)} does.
   *
   * @param backend where the views are and the kernel runs
   * @param logits rows, targets and temperature
   * @param out where to write
   * @return how many targets were outside the vocabulary; their statistics are NaN
   * @throws IllegalArgumentException if an argument does not fit, or the backend is a CUDA device,
   *     whose count is not known when the call returns; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static long compute(Backend backend, Logits logits, Output out) {
    int device = Backend.requireImmediate(backend, "badTargets", DType.INT64);
    Checks.present("logits", logits);
    Scratch scratch = logits.scratch();
    compute(backend, device, logits, out, scratch.slot());
    return scratch.slotLong();
  }

  /**
   * Computes statistics of every token's row.
   *
   * @param backend where the views are and the kernel runs
   * @param logits rows, targets and temperature
   * @param out where to write
   * @param badTargets INT64 [1] overwritten with how many targets were outside the vocabulary, or
   *     null; their statistics are NaN
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void compute(
      Backend backend, Logits logits, Output out, @Nullable TensorView badTargets) {
    int device = Backend.require(backend);
    Checks.optionalOutput("badTargets", badTargets, DType.INT64, 1, device);
    try {
      compute(backend, device, logits, out, Checks.address("badTargets", badTargets));
    } finally {
      Reference.reachabilityFence(badTargets);
    }
  }

  private static void compute(
      Backend backend, int device, Logits logits, Output out, long badTargets) {
    Checks.present("logits", logits);
    Checks.present("out", out);
    long struct = logits.struct(device);
    out.check(logits.tokens(), device);
    try {
      NativeLibrary.check(
          Natives.plait_row_stats(
              device,
              backend.stream(),
              struct,
              Checks.address("logProbs", out.logProbs),
              Checks.address("entropy", out.entropy),
              Checks.address("logSumExp", out.logSumExp),
              Checks.address("state", out.state),
              badTargets));
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(out);
    }
  }

  /**
   * Combines the states of vocabulary shards into statistics of whole rows.
   *
   * @param backend where the views are and the kernel runs
   * @param states FLOAT32 [parts * T, {@value #STATE_FLOATS}]: the states of the shards, in the
   *     order of the vocabulary
   * @param parts number of shards, at least 1
   * @param temperature of all tokens, as in the shards
   * @param out where to write; {@code out.state()} may be the first T rows of the states
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void merge(
      Backend backend, TensorView states, long parts, float temperature, Output out) {
    merge(backend, states, parts, null, temperature, out);
  }

  /**
   * Combines the states of vocabulary shards into statistics of whole rows.
   *
   * @param backend where the views are and the kernel runs
   * @param states FLOAT32 [parts * T, {@value #STATE_FLOATS}]: the states of the shards, in the
   *     order of the vocabulary
   * @param parts number of shards, at least 1
   * @param temperatures FLOAT32 [T], as in the shards
   * @param out where to write; {@code out.state()} may be the first T rows of the states
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void merge(
      Backend backend, TensorView states, long parts, TensorView temperatures, Output out) {
    Checks.present("temperatures", temperatures);
    merge(backend, states, parts, temperatures, 1, out);
  }

  private static void merge(
      Backend backend,
      TensorView states,
      long parts,
      @Nullable TensorView temperatures,
      float temperature,
      Output out) {
    int device = Backend.require(backend);
    Checks.present("out", out);
    if (parts < 1) {
      throw new IllegalArgumentException("parts: expected at least 1, got " + parts);
    }
    if (states == null || states.rank() != 2 || states.size(0) % parts != 0) {
      throw Checks.unexpected(
          "states", "FLOAT32 [tokens times %d parts, 4]".formatted(parts), states);
    }
    Checks.matrix("states", states, states.size(0), STATE_FLOATS, device);
    long tokens = states.size(0) / parts;
    Checks.optional("temperatures", temperatures, DType.FLOAT32, tokens, device);
    out.check(tokens, device);
    try {
      NativeLibrary.check(
          Natives.plait_row_stats_merge(
              device,
              backend.stream(),
              states.address("states"),
              parts,
              tokens,
              Checks.address("temperatures", temperatures),
              temperature,
              Checks.address("logProbs", out.logProbs),
              Checks.address("entropy", out.entropy),
              Checks.address("logSumExp", out.logSumExp),
              Checks.address("state", out.state)));
    } finally {
      Reference.reachabilityFence(states);
      Reference.reachabilityFence(temperatures);
      Reference.reachabilityFence(out);
    }
  }
}
