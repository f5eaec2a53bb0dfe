package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.TensorView;
import org.plait.lab.oracle.GroupAdvantageOracle;
import org.plait.lab.oracle.ObjectiveSums;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * Recorded cases through {@code token_objective}, and where they give rewards {@code
 * group_advantage}; the oracle is held to the same values. Every derivative and metric is compared
 * relative to itself, the loss relative to the sum of the absolute values of its terms; zeros must
 * be exact.
 */
final class CaseSuite {

  private CaseSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    for (Case one : plan.cases()) {
      steps.add(new Step("case " + one.file() + " " + one.name(), () -> run(plan, one)));
    }
    return steps;
  }

  /** What one side made of a case. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  private record Answer(
      double @Nullable [] advantages,
      double[] c,
      double[] h,
      double loss,
      Map<String, Double> metrics) {}

  static List<Check> run(Plan plan, Case one) {
    double[] fromRewards = oracleAdvantages(one);
    TokenObjectiveOracle.Result oracle =
        TokenObjectiveOracle.evaluate(one.problem(perToken(one, fromRewards)));
    ObjectiveSums sums = oracle.sums();
    Map<String, Double> metrics = new LinkedHashMap<>();
    MetricNames.of(sums).forEach((name, value) -> metrics.put(name, value.value()));
    Answer definition = new Answer(fromRewards, oracle.c(), oracle.h(), sums.loss(), metrics);

    double[] kernelAdvantages = one.advantage() == null ? null : kernelAdvantages(plan, one);
    ObjectiveRun run =
        ObjectiveRun.of(plan.backend(), one.problem(perToken(one, kernelAdvantages)));
    Answer kernel =
        new Answer(
            kernelAdvantages,
            doubles(run.c()),
            doubles(run.h()),
            run.metrics().getOrDefault("loss", Double.NaN),
            run.metrics());
    return List.of(
        compare("token_objective", "f32", one, kernel, sums.lossMagnitude()),
        compare("oracle of token_objective", "f64", one, definition, sums.lossMagnitude()));
  }

  private static Check compare(
      String kernel, String dtype, Case one, Answer answer, double lossMagnitude) {
    Case.Expected expected = one.expected();
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    addAll(norm, expected.dLogProb(), answer.c, "dloss_dlogp");
    addAll(norm, expected.dEntropy(), answer.h, "dloss_dentropy");
    if (expected.advantages() != null && answer.advantages != null) {
      addAll(norm, expected.advantages(), answer.advantages, "advantages");
    }
    if (expected.loss() != null) {
      norm.addExact(expected.loss(), lossMagnitude, answer.loss, "loss");
    }
    expected
        .metrics()
        .forEach(
            (name, value) ->
                norm.addExact(
                    value, Math.abs(value), answer.metrics.getOrDefault(name, Double.NaN), name));
    String variant = one.file() + ": " + one.name();
    return norm.check(kernel, one.inputs().shape(), dtype, variant, one.tolerance(), false);
  }

  private static void addAll(
      ErrorNorm norm, double @Nullable [] expected, double[] found, String name) {
    for (int i = 0; expected != null && i < expected.length; i++) {
      norm.addExact(expected[i], Math.abs(expected[i]), found[i], name, i);
    }
  }

  /** The advantages of the case, given or made, as one per token. */
  private static double @Nullable [] perToken(Case one, double @Nullable [] fromRewards) {
    CaseInputs inputs = one.inputs();
    double[] given = fromRewards != null ? fromRewards : inputs.advantages();
    boolean spread = fromRewards != null || inputs.advantagePerSequence();
    return given == null || !spread
        ? given
        : TokenProblem.perToken(given, inputs.offsets(), inputs.tokens());
  }

  private static double @Nullable [] oracleAdvantages(Case one) {
    double[] rewards = one.inputs().rewards();
    int[] groups = one.inputs().groups();
    GroupAdvantage options = one.advantage();
    if (rewards == null || groups == null || options == null) {
      return null;
    }
    return GroupAdvantageOracle.evaluate(rewards, groups, count(groups), options).advantages();
  }

  private static double @Nullable [] kernelAdvantages(Plan plan, Case one) {
    double[] rewards = one.inputs().rewards();
    int[] groups = one.inputs().groups();
    GroupAdvantage options = one.advantage();
    if (rewards == null || groups == null || options == null) {
      return null;
    }
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(rewards.length, count(groups));
    options.compute(
        plan.backend(),
        ObjectiveRun.floats(rewards),
        Groups.ids(
            TensorView.copyOf(Arrays.stream(groups).asLongStream().toArray()), count(groups)),
        out,
        TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(count(groups))));
    return doubles(out.advantages().toFloats());
  }

  private static int count(int[] groups) {
    return Arrays.stream(groups).max().orElse(-1) + 1;
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
