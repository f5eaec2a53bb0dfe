package org.plait.benchmarks;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.plait.Backend;
import org.plait.DType;
import org.plait.LogitsGrad;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.torch.TorchPlait;

/**
 * Gradient of the logits of a loss whose derivatives by log-probability and entropy are given: the
 * backward half alone. What the forward half left behind is set up outside the measured time: four
 * floats per row for Plait, the graph for PyTorch.
 */
public class LogitsGradBenchmark extends KernelBenchmark {

  /** Derivatives by log-probability and entropy. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Derivatives {
    Tensor c;
    Tensor h;

    /** Draws them. */
    @Setup(Level.Trial)
    public void fill(LogitsState logits) {
      c = torch.randn(logits.tokens);
      h = torch.randn(logits.tokens);
    }

    /** Frees them. */
    @TearDown(Level.Trial)
    public void free() {
      c.close();
      h.close();
    }
  }

  /** Plait's forward half. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Statistics {
    TensorView state;
    TensorView c;
    TensorView h;

    /** Computes the state of every row. */
    @Setup(Level.Trial)
    public void compute(LogitsState logits, Derivatives derivatives) {
      state = TensorView.allocate(DType.FLOAT32, logits.tokens, RowStats.STATE_FLOATS);
      RowStats.compute(Backend.cpu(), logits.logits, new RowStats.Output(null, null, null, state));
      c = TorchPlait.view(derivatives.c);
      h = TorchPlait.view(derivatives.h);
    }
  }

  /** PyTorch's forward half. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Forward {
    TorchEager.Graph graph;

    /** Builds the graph, which a backward pass uses up. */
    @Setup(Level.Invocation)
    public void build(LogitsState logits, Derivatives derivatives) {
      graph = TorchEager.weightedSum(logits.tensor, logits.targets, derivatives.c, derivatives.h);
    }

    /** Frees the graph and the gradient. */
    @TearDown(Level.Invocation)
    public void free() {
      graph.close();
    }
  }

  /** One read and one write of the logits, in place. */
  @Benchmark
  public long plait(LogitsState logits, RestoredLogits restored, Statistics statistics) {
    return LogitsGrad.compute(
        Backend.cpu(),
        logits.logits,
        statistics.state,
        statistics.c,
        statistics.h,
        logits.logits.data());
  }

  /** Autograd's backward pass through {@link TorchEager#weightedSum}. */
  @Benchmark
  public void torchEager(Forward forward) {
    forward.graph.backward();
  }
}
