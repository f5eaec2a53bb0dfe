package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Logits in, gradient of the logits out: {@link RowStats}, {@link TokenObjective} and {@link
 * LogitsGrad} in one call, whose results are equal to those of the three, bit for bit; but the
 * gradient of FLOAT32 rows whose rule has no entropy bonus, within rounding, as one exponential per
 * logit serves both passes over them. Each row is read from memory once and written once, unless
 * {@link Objective#secondPass()} names a reason for reading it twice. Thread-safe.
 */
public final class PolicyStep {
  private PolicyStep() {}

  /**
   * Where results go. Ignored tokens get 0 in all of them. Immutable and thread-safe.
   *
   * @param dLogits the gradient, of the logits' type and shape [rows, V]; either {@code
   *     logits.data()}, to replace the logits, or memory that does not overlap it
   * @param logProbs FLOAT32 [T] in nats
   * @param entropy FLOAT32 [T] in nats
   * @param tokenLoss FLOAT32 [T], the summands of the loss that belong to a token, or null
   */
  public record Output(
      TensorView dLogits, TensorView logProbs, TensorView entropy, @Nullable TensorView tokenLoss) {

    /**
     * Allocates outputs on the CPU for a gradient that replaces the logits.
     *
     * @param logits the logits of the call
     * @return outputs in new memory, except for the gradient
     */
    public static Output inPlace(Logits logits) {
      return allocate(logits.data(), logits.tokens());
    }

    /**
     * Allocates outputs on the CPU, the gradient too.
     *
     * @param logits the logits of the call
     * @return outputs in new memory
     */
    public static Output allocate(Logits logits) {
      TensorView data = logits.data();
      return allocate(
          TensorView.allocate(data.dtype(), data.size(0), data.size(1)), logits.tokens());
    }

    private static Output allocate(TensorView dLogits, long tokens) {
      return new Output(
          dLogits,
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
    return TokenObjective.workspaceBytes(tokens, sequences);
  }

  /**
   * Computes the gradient of the loss with respect to the logits. The loss itself is {@link
   * Metrics#loss()}. A target outside the vocabulary is counted in {@link Metrics#badTargets()};
   * its row becomes zero, its log-probability and entropy NaN.
   *
   * @param backend where the views are and the kernel runs
   * @param logits rows, targets and temperature of T tokens; not a shard
   * @param batch sequences, roles, advantages, and the other policies' log-probabilities of the
   *     same tokens
   * @param objective what each role contributes
   * @param normalizers counts to normalise by, {@link Normalizers#NONE} for those of the batch
   * @param out where to write
   * @param metrics overwritten with the metrics of this call, or null; those of a CUDA device are
   *     {@link Metrics#at} its memory
   * @param workspace UINT8 of at least {@link #workspaceBytes}, 8-byte aligned
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public static void compute(
      Backend backend,
      Logits logits,
      TokenBatch batch,
      Objective objective,
      Normalizers normalizers,
      Output out,
      @Nullable Metrics metrics,
      TensorView workspace) {
    int device = Backend.require(backend);
    Checks.present("logits", logits);
    Checks.present("batch", batch);
    Checks.present("objective", objective);
    Checks.present("normalizers", normalizers);
    Checks.present("out", out);
    long logitsStruct = logits.struct(device);
    long batchStruct = batch.struct(device);
    long tokens = logits.tokens();
    if (batch.tokens() != tokens) {
      throw new IllegalArgumentException(
          "batch: expected the %d tokens of the logits, got %d".formatted(tokens, batch.tokens()));
    }
    TensorView dLogits = out.dLogits;
    Checks.outputLike("dLogits", dLogits, logits.data(), device);
    Checks.output("logProbs", out.logProbs, DType.FLOAT32, tokens, device);
    Checks.output("entropy", out.entropy, DType.FLOAT32, tokens, device);
    Checks.optionalOutput("tokenLoss", out.tokenLoss, DType.FLOAT32, tokens, device);
    Checks.workspace(workspace, device);
    long metricsAddress = Metrics.address(metrics, device);
    Scratch scratch = logits.scratch();
    try {
      NativeLibrary.check(
          Natives.plait_policy_step(
              device,
              backend.stream(),
              logitsStruct,
              batchStruct,
              scratch.pack(objective),
              scratch.pack(normalizers),
              dLogits.address("dLogits"),
              dLogits.rowStride(),
              out.logProbs.address("logProbs"),
              out.entropy.address("entropy"),
              Checks.address("tokenLoss", out.tokenLoss),
              metricsAddress,
              workspace.address("workspace"),
              workspace.size(0)));
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(metrics);
      Reference.reachabilityFence(workspace);
    }
  }
}
