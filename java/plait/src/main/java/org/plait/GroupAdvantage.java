package org.plait;

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
 *   <li>A group without statistics (no scored rollout, say) gets 0 from any baseline or scale of
 *       its own.
 *   <li>Statistics take two passes in float64.
 * </ul>
 *
 * <p>Presets bear the names of the code that they follow. Deterministic. Immutable and thread-safe.
 *
 * @param baseline what is subtracted
 * @param scale what is divided by
 * @param singleton what the only scored member of a group gets
 * @param sampleStd whether the standard deviation divides by n - 1 (sample) or by n (population)
 * @param epsilon finite, at least 0
 * @param epsilonPlace where epsilon is added
 * @param statistics which rewards the statistics are over
 * @param zeroStdOne whether a standard deviation of 0 counts as 1
 * @param stdFloor finite, at least 0: smaller standard deviations count as this
 */
public record GroupAdvantage(
    Baseline baseline,
    Scale scale,
    Singleton singleton,
    boolean sampleStd,
    float epsilon,
    EpsilonPlace epsilonPlace,
    Statistics statistics,
    boolean zeroStdOne,
    float stdFloor) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is negative, infinite or NaN
   */
  public GroupAdvantage {
    Objects.requireNonNull(baseline, "baseline");
    Objects.requireNonNull(scale, "scale");
    Objects.requireNonNull(singleton, "singleton");
    Objects.requireNonNull(epsilonPlace, "epsilonPlace");
    Objects.requireNonNull(statistics, "statistics");
    Checks.finiteAtLeastZero("epsilon", epsilon);
    Checks.finiteAtLeastZero("stdFloor", stdFloor);
  }

  /**
   * GRPO (Shao et al. 2024, arXiv:2402.03300): group mean, sample standard deviation of the group,
   * epsilon 1e-6, 0 for a singleton. slime and SRFT, for instance.
   *
   * @return the options
   */
  public static GroupAdvantage grpo() {
    return new GroupAdvantage(
        Baseline.GROUP_MEAN,
        Scale.GROUP_STD,
        Singleton.ZERO,
        true,
        1e-6f,
        EpsilonPlace.STD,
        Statistics.ALL,
        false,
        0);
  }

  /**
   * verl's {@code grpo}, and that of LUFFY, ReLIFT and UFT with {@code grpo_use_std}: as {@link
   * #grpo()}, but a singleton gets its reward.
   *
   * @return the options
   */
  public static GroupAdvantage verlGrpo() {
    return grpo().singleton(Singleton.REWARD);
  }

  /**
   * verl's {@code grpo_vectorized}: as {@link #verlGrpo()}, with standard deviations of at least
   * 1e-3. verl takes them from sums of squares, which cancel for rewards with a large offset.
   *
   * @return the options
   */
  public static GroupAdvantage verlGrpoVectorized() {
    return verlGrpo().stdFloor(1e-3f);
  }

  /**
   * EasyR1's: as {@link #grpo()}, but a singleton is refused.
   *
   * @return the options
   */
  public static GroupAdvantage easyR1() {
    return grpo().singleton(Singleton.REFUSE);
  }

  /**
   * TRL's default, {@code scale_rewards="group"}: epsilon 1e-4.
   *
   * @return the options
   */
  public static GroupAdvantage trl() {
    return grpo().epsilon(1e-4f);
  }

  /**
   * TRL's {@code scale_rewards="batch"}: group mean, standard deviation of all rewards.
   *
   * @return the options
   */
  public static GroupAdvantage trlBatch() {
    return trl().scale(Scale.BATCH_STD);
  }

  /**
   * OAT's {@code grpo}: epsilon 1e-8.
   *
   * @return the options
   */
  public static GroupAdvantage oat() {
    return grpo().epsilon(1e-8f);
  }

  /**
   * OpenRLHF's {@code group_norm}: epsilon 1e-9.
   *
   * @return the options
   */
  public static GroupAdvantage openRlhf() {
    return grpo().epsilon(1e-9f);
  }

  /**
   * Dr.GRPO (Liu et al. 2025, arXiv:2503.20783): group mean, no scale, 0 for a singleton, whose
   * reward verl keeps instead.
   *
   * @return the options
   */
  public static GroupAdvantage drGrpo() {
    return grpo().scale(Scale.NONE);
  }

  /**
   * LUFFY's, ReLIFT's and Prefix-RFT's: group mean over rollouts and demonstrations, no scale; a
   * singleton gets its reward.
   *
   * @return the options
   */
  public static GroupAdvantage luffy() {
    return verlGrpo().scale(Scale.NONE);
  }

  /**
   * LUFFY's {@code grpo_split}: as {@link #verlGrpo()} with the statistics of the rollouts alone,
   * and 1 for a standard deviation of 0. Needs roles. Where a group has one rollout, the
   * demonstration gets its reward as well.
   *
   * @return the options
   */
  public static GroupAdvantage luffySplit() {
    return verlGrpo().statistics(Statistics.ROLLOUTS).zeroStdOne(true);
  }

  /**
   * RLOO (Ahmadian et al. 2024, arXiv:2402.14740): mean of the group's other members, no scale, 0
   * for a singleton, as in verl's {@code rloo_vectorized} and TRL.
   *
   * @return the options
   */
  public static GroupAdvantage rloo() {
    return drGrpo().baseline(Baseline.LEAVE_ONE_OUT);
  }

  /**
   * verl's {@code rloo}: as {@link #rloo()}, but a singleton gets its reward.
   *
   * @return the options
   */
  public static GroupAdvantage rlooVerl() {
    return rloo().singleton(Singleton.REWARD);
  }

  /**
   * OPO (Hao et al. 2025, arXiv:2505.23585): the baseline is the mean weighted by length, no scale.
   * Needs weights: the responses' lengths.
   *
   * @return the options
   */
  public static GroupAdvantage opo() {
    return luffy().baseline(Baseline.WEIGHTED_MEAN);
  }

  /**
   * The first half of REINFORCE++'s baseline form (arXiv:2501.03262): group mean, no scale, a
   * singleton gets its reward. The second half is to spread it over tokens and whiten them: {@link
   * TokenAdvantage#returnsToGo} and {@link Whitening#verl()}.
   *
   * @return the options
   */
  public static GroupAdvantage reinforcePlusPlusBaseline() {
    return luffy();
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
    return new GroupAdvantage(
        value,
        scale,
        singleton,
        sampleStd,
        epsilon,
        epsilonPlace,
        statistics,
        zeroStdOne,
        stdFloor);
  }

  /**
   * Changes the scale.
   *
   * @param value what is divided by
   * @return a changed copy
   */
  public GroupAdvantage scale(Scale value) {
    return new GroupAdvantage(
        baseline,
        value,
        singleton,
        sampleStd,
        epsilon,
        epsilonPlace,
        statistics,
        zeroStdOne,
        stdFloor);
  }

  /**
   * Changes what a singleton gets.
   *
   * @param value what the only scored member of a group gets
   * @return a changed copy
   */
  public GroupAdvantage singleton(Singleton value) {
    return new GroupAdvantage(
        baseline, scale, value, sampleStd, epsilon, epsilonPlace, statistics, zeroStdOne, stdFloor);
  }

  /**
   * Changes the kind of standard deviation.
   *
   * @param value true to divide by n - 1, false to divide by n
   * @return a changed copy
   */
  public GroupAdvantage sampleStd(boolean value) {
    return new GroupAdvantage(
        baseline, scale, singleton, value, epsilon, epsilonPlace, statistics, zeroStdOne, stdFloor);
  }

  /**
   * Changes epsilon.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public GroupAdvantage epsilon(float value) {
    return new GroupAdvantage(
        baseline,
        scale,
        singleton,
        sampleStd,
        value,
        epsilonPlace,
        statistics,
        zeroStdOne,
        stdFloor);
  }

  /**
   * Changes where epsilon is added.
   *
   * @param value to the standard deviation, or to its square
   * @return a changed copy
   */
  public GroupAdvantage epsilonPlace(EpsilonPlace value) {
    return new GroupAdvantage(
        baseline, scale, singleton, sampleStd, epsilon, value, statistics, zeroStdOne, stdFloor);
  }

  /**
   * Changes which rewards the statistics are over.
   *
   * @param value all, or those of rollouts
   * @return a changed copy
   */
  public GroupAdvantage statistics(Statistics value) {
    return new GroupAdvantage(
        baseline, scale, singleton, sampleStd, epsilon, epsilonPlace, value, zeroStdOne, stdFloor);
  }

  /**
   * Changes what a standard deviation of 0 counts as.
   *
   * @param value true for 1
   * @return a changed copy
   */
  public GroupAdvantage zeroStdOne(boolean value) {
    return new GroupAdvantage(
        baseline, scale, singleton, sampleStd, epsilon, epsilonPlace, statistics, value, stdFloor);
  }

  /**
   * Changes the smallest standard deviation.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public GroupAdvantage stdFloor(float value) {
    return new GroupAdvantage(
        baseline,
        scale,
        singleton,
        sampleStd,
        epsilon,
        epsilonPlace,
        statistics,
        zeroStdOne,
        value);
  }

  /**
   * What to compute from. Immutable and thread-safe.
   *
   * @param rewards FLOAT32 [n]; NaN where there is none; infinite ones are refused
   * @param groups which rewards belong together
   * @param roles UINT8 [n], the {@link Role} of each response, whose ignored ones count as
   *     unscorable; or null: all are rollouts
   * @param weights FLOAT32 [n], finite, at least 0, for {@link Baseline#WEIGHTED_MEAN}; or null
   */
  public record Input(
      TensorView rewards, Groups groups, @Nullable TensorView roles, @Nullable TensorView weights) {

    /**
     * Makes an input of rollouts without weights.
     *
     * @param rewards FLOAT32 [n]; NaN where there is none
     * @param groups which rewards belong together
     * @return the input
     */
    public static Input of(TensorView rewards, Groups groups) {
      return new Input(rewards, groups, null, null);
    }

    /**
     * Says what each response is.
     *
     * @param value UINT8 [n] of {@link Role#code()}s, which the kernel checks
     * @return a changed copy
     */
    public Input withRoles(TensorView value) {
      return new Input(rewards, groups, value, weights);
    }

    /**
     * Sets what each reward counts in the weighted mean.
     *
     * @param value FLOAT32 [n], which the kernel checks
     * @return a changed copy
     */
    public Input withWeights(TensorView value) {
      return new Input(rewards, groups, roles, value);
    }
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
   * @param in rewards, groups, roles and weights
   * @param out where to write
   * @param workspace UINT8 of at least {@link #workspaceBytes}, 8-byte aligned
   * @throws IllegalArgumentException if an argument does not fit; nothing has been written then
   * @throws PlaitException if the backend is not available
   */
  public void compute(Backend backend, Input in, Output out, TensorView workspace) {
    GroupAdvantageCall.compute(this, backend, in, out, workspace);
  }

  /**
   * Computes the advantage of every reward on the CPU, allocating the result and a workspace.
   *
   * @param in rewards, groups, roles and weights
   * @return FLOAT32 [n] in new memory
   * @throws IllegalArgumentException if an argument does not fit
   * @throws PlaitException if the native library cannot be loaded
   */
  public TensorView of(Input in) {
    Checks.present("rewards", in.rewards);
    Output out = new Output(TensorView.allocate(DType.FLOAT32, in.rewards.size(0)), null, null);
    TensorView workspace = TensorView.allocate(DType.UINT8, workspaceBytes(in.groups.count()));
    compute(Backend.cpu(), in, out, workspace);
    return out.advantages;
  }

  /**
   * As {@link #of(Input)}, of rollouts without weights.
   *
   * @param rewards FLOAT32 [n]; NaN where there is none; infinite ones are refused
   * @param groups which rewards belong together
   * @return FLOAT32 [n] in new memory
   * @throws IllegalArgumentException if an argument does not fit
   * @throws PlaitException if the native library cannot be loaded
   */
  public TensorView of(TensorView rewards, Groups groups) {
    return of(Input.of(rewards, groups));
  }
}
