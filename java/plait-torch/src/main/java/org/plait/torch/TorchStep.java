package org.plait.torch;

import java.lang.ref.Reference;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PlaitException;
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
 *
 * <p>On a CUDA device a step is enqueued on the stream that is PyTorch's current one of that device
 * in the calling thread, whatever stream the backend has, and does not wait for it: what PyTorch
 * enqueues there before and after is in order with it. {@link #metrics()} waits. Should the current
 * stream be another one than at the last step, this one waits first for the last.
 */
public final class TorchStep implements AutoCloseable {
  private final Backend backend;
  private final Objective objective;
  private final float temperature;
  private final StepMemory memory;
  private @Nullable TorchStream stream; // of the last step on a device
  private boolean unread;
  private boolean closed;

  /**
   * Makes a step for logits of temperature 1.
   *
   * @param backend where tensors are and the kernel runs
   * @param objective what each role contributes
   * @throws PlaitException if the backend is a CUDA device that PyTorch cannot use
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
   * @throws PlaitException if the backend is a CUDA device that PyTorch cannot use
   */
  public TorchStep(Backend backend, Objective objective, float temperature) {
    this.backend = backend;
    this.objective = objective;
    this.temperature = temperature;
    // Without a backend no step gets as far as its memory.
    this.memory = new StepMemory(backend.isAvailable() ? backend.device() : -1);
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
   * @throws PlaitException if the backend is not available
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
   * @throws PlaitException if the backend is not available
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
   * Returns the metrics of the last step. On a CUDA device they are first copied from there, which
   * waits for the step, and for all else that was enqueued on its stream; once for each step.
   *
   * @return the same object every time; the next step overwrites it, on a CUDA device when this is
   *     called after it
   */
  public Metrics metrics() {
    TorchStream last = stream;
    if (unread && last != null && !closed) {
      last.synchronize();
      memory.readMetrics();
      unread = false;
    }
    return memory.metrics();
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
    memory.close();
    TorchStream last = stream;
    stream = null;
    if (last != null) {
      last.close();
    }
  }

  private Logits logits(Tensor logits, Tensor targets) {
    requireOpen();
    String reason = backend.unavailableReason();
    if (reason != null) {
      throw new PlaitException(PlaitException.Code.UNAVAILABLE, reason);
    }
    return Logits.builder(TorchPlait.view("logits", logits), TorchPlait.view("targets", targets))
        .temperature(temperature)
        .build();
  }

  private void compute(
      Logits logits, TensorView dLogits, TokenBatch batch, Normalizers normalizers) {
    Backend where = onCurrentStream();
    StepMemory.Vectors to = memory.vectors(logits.tokens());
    try {
      PolicyStep.compute(
          where,
          logits,
          batch,
          objective,
          normalizers,
          new PolicyStep.Output(dLogits, to.logProbsView, to.entropyView, null),
          memory.metrics(),
          memory.workspace(PolicyStep.workspaceBytes(batch.tokens(), batch.sequences())));
      unread = true;
    } finally {
      Reference.reachabilityFence(to);
    }
  }

  /** The backend to call, in order with what PyTorch enqueues. */
  private Backend onCurrentStream() {
    if (backend.device() < 0) {
      return backend;
    }
    TorchStream current = TorchStream.current(backend.device());
    TorchStream last = stream;
    stream = current;
    if (last != null) {
      if (last.handle() != current.handle()) {
        last.synchronize(); // it may still use what the step keeps
      }
      last.close();
    }
    return backend.onStream(current.handle());
  }

  private StepMemory.Vectors last() {
    requireOpen();
    StepMemory.Vectors last = memory.last();
    if (last == null) {
      throw new IllegalStateException("there was no step yet");
    }
    return last;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the step has been closed");
    }
  }
}
