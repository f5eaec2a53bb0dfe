package org.plait.torch;

import java.lang.ref.Reference;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.TensorView;
import org.plait.TokenBatch;

/**
 * {@link PolicyStep} for tensors, with outputs and workspace that it owns and reuses.
 *
 * <p>It allocates where the kernel does not: a gradient for each step that is not in place, and
 * vectors of T floats when T changes. An enclosing {@code PointerScope} frees the gradients, but
 * not what the step keeps; that is freed by {@link #close()}, or by the garbage collector. Confined
 * to one thread at a time.
 */
public final class TorchStep implements AutoCloseable {
  private final Backend backend;
  private final Objective objective;
  private final float temperature;
  private final Metrics metrics = new Metrics();
  private @Nullable Vectors vectors;
  private @Nullable TensorView workspace;
  private boolean closed;

  /**
   * Makes a step for logits of temperature 1.
   *
   * @param backend where tensors are and the kernel runs
   * @param objective what each role contributes
   */
  public TorchStep(Backend backend, Objective objective) {
    this(backend, objective, 1);
  }

  /**
   * Makes a step.
   *
   * @param backend where tensors are and the kernel runs
   * @param objective what each role contributes
   * @param temperature that the tokens were sampled at, finite and above 0
   */
  public TorchStep(Backend backend, Objective objective, float temperature) {
    this.backend = backend;
    this.objective = objective;
    this.temperature = temperature;
  }

  /**
   * Computes the gradient of the loss with respect to the logits, for {@link TorchPlait#backward}.
   *
   * @param logits float32, bfloat16 or float16 [T, V]; may require grad; unchanged
   * @param targets int32 or int64 [T], the realised tokens
   * @param batch sequences, roles, advantages, and the other policies' log-probabilities
   * @param normalizers counts to normalise by, {@link Normalizers#NONE} for those of the batch
   * @return a new tensor of the logits' type and shape
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if this step was closed
   */
  public Tensor step(Tensor logits, Tensor targets, TokenBatch batch, Normalizers normalizers) {
    Logits view = logits(logits, targets);
    Tensor dLogits = torch.empty_like(logits);
    try {
      compute(view, TorchPlait.view("dLogits", dLogits), batch, normalizers);
    } catch (RuntimeException e) {
      dLogits.close();
      throw e;
    }
    return dLogits;
  }

  /**
   * Replaces logits by the gradient of the loss with respect to them.
   *
   * <p>For logits that autograd knows, pass {@code logits.detach()}, which shares their memory, and
   * then call {@code backward(logits, detached)}. That is safe if nothing that the backward pass
   * runs through has kept the logits: a linear layer has not, a softmax or a tanh has.
   *
   * @param logits float32, bfloat16 or float16 [T, V] that does not require grad
   * @param targets int32 or int64 [T], the realised tokens
   * @param batch sequences, roles, advantages, and the other policies' log-probabilities
   * @param normalizers counts to normalise by, {@link Normalizers#NONE} for those of the batch
   * @return the logits, which hold the gradient now
   * @throws IllegalArgumentException if an argument does not fit, or the logits require grad
   * @throws IllegalStateException if this step was closed
   */
  public Tensor stepInPlace(
      Tensor logits, Tensor targets, TokenBatch batch, Normalizers normalizers) {
    Logits view = logits(logits, targets);
    if (logits.requires_grad()) {
      throw new IllegalArgumentException(
          "logits: expected a tensor that does not require grad, to be overwritten, got one that"
              + " does; pass logits.detach()");
    }
    compute(view, view.data(), batch, normalizers);
    return logits;
  }

  /**
   * Returns the metrics of the last step.
   *
   * @return the same object every time; the next step overwrites it
   */
  public Metrics metrics() {
    return metrics;
  }

  /**
   * Returns the log-probabilities of the last step's tokens.
   *
   * @return float32 [T] in nats; the next step overwrites or closes it
   * @throws IllegalStateException if there was no step yet, or this one was closed
   */
  public Tensor logProbs() {
    return last().logProbs;
  }

  /**
   * Returns the entropies at the last step's positions.
   *
   * @return float32 [T] in nats; the next step overwrites or closes it
   * @throws IllegalStateException if there was no step yet, or this one was closed
   */
  public Tensor entropy() {
    return last().entropy;
  }

  /** Frees what the step keeps. Later steps throw {@link IllegalStateException}. */
  @Override
  public void close() {
    closed = true;
    release();
    workspace = null;
  }

  private Logits logits(Tensor logits, Tensor targets) {
    requireOpen();
    return Logits.builder(TorchPlait.view("logits", logits), TorchPlait.view("targets", targets))
        .temperature(temperature)
        .build();
  }

  private void compute(
      Logits logits, TensorView dLogits, TokenBatch batch, Normalizers normalizers) {
    Vectors to = vectors(logits.tokens());
    try {
      PolicyStep.compute(
          backend,
          logits,
          batch,
          objective,
          normalizers,
          new PolicyStep.Output(dLogits, to.logProbsView, to.entropyView, null),
          metrics,
          workspace(PolicyStep.workspaceBytes(batch.tokens(), batch.sequences())));
    } finally {
      Reference.reachabilityFence(to);
    }
  }

  private Vectors vectors(long tokens) {
    Vectors current = vectors;
    if (current == null || current.tokens != tokens) {
      release();
      current = new Vectors(tokens);
      vectors = current;
    }
    return current;
  }

  private TensorView workspace(long bytes) {
    TensorView current = workspace;
    if (current == null || current.size(0) < bytes) {
      current = TensorView.allocate(DType.UINT8, bytes);
      workspace = current;
    }
    return current;
  }

  private Vectors last() {
    requireOpen();
    Vectors current = vectors;
    if (current == null) {
      throw new IllegalStateException("there was no step yet");
    }
    return current;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the step has been closed");
    }
  }

  private void release() {
    Vectors current = vectors;
    vectors = null;
    if (current != null) {
      current.close();
    }
  }

  /** Outputs with an element per token. */
  private static final class Vectors {
    private final long tokens;
    private final Tensor logProbs;
    private final Tensor entropy;
    private final TensorView logProbsView;
    private final TensorView entropyView;

    Vectors(long tokens) {
      this.tokens = tokens;
      this.logProbs = allocate(tokens);
      this.entropy = allocate(tokens);
      this.logProbsView = TorchPlait.view("logProbs", logProbs);
      this.entropyView = TorchPlait.view("entropy", entropy);
    }

    void close() {
      logProbs.close();
      entropy.close();
    }

    private static Tensor allocate(long tokens) {
      try (TensorOptions options = new TensorOptions(torch.ScalarType.Float)) {
        Tensor tensor = torch.empty(new long[] {tokens}, options, null);
        // Counted, so that an enclosing PointerScope does not free it.
        return tensor.<Tensor>retainReference();
      }
    }
  }
}
