package org.plait.lab.oracle;

import java.util.Arrays;
import org.plait.Baseline;
import org.plait.GroupAdvantage;
import org.plait.Scale;
import org.plait.Singleton;

/**
 * Definition of {@code group_advantage}: {@code (reward - baseline) / (std + epsilon)} by group, in
 * float64.
 *
 * <p>A NaN reward enters no statistic and gets 0. Where all the rewards that a mean baseline is
 * taken over are equal, the result is exactly 0, whatever the scale. The only scored member of its
 * group is treated as the options say if they use a statistic of the group: it gets 0, or its own
 * baseline is 0 and its standard deviation 1.
 */
public final class GroupAdvantageOracle {

  /**
   * The answer.
   *
   * @param advantages [n]
   * @param magnitudes [n] (|reward| + |baseline|) / (std + epsilon): what a rounding error is
   *     relative to
   * @param groupMean [groups], NaN if no member is scored
   * @param groupStd [groups], NaN if no member is scored, 0 of one
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(
      double[] advantages, double[] magnitudes, double[] groupMean, double[] groupStd) {}

  private GroupAdvantageOracle() {}

  /** Advantages of {@code rewards}, the group of reward i being {@code ids[i]} in [0, groups). */
  public static Result evaluate(double[] rewards, int[] ids, int groups, GroupAdvantage options) {
    int n = rewards.length;
    Result result =
        new Result(new double[n], new double[n], new double[groups], new double[groups]);
    double[] batch = Arrays.stream(rewards).filter(r -> !Double.isNaN(r)).toArray();
    for (int g = 0; g < groups; g++) {
      double[] group = members(rewards, ids, g);
      result.groupMean[g] = mean(group);
      result.groupStd[g] = std(group, options.sampleStd());
      for (int i = 0; i < n; i++) {
        if (ids[i] == g && !Double.isNaN(rewards[i])) {
          one(i, rewards[i], group, batch, options, result);
        }
      }
    }
    return result;
  }

  private static void one(
      int i, double reward, double[] group, double[] batch, GroupAdvantage options, Result result) {
    boolean usesGroup =
        options.baseline() == Baseline.GROUP_MEAN
            || options.baseline() == Baseline.LEAVE_ONE_OUT
            || options.scale() == Scale.GROUP_STD;
    boolean single = group.length == 1 && usesGroup;
    if (single && options.singleton() == Singleton.ZERO) {
      return;
    }
    double baseline =
        switch (options.baseline()) {
          case NONE -> 0;
          case GROUP_MEAN -> single ? 0 : mean(group);
          case LEAVE_ONE_OUT -> single ? 0 : (sum(group) - reward) / (group.length - 1);
          case BATCH_MEAN -> mean(batch);
        };
    boolean zero =
        switch (options.baseline()) {
          case NONE -> false;
          case GROUP_MEAN, LEAVE_ONE_OUT -> !single && constant(group);
          case BATCH_MEAN -> constant(batch);
        };
    if (zero) {
      return;
    }
    double divisor =
        switch (options.scale()) {
          case NONE -> 1;
          case GROUP_STD -> (single ? 1 : std(group, options.sampleStd())) + options.epsilon();
          case BATCH_STD -> std(batch, options.sampleStd()) + options.epsilon();
        };
    result.advantages[i] = (reward - baseline) / divisor;
    result.magnitudes[i] = (Math.abs(reward) + Math.abs(baseline)) / divisor;
  }

  private static double[] members(double[] rewards, int[] ids, int group) {
    double[] scored = new double[rewards.length];
    int count = 0;
    for (int i = 0; i < rewards.length; i++) {
      if (ids[i] == group && !Double.isNaN(rewards[i])) {
        scored[count++] = rewards[i];
      }
    }
    return Arrays.copyOf(scored, count);
  }

  private static boolean constant(double[] x) {
    return Arrays.stream(x).allMatch(value -> value == x[0]);
  }

  private static double sum(double[] x) {
    return Arrays.stream(x).sum();
  }

  private static double mean(double[] x) {
    if (x.length == 0) {
      return Double.NaN;
    }
    return constant(x) ? x[0] : sum(x) / x.length;
  }

  private static double std(double[] x, boolean sample) {
    if (x.length == 0) {
      return Double.NaN;
    }
    if (x.length == 1) {
      return 0;
    }
    double mean = mean(x);
    double squares = Arrays.stream(x).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / (sample ? x.length - 1 : x.length));
  }
}
