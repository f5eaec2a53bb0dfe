package org.plait.benchmarks;

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
import org.plait.PolicyStep;
import org.plait.RowStats;
import org.plait.TensorView;

/** A loss and its gradient: forward and backward, logits in, gradient of the logits out. */
public class PolicyStepBenchmark extends KernelBenchmark {

  /** A batch around the policy that the logits are of. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Batch {
    @Param({"sft", "grpo", "grpo_entropy", "dapo", "luffy", "srft"})
    public String objective;

    StepObjective step;
    ObjectiveBatch batch;
    Normalizers normalizers;
    PolicyStep.Output out;
    Metrics metrics;
    TensorView workspace;

    /** Makes the batch from the logits. */
    @Setup(Level.Trial)
    public void fill(LogitsState logits) {
      TensorView current = TensorView.allocate(DType.FLOAT32, logits.tokens);
      RowStats.compute(
          Backend.cpu(), logits.logits, new RowStats.Output(current, null, null, null));
      step = StepObjective.of(objective);
      batch = ObjectiveBatch.around(current.toFloats(), step);
      normalizers = Normalizers.NONE.withLength(batch.length());
      out = PolicyStep.Output.inPlace(logits.logits);
      metrics = new Metrics();
      workspace =
          TensorView.allocate(
              DType.UINT8, PolicyStep.workspaceBytes(logits.tokens, ObjectiveBatch.SEQUENCES));
    }

    /** Frees what PyTorch reads. */
    @TearDown(Level.Trial)
    public void free() {
      batch.close();
    }
  }

  /** One read and one write of the logits, in place; entropy and metrics with any objective. */
  @Benchmark
  public void plait(LogitsState logits, RestoredLogits restored, Batch batch) {
    PolicyStep.compute(
        Backend.cpu(),
        logits.logits,
        batch.batch.tokens(),
        batch.step.plait,
        batch.normalizers,
        batch.out,
        batch.metrics,
        batch.workspace);
  }

  /** {@link TorchEager#policyLoss} and autograd; the entropy only where the loss uses it. */
  @Benchmark
  public void torchEager(LogitsState logits, Batch batch) {
    try (TorchEager.Graph graph =
        TorchEager.policyLoss(logits.tensor, logits.targets, batch.batch.inputs(), batch.step)) {
      graph.backward();
    }
  }
}
