package org.plait;

import java.lang.ref.Reference;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Rewards to advantages, by group: {@code advantage = (reward - baseline) / (std + epsilon)}.
 *
 * <ul>
 *   <li>A NaN reward marks a response that could not be scored: it enters no statistic and gets 0.
 *   <li>A group whose scored rewards are all equal gets exactly 0 from a mean or leave-one-out
 *       baseline, not a rounding residue blown up by the division.
 *   <li>Statistics take two passes in float64.
 * </ul>
 *
 * <p>Deterministic. Immutable and thread-safe.
 *
 * @param baseline what is subtracted
 * @param scale what is divided by
 * @param singleton what the only scored member of a group gets
 * @param sampleStd whether the standard deviation divides by n - 1 (sample) or by n (population)
 * @param epsilon finite, at least 0, added to the standard deviation
 */
public record GroupAdvantage(
    Baseline baseline, Scale scale, Singleton singleton, boolean sampleStd, float epsilon) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if epsilon is negative, infinite or NaN
   */
  public GroupAdvantage {
    Objects.requireNonNull(baseline, "baseline");
    Objects.requireNonNull(scale, "scale");
    Objects.requireNonNull(singleton, "singleton");
    Checks.that(
        epsilon >= 0 && epsilon < Float.POSITIVE_INFINITY,
        "epsilon",
        "a finite number of at least 0",
        epsilon);
  }

  /**
   * GRPO (Shao et al. 2024, arXiv:2402.03300): group mean, sample standard deviation of the group,
   * epsilon 1e-6, 0 for a singleton.
   *
   * @return the options
   */
  public static GroupAdvantage grpo() {
    return new GroupAdvantage(Baseline.GROUP_MEAN, Scale.GROUP_STD, Singleton.ZERO, true, 1e-6f);
  }

  /**
   * Dr.GRPO (Liu et al. 2025, arXiv:2503.20783): group mean, no scale, 0 for a singleton.
   *
   * @return the options
   */
  public static GroupAdvantage drGrpo() {
    return grpo().scale(Scale.NONE);
  }

  /**
   * RLOO (Ahmadian et al. 2024, arXiv:2402.14740): mean of the group's other members, no scale, 0
   * for a singleton.
   *
   * @return the options
   */
  public static GroupAdvantage rloo() {
    return drGrpo().baseline(Baseline.LEAVE_ONE_OUT);
  }

  /**
   * Rewards standardised over the whole batch: its mean, its sample standard deviation, epsilon
   * 1e-6.
   *
   * @return the options
   */
  public static GroupAdvantage standardised() {
    return grpo().baseline(Baseline.BATCH_MEAN).scale(Scale.BATCH_STD);
  }

  /**
   * Changes the baseline.
   *
   * @param value what is subtracted
   * @return a changed copy
   */
  public GroupAdvantage baseline(Baseline value) {
    return new GroupAdvantage(value, scale, singleton, sampleStd, epsilon);
  }

  /**
   * Changes the scale.
   *
   * @param value what is divided by
   * @return a changed copy
   */
  public GroupAdvantage scale(Scale value) {
    return new GroupAdvantage(baseline, value, singleton, sampleStd, epsilon);
  }

  /**
   * Changes what a singleton gets.
   *
   * @param value what the only scored member of a group gets
   * @return a changed copy
   */
  public GroupAdvantage singleton(Singleton value) {
    return new GroupAdvantage(baseline, scale, value, sampleStd, epsilon);
  }

  /**
   * Changes the kind of standard deviation.
   *
   * @param value true to divide by n - 1, false to divide by n
   * @return a changed copy
   */
  public GroupAdvantage sampleStd(boolean value) {
    return new GroupAdvantage(baseline, scale, singleton, value, epsilon);
  }

  /**
   * Changes epsilon.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public GroupAdvantage epsilon(float value) {
    return new GroupAdvantage(baseline, scale, singleton, sampleStd, value);
  }

  /**
   * Where results go. Outputs overlap nothing else. Immutable and thread-safe.
   *
   * @param advantages FLOAT32 [n]
   * @param groupMean FLOAT32 [groups], mean of the scored members, NaN if there are none; or null
   * @param groupStd FLOAT32 [groups], their standard deviation, 0 of one, NaN of none; or null
   */
  public record Output(
      TensorView advantages, @Nullable TensorView groupMean, @Nullable TensorView groupStd) {

    /**
     * Allocates all three on the CPU.
     *
     * @param rewards n
     * @param groups number of groups
     * @return outputs in new memory
     */
    public static Output allocate(long rewards, long groups) {
      return new Output(
          TensorView.allocate(DType.FLOAT32, rewards),
          TensorView.allocate(DType.FLOAT32, groups),
          TensorView.allocate(DType.FLOAT32, groups));
    }
  }

  /**
   * Returns the size of the workspace of {@link #compute}.
   *
   * @param groups number of groups
   * @return bytes
   * @throws PlaitException if the native library cannot be loaded
   */
  public static long workspaceBytes(long groups) {
    if (groups < 0) {
      throw new IllegalArgumentException("groups: expected at least 0, got " + groups);
    }
    NativeLibrary.require();
    return Natives.plait_group_advantage_workspace_bytes(groups);
  }

  /**
   * Computes the advantage of every reward.
   *
   * @param backend where the views are and the kernel runs
   * @param rewards FLOAT32 [n]; NaN where there is none; infinite ones are refused
   * @param groups which rewards belong together
   * @param out where to write
   * @param workspace UINT8 of at least {@link #workspaceBytes}, 8-byte aligned
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public void compute(
      Backend backend, TensorView rewards, Groups groups, Output out, TensorView workspace) {
    int device = Backend.require(backend);
    Checks.present("groups", groups);
    Checks.present("out", out);
    if (rewards == null || rewards.dtype() != DType.FLOAT32 || rewards.rank() != 1) {
      throw Checks.unexpected("rewards", "FLOAT32 [rewards]", rewards);
    }
    Checks.device("rewards", rewards, device);
    long n = rewards.size(0);
    long count = groups.count();
    TensorView offsets = groups instanceof Groups.Offsets o ? o.offsets() : null;
    TensorView ids = groups instanceof Groups.Ids i ? i.ids() : null;
    Checks.optional("offsets", offsets, DType.INT64, count + 1, device);
    Checks.optional("ids", ids, DType.INT64, n, device);
    Checks.output("advantages", out.advantages, DType.FLOAT32, n, device);
    Checks.optionalOutput("groupMean", out.groupMean, DType.FLOAT32, count, device);
    Checks.optionalOutput("groupStd", out.groupStd, DType.FLOAT32, count, device);
    Checks.workspace(workspace, device);
    Scratch scratch = Scratch.get();
    try {
      NativeLibrary.check(
          Natives.plait_group_advantage(
              device,
              0,
              n,
              rewards.address(),
              count,
              Checks.address(offsets),
              Checks.address(ids),
              scratch.pack(this),
              out.advantages.address(),
              Checks.address(out.groupMean),
              Checks.address(out.groupStd),
              workspace.address(),
              workspace.size(0)));
    } finally {
      Reference.reachabilityFence(rewards);
      Reference.reachabilityFence(groups);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(workspace);
    }
  }

  /**
   * Computes the advantage of every reward on the CPU, allocating the result and a workspace.
   *
   * @param rewards FLOAT32 [n]; NaN where there is none; infinite ones are refused
   * @param groups which rewards belong together
   * @return FLOAT32 [n] in new memory
   * @throws IllegalArgumentException if an argument does not fit
   * @throws PlaitException if the native library cannot be loaded
   */
  public TensorView of(TensorView rewards, Groups groups) {
    Checks.present("rewards", rewards);
    Output out = new Output(TensorView.allocate(DType.FLOAT32, rewards.size(0)), null, null);
    TensorView workspace = TensorView.allocate(DType.UINT8, workspaceBytes(groups.count()));
    compute(Backend.cpu(), rewards, groups, out, workspace);
    return out.advantages;
  }
}
