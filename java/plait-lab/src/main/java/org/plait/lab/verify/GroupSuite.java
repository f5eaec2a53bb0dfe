package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.Baseline;
import org.plait.DType;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.Statistics;
import org.plait.TensorView;
import org.plait.lab.oracle.GroupAdvantageOracle;
import org.plait.lab.verify.GroupSamples.Rewards;

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

  private GroupSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    GroupSamples.all()
        .forEach(
            (name, rewards) ->
                steps.add(new Step("groups " + name, () -> run(plan, name, rewards))));
    if (plan.refusesValues()) {
      steps.add(new Step("groups refused", () -> List.of(refused(plan))));
    }
    return steps;
  }

  private static List<Check> run(Plan plan, String name, Rewards rewards) {
    List<Check> checks = new ArrayList<>();
    for (GroupAdvantage options : plain()) {
      checks.addAll(compare(plan, rewards, options, false, name + ", " + describe(options)));
    }
    for (GroupAdvantage options : special()) {
      for (boolean roles : new boolean[] {false, true}) {
        String variant = name + ", " + describe(options) + (roles ? ", roles" : "");
        checks.addAll(compare(plan, rewards, options, roles, variant));
      }
    }
    AdvantagePresets.all()
        .forEach(
            (preset, options) -> {
              if (options.singleton() != Singleton.REFUSE) {
                checks.addAll(compare(plan, rewards, options, true, name + ", " + preset));
              }
            });
    return checks;
  }

  /** Every baseline by every scale. */
  private static List<GroupAdvantage> plain() {
    List<GroupAdvantage> all = new ArrayList<>();
    for (Baseline baseline : Baseline.values()) {
      for (Scale scale : Scale.values()) {
        for (Singleton singleton : List.of(Singleton.ZERO, Singleton.REWARD)) {
          for (boolean sample : new boolean[] {false, true}) {
            all.add(
                GroupAdvantage.grpo()
                    .baseline(baseline)
                    .scale(scale)
                    .singleton(singleton)
                    .sampleStd(sample)
                    .epsilon(sample ? 1e-6f : 1e-4f));
          }
        }
      }
    }
    return all;
  }

  /** What some baselines and scales are combined with. */
  private static List<GroupAdvantage> special() {
    List<GroupAdvantage> all = new ArrayList<>();
    for (Baseline baseline : Baseline.values()) {
      for (Scale scale : Scale.values()) {
        GroupAdvantage base = GroupAdvantage.verlGrpo().baseline(baseline).scale(scale);
        all.add(base.epsilonPlace(EpsilonPlace.VARIANCE));
        all.add(base.stdFloor(0.25f));
        all.add(base.zeroStdOne(true));
        all.add(base.statistics(Statistics.ROLLOUTS).zeroStdOne(true));
        all.add(base.statistics(Statistics.ROLLOUTS).singleton(Singleton.ZERO).stdFloor(0.1f));
      }
    }
    return all;
  }

  private static String describe(GroupAdvantage options) {
    Map<String, Boolean> extras = new LinkedHashMap<>();
    extras.put(", sample", options.sampleStd());
    extras.put(", epsilon in the variance", options.epsilonPlace() == EpsilonPlace.VARIANCE);
    extras.put(", floor " + options.stdFloor(), options.stdFloor() > 0);
    extras.put(", zero std as one", options.zeroStdOne());
    extras.put(", rollouts' statistics", options.statistics() == Statistics.ROLLOUTS);
    StringBuilder text = new StringBuilder();
    text.append(JsonFields.lower(options.baseline()))
        .append(" by ")
        .append(JsonFields.lower(options.scale()))
        .append(", singleton ")
        .append(JsonFields.lower(options.singleton()));
    extras.forEach((words, there) -> text.append(there ? words : ""));
    return text.toString();
  }

  /** Judges what the kernel makes of rewards, given by offsets and by ids. */
  static List<Check> compare(
      Plan plan, Rewards rewards, GroupAdvantage options, boolean withRoles, String variant) {
    int n = rewards.rewards().length;
    boolean weighted = options.baseline() == Baseline.WEIGHTED_MEAN;
    byte[] roles = withRoles ? rewards.roles() : null;
    double[] weights = weighted ? rewards.weights() : null;
    GroupAdvantageOracle.Result oracle =
        GroupAdvantageOracle.evaluate(
            new GroupAdvantageOracle.Input(
                rewards.rewards(), roles, weights, rewards.ids(), rewards.groups()),
            options);
    int[] sorted = new int[n];
    Arrays.setAll(sorted, i -> i);
    // By ids, in another order of the rewards: every second one first.
    int[] order = new int[n];
    Arrays.setAll(order, i -> 2 * i < n ? 2 * i : 2 * (i - (n + 1) / 2) + 1);
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    ErrorNorm statistics = new ErrorNorm(Precision.FLOAT32);
    for (boolean byId : new boolean[] {false, true}) {
      int[] at = byId ? order : sorted;
      long[] ids = Arrays.stream(at).mapToLong(i -> rewards.ids()[i]).toArray();
      Groups groups =
          byId
              ? Groups.ids(TensorView.copyOf(ids), rewards.groups())
              : Groups.offsets(offsets(rewards));
      GroupAdvantage.Output out = GroupAdvantage.Output.allocate(n, rewards.groups());
      plan.kernels()
          .groupAdvantage(
              options, input(rewards, groups, at, roles, weights), out, workspace(rewards));
      for (int i = 0; i < n; i++) {
        // A zero is exactly zero: its magnitude is 0, and so is what is allowed.
        float kernel = out.advantages().getFloat(i);
        norm.add(oracle.advantages()[at[i]], oracle.magnitudes()[at[i]], kernel, 0, at[i]);
      }
      for (int g = 0; g < rewards.groups(); g++) {
        double mean = oracle.groupMean()[g];
        double std = oracle.groupStd()[g];
        double magnitude = Math.abs(mean) + std;
        statistics.add(mean, magnitude, RowResults.given(out.groupMean()).getFloat(g), 0, g);
        statistics.add(std, magnitude, RowResults.given(out.groupStd()).getFloat(g), 0, g);
      }
    }
    String shape = n + " in " + rewards.groups();
    boolean zero = Arrays.stream(oracle.advantages()).allMatch(a -> a == 0);
    boolean none = rewards.groups() == 0;
    return List.of(
        norm.check("group_advantage", shape, "f32", variant, LIMIT, zero),
        statistics.check("group_advantage", shape, "f32", variant + ": statistics", LIMIT, none));
  }

  private static GroupAdvantage.Input input(
      Rewards rewards,
      Groups groups,
      int[] order,
      byte @Nullable [] roles,
      double @Nullable [] weights) {
    GroupAdvantage.Input input =
        GroupAdvantage.Input.of(
            ObjectiveRun.floats(
                Arrays.stream(order).mapToDouble(i -> rewards.rewards()[i]).toArray()),
            groups);
    if (roles != null) {
      byte[] ordered = new byte[order.length];
      for (int i = 0; i < order.length; i++) {
        ordered[i] = roles[order[i]];
      }
      input = input.withRoles(ObjectiveRun.bytes(ordered));
    }
    if (weights != null) {
      input =
          input.withWeights(
              ObjectiveRun.floats(Arrays.stream(order).mapToDouble(i -> weights[i]).toArray()));
    }
    return input;
  }

  private static TensorView workspace(Rewards rewards) {
    return TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(rewards.groups()));
  }

  private static TensorView offsets(Rewards rewards) {
    long[] offsets = new long[rewards.groups() + 1];
    for (int id : rewards.ids()) {
      offsets[id + 1]++;
    }
    for (int g = 0; g < rewards.groups(); g++) {
      offsets[g + 1] += offsets[g];
    }
    return TensorView.copyOf(offsets);
  }

  /** A group of one is refused if the options say so, and nothing is written then. */
  private static Check refused(Plan plan) {
    Rewards rewards = GroupSamples.all().get("unscorable");
    if (rewards == null) {
      throw new IllegalStateException("there is no such sample");
    }
    int n = rewards.rewards().length;
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(n, rewards.groups());
    for (int i = 0; i < n; i++) {
      out.advantages().setFloat(i, 123);
    }
    String found = "a group of one was accepted";
    try {
      plan.kernels()
          .groupAdvantage(
              GroupAdvantage.grpo().singleton(Singleton.REFUSE),
              GroupAdvantage.Input.of(
                  ObjectiveRun.floats(rewards.rewards()), Groups.offsets(offsets(rewards))),
              out,
              workspace(rewards));
    } catch (IllegalArgumentException e) {
      found = out.advantages().getFloat(0) == 123 ? "" : "an advantage was written";
    }
    return Check.exact("group_advantage", "", "f32", "singleton refused", found.isEmpty(), found);
  }
}
