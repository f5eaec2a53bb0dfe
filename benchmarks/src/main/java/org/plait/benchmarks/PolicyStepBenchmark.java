package org.plait.benchmarks;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
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
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.torch.TorchPlait;

/** GRPO's loss and its gradient: forward and backward, logits in, gradient of the logits out. */
public class PolicyStepBenchmark extends KernelBenchmark {

  /**
   * A batch of eight sequences, one step away from the policy that sampled them. Ratios stay inside
   * the clip range, because a clipped token costs Plait less: its gradient is zero.
   */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Batch {
    private static final int SEQUENCES = 8;

    @Param({"0", "0.001"})
    public float entropyBonus;

    TorchEager.PolicyInputs inputs;
    TokenBatch tokens;
    Objective objective;
    PolicyStep.Output out;
    Metrics metrics;
    TensorView workspace;

    /** Makes the batch from the logits. */
    @Setup(Level.Trial)
    public void fill(LogitsState logits) {
      int length = logits.tokens / SEQUENCES;
      Tensor oldLogProbs = torch.rand(logits.tokens);
      TensorView current = TensorView.allocate(DType.FLOAT32, logits.tokens);
      RowStats.compute(
          Backend.cpu(), logits.logits, new RowStats.Output(current, null, null, null));
      TensorView old = TorchPlait.view(oldLogProbs);
      for (int t = 0; t < logits.tokens; t++) {
        old.setFloat(t, current.getFloat(t) + 0.2f * old.getFloat(t) - 0.1f);
      }
      Tensor advantages = torch.randn(SEQUENCES);
      long[] offsets = new long[SEQUENCES + 1];
      for (int i = 0; i <= SEQUENCES; i++) {
        offsets[i] = (long) i * length;
      }
      inputs =
          new TorchEager.PolicyInputs(
              logits.targets,
              oldLogProbs,
              advantages.repeat_interleave(length),
              SEQUENCES,
              entropyBonus);
      tokens =
          TokenBatch.builder(logits.tokens)
              .offsets(TensorView.copyOf(offsets))
              .sequenceAdvantages(TorchPlait.view(advantages))
              .oldLogProbs(old)
              .build();
      objective = Objective.grpo().toBuilder().entropyBonus(entropyBonus).build();
      out = PolicyStep.Output.inPlace(logits.logits);
      metrics = new Metrics();
      workspace =
          TensorView.allocate(
              DType.UINT8, PolicyStep.workspaceBytes(tokens.tokens(), tokens.sequences()));
    }

    /** Frees what PyTorch reads. */
    @TearDown(Level.Trial)
    public void free() {
      inputs.oldLogProbs().close();
      inputs.advantages().close();
    }
  }

  /** One read and one write of the logits, in place; entropy and metrics with either bonus. */
  @Benchmark
  public void plait(LogitsState logits, RestoredLogits restored, Batch batch) {
    PolicyStep.compute(
        Backend.cpu(),
        logits.logits,
        batch.tokens,
        batch.objective,
        Normalizers.NONE,
        batch.out,
        batch.metrics,
        batch.workspace);
  }

  /** {@link TorchEager#policyLoss} and autograd; the entropy only with a bonus. */
  @Benchmark
  public void torchEager(LogitsState logits, Batch batch) {
    try (TorchEager.Graph graph = TorchEager.policyLoss(logits.tensor, batch.inputs)) {
      graph.backward();
    }
  }
}
