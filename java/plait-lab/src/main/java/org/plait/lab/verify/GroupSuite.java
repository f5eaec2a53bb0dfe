package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.plait.Baseline;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.TensorView;
import org.plait.lab.oracle.GroupAdvantageOracle;

/**
 * {@code group_advantage} against the oracle: it computes in float64, so nothing but one rounding
 * to float32 is allowed.
 */
final class GroupSuite {

  /**
   * Relative to (|reward| + |baseline|) / (std + epsilon): differences of the order of float64
   * sums.
   */
  private static final double LIMIT = 1e-12;

  /** Rewards and the group of each. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  private record Rewards(double[] rewards, int[] ids, int groups) {}

  private GroupSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    samples()
        .forEach(
            (name, rewards) ->
                steps.add(new Step("groups " + name, () -> run(plan, name, rewards))));
    return steps;
  }

  private static Map<String, Rewards> samples() {
    Map<String, Rewards> samples = new LinkedHashMap<>();
    double nan = Double.NaN;
    samples.put("none", new Rewards(new double[0], new int[0], 0));
    samples.put("none in two groups", new Rewards(new double[0], new int[0], 2));
    samples.put("one", grouped(new double[][] {{0.5}}));
    samples.put("pairs", grouped(new double[][] {{1, 0}, {0, 0}, {1, 1}, {-1, 3}}));
    samples.put(
        "constant tenths", grouped(new double[][] {filled(7, 0.1), filled(11, 0.7), {1, 0, 1}}));
    samples.put("all equal", grouped(new double[][] {filled(9, 0.3), filled(4, 0.3)}));
    samples.put(
        "large offset",
        grouped(new double[][] {{1000, 1000.001, 1000.002, 1000.003}, {1e6, 1e6 + 1}}));
    samples.put(
        "unscorable",
        grouped(new double[][] {{nan, 1, 0, nan}, {nan}, {nan, 2}, {}, {1, 2, 3}, {nan, nan}}));
    samples.put("nothing scorable", grouped(new double[][] {{nan, nan}, {nan}}));
    samples.put("singletons", grouped(new double[][] {{1}, {0}, {-2}, {0.25}}));
    SplittableRandom random = new SplittableRandom(5);
    double[][] many = new double[60][];
    for (int g = 0; g < many.length; g++) {
      many[g] = new double[random.nextInt(1, 17)];
      boolean binary = g % 2 == 0;
      for (int i = 0; i < many[g].length; i++) {
        double value = binary ? random.nextInt(2) : 3 * Scenario.gaussian(random) + g;
        many[g][i] = random.nextInt(20) == 0 ? nan : (float) value;
      }
    }
    samples.put("many", grouped(many));
    return samples;
  }

  private static double[] filled(int n, double value) {
    double[] result = new double[n];
    Arrays.fill(result, value);
    return result;
  }

  private static Rewards grouped(double[][] groups) {
    int n = Arrays.stream(groups).mapToInt(group -> group.length).sum();
    double[] rewards = new double[n];
    int[] ids = new int[n];
    int at = 0;
    for (int g = 0; g < groups.length; g++) {
      for (double reward : groups[g]) {
        rewards[at] = (float) reward;
        ids[at++] = g;
      }
    }
    return new Rewards(rewards, ids, groups.length);
  }

  private static List<Check> run(Plan plan, String name, Rewards rewards) {
    List<Check> checks = new ArrayList<>();
    for (Baseline baseline : Baseline.values()) {
      for (Scale scale : Scale.values()) {
        for (Singleton singleton : Singleton.values()) {
          for (boolean sample : new boolean[] {false, true}) {
            float epsilon = sample ? 1e-6f : 1e-4f;
            GroupAdvantage options =
                new GroupAdvantage(baseline, scale, singleton, sample, epsilon);
            String variant = name + ", " + describe(options);
            checks.addAll(compare(plan, rewards, options, variant));
          }
        }
      }
    }
    return checks;
  }

  private static String describe(GroupAdvantage options) {
    return JsonFields.lower(options.baseline())
        + " by "
        + JsonFields.lower(options.scale())
        + ", singleton "
        + JsonFields.lower(options.singleton())
        + (options.sampleStd() ? ", sample" : "");
  }

  private static List<Check> compare(
      Plan plan, Rewards rewards, GroupAdvantage options, String variant) {
    int n = rewards.rewards.length;
    GroupAdvantageOracle.Result oracle =
        GroupAdvantageOracle.evaluate(rewards.rewards, rewards.ids, rewards.groups, options);
    TensorView workspace =
        TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(rewards.groups));
    TensorView values = ObjectiveRun.floats(rewards.rewards);
    GroupAdvantage.Output sorted = GroupAdvantage.Output.allocate(n, rewards.groups);
    options.compute(plan.backend(), values, Groups.offsets(offsets(rewards)), sorted, workspace);
    // By ids, in another order of the rewards: every second one first.
    int[] order = new int[n];
    Arrays.setAll(order, i -> 2 * i < n ? 2 * i : 2 * (i - (n + 1) / 2) + 1);
    GroupAdvantage.Output shuffled = GroupAdvantage.Output.allocate(n, rewards.groups);
    options.compute(
        plan.backend(),
        ObjectiveRun.floats(Arrays.stream(order).mapToDouble(i -> rewards.rewards[i]).toArray()),
        Groups.ids(
            TensorView.copyOf(Arrays.stream(order).mapToLong(i -> rewards.ids[i]).toArray()),
            rewards.groups),
        shuffled,
        workspace);
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    for (int i = 0; i < n; i++) {
      add(norm, oracle, i, sorted.advantages().getFloat(i));
      add(norm, oracle, order[i], shuffled.advantages().getFloat(i));
    }
    ErrorNorm statistics = new ErrorNorm(Precision.FLOAT32);
    for (GroupAdvantage.Output out : List.of(sorted, shuffled)) {
      for (int g = 0; g < rewards.groups; g++) {
        double mean = oracle.groupMean()[g];
        double magnitude = Math.abs(mean) + oracle.groupStd()[g];
        statistics.add(mean, magnitude, RowResults.given(out.groupMean()).getFloat(g), 0, g);
        double std = oracle.groupStd()[g];
        statistics.add(std, magnitude, RowResults.given(out.groupStd()).getFloat(g), 0, g);
      }
    }
    String shape = n + " in " + rewards.groups;
    boolean zero = Arrays.stream(oracle.advantages()).allMatch(a -> a == 0);
    boolean none = rewards.groups == 0;
    return List.of(
        norm.check("group_advantage", shape, "f32", variant, LIMIT, zero),
        statistics.check("group_advantage", shape, "f32", variant + ": statistics", LIMIT, none));
  }

  private static void add(ErrorNorm norm, GroupAdvantageOracle.Result oracle, int i, float kernel) {
    // A zero is exactly zero: its magnitude is 0, and so is what is allowed.
    norm.add(oracle.advantages()[i], oracle.magnitudes()[i], kernel, 0, i);
  }

  private static TensorView offsets(Rewards rewards) {
    long[] offsets = new long[rewards.groups + 1];
    for (int id : rewards.ids) {
      offsets[id + 1]++;
    }
    for (int g = 0; g < rewards.groups; g++) {
      offsets[g + 1] += offsets[g];
    }
    return TensorView.copyOf(offsets);
  }
}
