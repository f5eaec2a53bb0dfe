package org.plait.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.plait.Bandwidth;
import org.plait.DType;
import org.plait.TensorView;

/** The machine's memory bandwidth over the very memory of the logits: the roofs of the kernels. */
public class BandwidthBenchmark extends KernelBenchmark {

  /** The bytes of the logits as floats, whatever their type. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Floats {
    TensorView view;

    /** Views the logits. */
    @Setup(Level.Trial)
    public void view(LogitsState logits) {
      view =
          TensorView.ofAddress(
              logits.logits.data().address(),
              DType.FLOAT32,
              new long[] {logits.bytes() / DType.FLOAT32.bytes()},
              1,
              -1,
              logits.tensor);
    }
  }

  /** The roof of row statistics. */
  @Benchmark
  public double read(Floats floats) {
    return Bandwidth.read(floats.view);
  }

  /** The roof of kernels in place, from the caches that they find. */
  @Benchmark
  public void scale(RestoredLogits restored, Floats floats) {
    Bandwidth.scale(floats.view, 1);
  }
}
