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
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.TensorView;
import org.plait.torch.TorchPlait;

/** GRPO advantages of 1024 groups of 8 rewards. */
public class GroupAdvantageBenchmark extends KernelBenchmark {

  /** Rewards, groups and outputs. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Batch {
    static final int GROUP_SIZE = 8;

    int count = 1024;
    final GroupAdvantage grpo = GroupAdvantage.grpo();
    Tensor rewards;
    GroupAdvantage.Input input;
    GroupAdvantage.Output out;
    TensorView workspace;

    /** Draws the rewards. */
    @Setup(Level.Trial)
    public void fill() {
      torch.manual_seed(1);
      rewards = torch.rand((long) count * GROUP_SIZE);
      TensorView view = TorchPlait.view(rewards);
      long[] offsets = new long[count + 1];
      for (int i = 0; i <= count; i++) {
        offsets[i] = (long) i * GROUP_SIZE;
      }
      input = GroupAdvantage.Input.of(view, Groups.offsets(TensorView.copyOf(offsets)));
      out =
          new GroupAdvantage.Output(
              TensorView.allocate(DType.FLOAT32, view.elements()), null, null);
      workspace = TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(count));
    }

    /** Frees the rewards. */
    @TearDown(Level.Trial)
    public void free() {
      rewards.close();
    }
  }

  /** One call. */
  @Benchmark
  public void plait(Batch batch) {
    batch.grpo.compute(Backend.cpu(), batch.input, batch.out, batch.workspace);
  }

  /** {@link TorchEager#groupAdvantage}. */
  @Benchmark
  public long torchEager(Batch batch) {
    try (Tensor advantages =
        TorchEager.groupAdvantage(batch.rewards, batch.count, batch.grpo.epsilon())) {
      return advantages.address();
    }
  }
}
