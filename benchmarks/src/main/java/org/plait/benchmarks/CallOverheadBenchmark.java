package org.plait.benchmarks;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;
import org.plait.internal.StructWriter;
import org.plait.internal.Structs;

/**
 * What a call from Java costs beyond the same call from C, which {@code native/call_overhead.c}
 * times: row statistics of no tokens, and advantages of one group of 8 rewards. {@code raw} is the
 * JNI function alone, without the API's checks.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallOverheadBenchmark extends KernelBenchmark {
  private static final int CPU = -1;

  /** Row statistics of no tokens. */
  @State(Scope.Benchmark)
  public static class NoTokens {
    final TensorView data = TensorView.allocate(DType.FLOAT32, 0, 32000);
    final Logits logits = Logits.of(data, TensorView.allocate(DType.INT64, 0));
    final RowStats.Output out = RowStats.Output.allocate(0);
    final ByteBuffer struct = Structs.allocate(Structs.LOGITS_SIZE);
    final TensorView badTargets = TensorView.allocate(DType.INT64, 1);
    final TensorView vector = TensorView.allocate(DType.FLOAT32, 1);
    long structAddress;

    /** Packs the structure of the raw call. */
    @Setup(Level.Trial)
    public void pack() {
      StructWriter.put(struct, logits);
      structAddress = NativeLibrary.address(struct, 1);
    }
  }

  /** One group. */
  @State(Scope.Benchmark)
  public static class OneGroup {
    final TensorView rewards = TensorView.copyOf(1, 0, 0, 1, 0, 0, 0, 1f);
    final TensorView offsets = TensorView.copyOf(0L, 8L);
    final GroupAdvantage.Input input = GroupAdvantage.Input.of(rewards, Groups.offsets(offsets));
    final GroupAdvantage grpo = GroupAdvantage.grpo();
    final GroupAdvantage.Output out =
        new GroupAdvantage.Output(TensorView.allocate(DType.FLOAT32, 8), null, null);
    final TensorView workspace = TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(1));
    final ByteBuffer struct = Structs.allocate(Structs.ADVANTAGE_OPTIONS_SIZE);
    long structAddress;

    /** Packs the structure of the raw call. */
    @Setup(Level.Trial)
    public void pack() {
      StructWriter.put(struct, grpo);
      structAddress = NativeLibrary.address(struct, 1);
    }
  }

  /** The API. */
  @Benchmark
  public long rowStats(NoTokens call) {
    return RowStats.compute(Backend.cpu(), call.logits, call.out);
  }

  /** JNI alone. */
  @Benchmark
  public int rowStatsRaw(NoTokens call) {
    long vector = call.vector.address();
    return Natives.plait_row_stats(
        CPU, 0, call.structAddress, vector, vector, vector, vector, call.badTargets.address());
  }

  /** The API. */
  @Benchmark
  public void groupAdvantage(OneGroup call) {
    call.grpo.compute(Backend.cpu(), call.input, call.out, call.workspace);
  }

  /** JNI alone. */
  @Benchmark
  public int groupAdvantageRaw(OneGroup call) {
    return Natives.plait_group_advantage(
        CPU,
        0,
        call.rewards.elements(),
        call.rewards.address(),
        0,
        0,
        1,
        call.offsets.address(),
        0,
        call.structAddress,
        call.out.advantages().address(),
        0,
        0,
        call.workspace.address(),
        call.workspace.elements());
  }
}
