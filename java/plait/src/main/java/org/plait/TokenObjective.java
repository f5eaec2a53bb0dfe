package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * An {@link Objective} on its own, without the vocabulary: from the log-probability and entropy of
 * every token to c and h, the derivatives of the scalar loss with respect to them, for {@link
 * LogitsGrad}. Costs a few operations per token. Deterministic, whatever the number of threads.
 * Thread-safe.
 */
public final class TokenObjective {
  private TokenObjective() {}

  /**
   * Where results go. Outputs overlap nothing else; ignored tokens get 0 in all of them. Immutable
   * and thread-safe.
   *
   * @param c FLOAT32 [T], or null
   * @param h FLOAT32 [T], or null
   * @param tokenLoss FLOAT32 [T], the summands of the loss that belong to a token, or null
   */
  public record Output(
      @Nullable TensorView c, @Nullable TensorView h, @Nullable TensorView tokenLoss) {

    /**
     * Allocates all three on the CPU.
     *
     * @param tokens T
     * @return outputs in new memory
     */
    public static Output allocate(long tokens) {
      return new Output(
          TensorView.allocate(DType.FLOAT32, tokens),
          TensorView.allocate(DType.FLOAT32, tokens),
          TensorView.allocate(DType.FLOAT32, tokens));
    }
  }

  /**
   * Returns the size of the workspace of {@link #compute}.
   *
   * @param tokens T
   * @param sequences B, or 0 without offsets: {@link TokenBatch#sequences()}
   * @return bytes
   * @throws PlaitException if the native library cannot be loaded
   */
  public static long workspaceBytes(long tokens, long sequences) {
    if (tokens < 0 || sequences < 0) {
      throw new IllegalArgumentException(
          "tokens, sequences: expected at least 0, got " + tokens + ", " + sequences);
    }
    NativeLibrary.require();
    return Natives.plait_objective_workspace_bytes(tokens, sequences);
  }

  /**
   * Computes c and h of every token. A token whose log-probability is NaN gets NaN.
   *
   * @param backend where the views are and the kernel runs
   * @param batch sequences, roles, advantages, and the other policies' log-probabilities
   * @param objective what each role contributes
   * @param normalizers counts to normalise by, {@link Normalizers#NONE} for those of the batch
   * @param logProbs FLOAT32 [T] in nats
   * @param entropy FLOAT32 [T] in nats, or null if no rule has an entropy term, weighting or
   *     selection
   * @param out where to write
   * @param metrics overwritten with the metrics of this call, or null; those of a CUDA device are
   *     {@link Metrics#at} its memory
   * @param workspace UINT8 of at least {@link #workspaceBytes}, 8-byte aligned
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void compute(
      Backend backend,
      TokenBatch batch,
      Objective objective,
      Normalizers normalizers,
      TensorView logProbs,
      @Nullable TensorView entropy,
      Output out,
      @Nullable Metrics metrics,
      TensorView workspace) {
    int device = Backend.require(backend);
    Checks.present("batch", batch);
    Checks.present("objective", objective);
    Checks.present("normalizers", normalizers);
    Checks.present("out", out);
    long struct = batch.struct(device);
    long tokens = batch.tokens();
    Checks.vector("logProbs", logProbs, DType.FLOAT32, tokens, device);
    Checks.optional("entropy", entropy, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("c", out.c, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("h", out.h, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("tokenLoss", out.tokenLoss, DType.FLOAT32, tokens, device);
    Checks.workspace(workspace, device);
    long metricsAddress = Metrics.address(metrics, device);
    Scratch scratch = Scratch.get();
    try {
      NativeLibrary.check(
          Natives.plait_token_objective(
              device,
              backend.stream(),
              struct,
              scratch.pack(objective),
              scratch.pack(normalizers),
              logProbs.address("logProbs"),
              Checks.address("entropy", entropy),
              Checks.address("c", out.c),
              Checks.address("h", out.h),
              Checks.address("tokenLoss", out.tokenLoss),
              metricsAddress,
              workspace.address("workspace"),
              workspace.size(0)));
    } finally {
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(logProbs);
      Reference.reachabilityFence(entropy);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(metrics);
      Reference.reachabilityFence(workspace);
    }
  }
}
