package org.plait.benchmarks;

import java.util.Locale;
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
import org.plait.ImportanceRatio;
import org.plait.RatioLevel;
import org.plait.TensorView;

/** Ratios and clip flags of 8192 tokens in 8 sequences. */
public class ImportanceRatioBenchmark extends KernelBenchmark {
  static final int TOKENS = 8192;

  /** Log-probs of two policies. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Batch {
    @Param({"token", "sequence_mean"})
    public String objective;

    RatioLevel level;
    ImportanceRatio.Options options;
    ObjectiveBatch batch;
    TensorView logProbs;
    Tensor torchLogProbs;
    ImportanceRatio.Output out;

    /** Draws them. */
    @Setup(Level.Trial)
    public void fill() {
      Random random = new Random(3);
      float[] logp = new float[TOKENS];
      for (int t = 0; t < TOKENS; t++) {
        logp[t] = -3 * random.nextFloat();
      }
      level = RatioLevel.valueOf(objective.toUpperCase(Locale.ROOT));
      options = new ImportanceRatio.Options(level, 0.05f, 0.05f, 20);
      batch = ObjectiveBatch.around(logp, StepObjective.GRPO);
      logProbs = TensorView.copyOf(logp);
      torchLogProbs = ObjectiveBatch.table(logp);
      out =
          new ImportanceRatio.Output(
              TensorView.allocate(DType.FLOAT32, TOKENS),
              null,
              TensorView.allocate(DType.UINT8, TOKENS));
    }

    /** Frees what PyTorch reads. */
    @TearDown(Level.Trial)
    public void free() {
      batch.close();
      torchLogProbs.close();
    }
  }

  /** One call. */
  @Benchmark
  public void plait(Batch batch) {
    ImportanceRatio.compute(
        Backend.cpu(), batch.batch.tokens(), batch.logProbs, batch.options, batch.out);
  }

  /** {@link #ratios}. */
  @Benchmark
  @SuppressWarnings("try") // the scope frees the tensors
  public long torchEager(Batch batch) {
    try (PointerScope scope = new PointerScope()) {
      return ratios(batch).below.address();
    }
  }

  /** Ratios, and where they leave the clip range. */
  record Ratios(Tensor ratio, Tensor below, Tensor above) {}

  /** As verl writes them for PPO and GSPO, without the gradient. */
  static Ratios ratios(Batch batch) {
    TorchLosses.Inputs inputs = batch.batch.inputs();
    Tensor exact = batch.torchLogProbs.sub(inputs.oldLogProbs());
    if (batch.level == RatioLevel.SEQUENCE_MEAN) {
      Tensor lengths = inputs.mask().sum(1).clamp_min(TorchLosses.scalar(1));
      Tensor mean = exact.mul(inputs.mask()).sum(1).div(lengths);
      exact = mean.unsqueeze(1).expand_as(exact);
    }
    Tensor ratio = TorchLosses.clamp(exact, -20, 20).exp();
    return new Ratios(
        ratio, ratio.lt(TorchLosses.scalar(0.95f)), ratio.gt(TorchLosses.scalar(1.05f)));
  }
}
