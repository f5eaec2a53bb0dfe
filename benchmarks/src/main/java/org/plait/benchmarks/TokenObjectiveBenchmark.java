package org.plait.benchmarks;

import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.TensorView;
import org.plait.TokenObjective;

/**
 * Loss, metrics and derivatives of 8192 tokens from their log-probs and entropies. SRFT's entropy
 * weights have no kernel of their own: "srft" is the objective that has them.
 */
public class TokenObjectiveBenchmark extends KernelBenchmark {
  static final int TOKENS = 8192;

  /** Log-probs and entropies, and what there is beside them. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Batch {
    @Param({"grpo", "grpo_entropy", "grpo_tis", "dapo", "luffy", "srft"})
    public String objective;

    StepObjective step;
    ObjectiveBatch batch;
    Normalizers normalizers;
    TensorView logProbs;
    TensorView entropy;
    Tensor torchLogProbs;
    Tensor torchEntropy;
    TokenObjective.Output out;
    Metrics metrics;
    TensorView workspace;

    /** Draws them. */
    @Setup(Level.Trial)
    public void fill() {
      Random random = new Random(2);
      float[] logp = new float[TOKENS];
      float[] h = new float[TOKENS];
      for (int t = 0; t < TOKENS; t++) {
        logp[t] = -3 * random.nextFloat() * random.nextFloat() - 0.01f;
        h[t] = 2 * random.nextFloat();
      }
      step = StepObjective.of(objective);
      batch = ObjectiveBatch.around(logp, step);
      normalizers = Normalizers.NONE.withLength(batch.length());
      logProbs = TensorView.copyOf(logp);
      entropy = TensorView.copyOf(h);
      torchLogProbs = ObjectiveBatch.table(logp);
      torchEntropy = ObjectiveBatch.table(h);
      out =
          new TokenObjective.Output(
              TensorView.allocate(DType.FLOAT32, TOKENS),
              TensorView.allocate(DType.FLOAT32, TOKENS),
              null);
      metrics = new Metrics();
      workspace =
          TensorView.allocate(
              DType.UINT8, TokenObjective.workspaceBytes(TOKENS, ObjectiveBatch.SEQUENCES));
    }

    /** Frees what PyTorch reads. */
    @TearDown(Level.Trial)
    public void free() {
      batch.close();
      torchLogProbs.close();
      torchEntropy.close();
    }
  }

  /** One call. */
  @Benchmark
  public void plait(Batch batch) {
    TokenObjective.compute(
        Backend.cpu(),
        batch.batch.tokens(),
        batch.step.plait,
        batch.normalizers,
        batch.logProbs,
        batch.entropy,
        batch.out,
        batch.metrics,
        batch.workspace);
  }

  /** {@link StepObjective#torch} and autograd to the log-probs and entropies. */
  @Benchmark
  @SuppressWarnings("try") // the scope frees the tensors
  public long torchEager(Batch batch) {
    try (PointerScope scope = new PointerScope()) {
      return backward(batch).loss.address();
    }
  }

  /** Two leaves with their gradients. */
  record Gradients(Tensor loss, Tensor logProbs, Tensor entropy) {}

  static Gradients backward(Batch batch) {
    Tensor logProbs = batch.torchLogProbs.detach().requires_grad_(true);
    Tensor entropy = batch.torchEntropy.detach().requires_grad_(true);
    Tensor loss = batch.step.torch(new TorchLosses(batch.batch.inputs(), logProbs, entropy));
    loss.backward();
    return new Gradients(loss, logProbs, entropy);
  }
}
