package org.plait;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/** The native call of {@link GroupAdvantage}. */
final class GroupAdvantageCall {
  private GroupAdvantageCall() {}

  static void compute(
      GroupAdvantage options,
      Backend backend,
      GroupAdvantage.Input in,
      GroupAdvantage.Output out,
      TensorView workspace) {
    int device = Backend.require(backend);
    Checks.present("in", in);
    Checks.present("groups", in.groups());
    Checks.present("out", out);
    long n = rewards(in.rewards(), device);
    long count = in.groups().count();
    TensorView offsets = in.groups() instanceof Groups.Offsets o ? o.offsets() : null;
    TensorView ids = in.groups() instanceof Groups.Ids i ? i.ids() : null;
    Checks.optional("roles", in.roles(), DType.UINT8, n, device);
    Checks.optional("weights", in.weights(), DType.FLOAT32, n, device);
    Checks.optional("offsets", offsets, DType.INT64, count + 1, device);
    Checks.optional("ids", ids, DType.INT64, n, device);
    Checks.output("advantages", out.advantages(), DType.FLOAT32, n, device);
    Checks.optionalOutput("groupMean", out.groupMean(), DType.FLOAT32, count, device);
    Checks.optionalOutput("groupStd", out.groupStd(), DType.FLOAT32, count, device);
    Checks.workspace(workspace, device);
    Scratch scratch = Scratch.get();
    try {
      NativeLibrary.check(
          Natives.plait_group_advantage(
              device,
              backend.stream(),
              n,
              in.rewards().address("rewards"),
              Checks.address("roles", in.roles()),
              Checks.address("weights", in.weights()),
              count,
              Checks.address("offsets", offsets),
              Checks.address("ids", ids),
              scratch.pack(options),
              out.advantages().address("advantages"),
              Checks.address("groupMean", out.groupMean()),
              Checks.address("groupStd", out.groupStd()),
              workspace.address("workspace"),
              workspace.size(0)));
    } finally {
      Reference.reachabilityFence(in);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(workspace);
    }
  }

  /** How many rewards there are. */
  private static long rewards(@Nullable TensorView rewards, int device) {
    if (rewards == null || rewards.dtype() != DType.FLOAT32 || rewards.rank() != 1) {
      throw Checks.unexpected("rewards", "FLOAT32 [n]", rewards);
    }
    Checks.device("rewards", rewards, device);
    return rewards.size(0);
  }
}
