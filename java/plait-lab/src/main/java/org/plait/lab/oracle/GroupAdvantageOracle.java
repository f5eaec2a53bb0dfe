package org.plait.lab.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.plait.Baseline;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.Statistics;

/**
 * Definition of {@code group_advantage}: {@code (reward - baseline) / (std + epsilon)} by group, in
 * float64.
 *
 * <p>A NaN reward, or one whose role is ignored, enters no statistic and gets 0. Where all the
 * rewards that a mean baseline is taken over are equal, one of them gets exactly 0, whatever the
 * scale. A group with a single counted reward has, if the options use a statistic of the group and
 * say so, the baseline 0 and the standard deviation 1; otherwise that reward gets 0.
 */
public final class GroupAdvantageOracle {

  /**
   * The answer.
   *
   * @param advantages [n]
   * @param magnitudes [n] (|reward| + |baseline|) / (std + epsilon): what a rounding error is
   *     relative to
   * @param groupMean [groups], NaN if no member is counted
   * @param groupStd [groups], NaN if no member is counted, 0 of one
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(
      double[] advantages, double[] magnitudes, double[] groupMean, double[] groupStd) {}

  /**
   * What the advantages are made of.
   *
   * @param rewards [n], NaN where there is none
   * @param roles [n] codes of {@link org.plait.Role}, or null: all are rollouts
   * @param weights [n] of the weighted mean, or null
   * @param ids [n] group of each reward, in [0, groups)
   * @param groups how many groups there are
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Input(
      double[] rewards,
      byte @Nullable [] roles,
      double @Nullable [] weights,
      int[] ids,
      int groups) {

    boolean scored(int i) {
      return !Double.isNaN(rewards[i]) && (roles == null || roles[i] != 0);
    }

    boolean counted(int i, Statistics statistics) {
      return scored(i) && (statistics == Statistics.ALL || roles == null || roles[i] == 1);
    }

    double weight(int i) {
      return weights == null ? 1 : weights[i];
    }
  }

  private final Input input;
  private final GroupAdvantage options;

  private GroupAdvantageOracle(Input input, GroupAdvantage options) {
    this.input = input;
    this.options = options;
  }

  /** Advantages of {@code rewards}, the group of reward i being {@code ids[i]} in [0, groups). */
  public static Result evaluate(double[] rewards, int[] ids, int groups, GroupAdvantage options) {
    return evaluate(new Input(rewards, null, null, ids, groups), options);
  }

  /** Advantages of all rewards. */
  public static Result evaluate(Input input, GroupAdvantage options) {
    return new GroupAdvantageOracle(input, options).evaluate();
  }

  private Result evaluate() {
    int n = input.rewards.length;
    Result result =
        new Result(
            new double[n], new double[n], new double[input.groups], new double[input.groups]);
    int[] batch = counted(-1);
    for (int g = 0; g < input.groups; g++) {
      int[] group = counted(g);
      result.groupMean[g] = mean(group);
      result.groupStd[g] = std(group);
      if (group.length == 1 && usesGroup() && options.singleton() == Singleton.REFUSE) {
        throw new IllegalArgumentException("group " + g + " has one scored member");
      }
      for (int i = 0; i < n; i++) {
        if (input.ids[i] == g && input.scored(i)) {
          one(i, group, batch, result);
        }
      }
    }
    return result;
  }

  private boolean usesGroup() {
    return options.baseline() == Baseline.GROUP_MEAN
        || options.baseline() == Baseline.LEAVE_ONE_OUT
        || options.baseline() == Baseline.WEIGHTED_MEAN
        || options.scale() == Scale.GROUP_STD;
  }

  private void one(int i, int[] group, int[] batch, Result result) {
    boolean counted = input.counted(i, options.statistics());
    if (usesGroup() && group.length == 0) {
      return;
    }
    boolean single = group.length == 1 && usesGroup();
    if (single && counted && options.singleton() == Singleton.ZERO) {
      return;
    }
    boolean unscaled = single && options.singleton() == Singleton.REWARD;
    double reward = input.rewards[i];
    double baseline =
        switch (options.baseline()) {
          case NONE -> 0;
          case GROUP_MEAN -> unscaled ? 0 : mean(group);
          case LEAVE_ONE_OUT -> unscaled ? 0 : counted ? others(group, reward) : mean(group);
          case WEIGHTED_MEAN -> unscaled ? 0 : weightedMean(group);
          case BATCH_MEAN -> batch.length == 0 ? reward : mean(batch);
        };
    if (reward == baseline && options.baseline() != Baseline.NONE) {
      return; // exactly 0
    }
    double divisor =
        switch (options.scale()) {
          case NONE -> 1;
          case GROUP_STD -> divisor(unscaled ? 1 : std(group));
          case BATCH_STD -> batch.length == 0 ? Double.POSITIVE_INFINITY : divisor(std(batch));
        };
    result.advantages[i] = (reward - baseline) / divisor;
    result.magnitudes[i] = (Math.abs(reward) + Math.abs(baseline)) / divisor;
  }

  private double divisor(double std) {
    double scale = std == 0 && options.zeroStdOne() ? 1 : std;
    scale = Math.max(scale, options.stdFloor());
    return options.epsilonPlace() == EpsilonPlace.VARIANCE
        ? Math.sqrt(scale * scale + options.epsilon())
        : scale + options.epsilon();
  }

  /** What enters the statistics of a group, or of the batch for -1. */
  private int[] counted(int group) {
    int[] found = new int[input.rewards.length];
    int count = 0;
    for (int i = 0; i < found.length; i++) {
      if ((group < 0 || input.ids[i] == group) && input.counted(i, options.statistics())) {
        found[count++] = i;
      }
    }
    return Arrays.copyOf(found, count);
  }

  private boolean constant(int[] members) {
    return Arrays.stream(members).allMatch(i -> input.rewards[i] == input.rewards[members[0]]);
  }

  private double mean(int[] members) {
    if (members.length == 0) {
      return Double.NaN;
    }
    return constant(members)
        ? input.rewards[members[0]]
        : Arrays.stream(members).mapToDouble(i -> input.rewards[i]).sum() / members.length;
  }

  /** The mean of all members but one that has this reward. */
  private double others(int[] members, double reward) {
    return constant(members)
        ? reward
        : (Arrays.stream(members).mapToDouble(i -> input.rewards[i]).sum() - reward)
            / (members.length - 1);
  }

  private double weightedMean(int[] members) {
    double weights = Arrays.stream(members).mapToDouble(input::weight).sum();
    return constant(members) || !(weights > 0)
        ? mean(members)
        : Arrays.stream(members).mapToDouble(i -> input.weight(i) * input.rewards[i]).sum()
            / weights;
  }

  private double std(int[] members) {
    if (members.length == 0) {
      return Double.NaN;
    }
    if (members.length == 1) {
      return 0;
    }
    double mean = mean(members);
    double squares =
        Arrays.stream(members)
            .mapToDouble(i -> (input.rewards[i] - mean) * (input.rewards[i] - mean))
            .sum();
    return Math.sqrt(squares / (options.sampleStd() ? members.length - 1 : members.length));
  }
}
