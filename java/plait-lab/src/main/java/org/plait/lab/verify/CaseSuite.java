package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.Metrics;
import org.plait.Objective;
import org.plait.lab.oracle.ObjectiveSums;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * Recorded cases through {@code token_objective}, and where they give rewards through what makes
 * advantages of them; the oracle is held to the same values. Every derivative and metric is
 * compared relative to itself, the loss relative to the sum of the absolute values of its terms;
 * zeros must be exact.
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

  /** What one side made of a case; the loss, c and h are empty without an objective. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  private record Answer(
      @Nullable CaseAdvantages advantages,
      double[] c,
      double[] h,
      double loss,
      double lossMagnitude,
      Map<String, Double> metrics) {

    static Answer of(@Nullable CaseAdvantages advantages) {
      return new Answer(advantages, new double[0], new double[0], Double.NaN, 0, Map.of());
    }
  }

  static List<Check> run(Plan plan, Case one) {
    CaseAdvantages kernels = CaseAdvantages.kernel(plan.kernels(), one.inputs(), one.advantage());
    CaseAdvantages definition = CaseAdvantages.oracle(one.inputs(), one.advantage());
    Objective objective = one.objective();
    if (objective == null) {
      return List.of(
          compare("advantages", "f32", one, Answer.of(kernels)),
          compare("oracle of advantages", "f64", one, Answer.of(definition)));
    }
    TokenProblem exact = one.problem(objective, perToken(one, definition));
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(exact);
    TokenProblem rounded = one.problem(objective, perToken(one, kernels));
    double magnitude = oracle.sums().lossMagnitude();
    return List.of(
        compare("token_objective", "f32", one, kernel(plan, rounded, kernels, oracle, magnitude)),
        compare("oracle of token_objective", "f64", one, definition(exact, definition, oracle)));
  }

  private static Answer definition(
      TokenProblem problem,
      @Nullable CaseAdvantages advantages,
      TokenObjectiveOracle.Result oracle) {
    ObjectiveSums sums = oracle.sums();
    Map<String, Double> metrics = new LinkedHashMap<>();
    MetricNames.of(sums).forEach((name, value) -> metrics.put(name, value.value()));
    ClipRegion region = ClipRegion.oracle(problem, oracle.gates());
    Map<String, Double> upstream = UpstreamMetrics.of(metrics, problem.objective(), region);
    upstream.forEach(metrics::putIfAbsent);
    return new Answer(
        advantages, oracle.c(), oracle.h(), sums.loss(), sums.lossMagnitude(), metrics);
  }

  private static Answer kernel(
      Plan plan,
      TokenProblem problem,
      @Nullable CaseAdvantages advantages,
      TokenObjectiveOracle.Result oracle,
      double magnitude) {
    Metrics struct = new Metrics();
    ObjectiveRun run = ObjectiveRun.of(plan.kernels(), problem, struct);
    Map<String, Double> metrics = new LinkedHashMap<>(run.metrics());
    ClipRegion region = ClipRegion.kernel(plan.kernels(), problem, oracle.gates());
    UpstreamMetrics.of(struct, problem.objective(), region).forEach(metrics::putIfAbsent);
    return new Answer(
        advantages, doubles(run.c()), doubles(run.h()), struct.loss(), magnitude, metrics);
  }

  private static Check compare(String kernel, String dtype, Case one, Answer answer) {
    Case.Expected expected = one.expected();
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    addAll(norm, expected.dLogProb(), answer.c, "dloss_dlogp");
    addAll(norm, expected.dEntropy(), answer.h, "dloss_dentropy");
    CaseAdvantages advantages = answer.advantages;
    if (expected.advantages() != null && advantages != null) {
      boolean each =
          !advantages.perToken() && expected.advantages().length != one.inputs().tokens();
      double[] found = each ? advantages.values() : advantages.atTokens(one.inputs());
      addAll(norm, expected.advantages(), found, "advantages");
    }
    if (expected.returns() != null && advantages != null && advantages.returns() != null) {
      addAll(norm, expected.returns(), advantages.returns(), "returns");
    }
    if (expected.loss() != null) {
      norm.addExact(expected.loss(), answer.lossMagnitude, answer.loss, "loss");
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
  private static double @Nullable [] perToken(Case one, @Nullable CaseAdvantages made) {
    CaseInputs inputs = one.inputs();
    if (made != null) {
      return made.atTokens(inputs);
    }
    double[] given = inputs.advantages();
    return given == null || !inputs.advantagePerSequence()
        ? given
        : TokenProblem.perToken(given, inputs.offsets(), inputs.tokens());
  }

  static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
