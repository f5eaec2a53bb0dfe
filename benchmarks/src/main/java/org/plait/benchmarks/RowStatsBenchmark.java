package org.plait.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.plait.Backend;
import org.plait.DType;
import org.plait.RowStats;
import org.plait.TensorView;

/** Log-probability of the target and entropy of every row. */
public class RowStatsBenchmark extends KernelBenchmark {

  /** Where the kernel writes. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Outputs {
    RowStats.Output out;

    /** Allocates them. */
    @Setup(Level.Trial)
    public void allocate(LogitsState logits) {
      out =
          new RowStats.Output(
              TensorView.allocate(DType.FLOAT32, logits.tokens),
              TensorView.allocate(DType.FLOAT32, logits.tokens),
              null,
              null);
    }
  }

  /** One read of the logits. */
  @Benchmark
  public long plait(LogitsState logits, Outputs outputs) {
    return RowStats.compute(Backend.cpu(), logits.logits, outputs.out);
  }

  /** {@link TorchEager#rowStats}. */
  @Benchmark
  public long torchEager(LogitsState logits) {
    try (TorchEager.RowStats stats = TorchEager.rowStats(logits.tensor, logits.targets)) {
      return stats.entropy().address();
    }
  }
}
