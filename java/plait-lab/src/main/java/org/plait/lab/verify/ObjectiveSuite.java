package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.plait.Objective;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * {@code token_objective} against the oracle, at 1e-6 relative to the sum of the absolute values of
 * the terms of each output; and the oracle itself against PyTorch's autograd in float64, and
 * against finite differences of its own loss.
 */
final class ObjectiveSuite {

  /** Relative, for float32 objectives. */
  static final double LIMIT = 1e-6;

  private static final double ORACLE_LIMIT = 1e-11;

  private ObjectiveSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    for (ProblemSample sample : ProblemSample.values()) {
      for (Map.Entry<String, Objective> objective : Objectives.all().entrySet()) {
        String title = sample.label() + ", " + objective.getKey();
        steps.add(
            new Step("objective " + title, () -> run(plan, sample, objective.getValue(), title)));
      }
    }
    return steps;
  }

  private static List<Check> run(
      Plan plan, ProblemSample sample, Objective objective, String title) {
    // L is always given; N and B are the batch's own, or larger ones as if it were one of several.
    TokenProblem counted = sample.with(objective).withNormalizers(new double[4], new double[4], 64);
    TokenProblem given =
        counted.withNormalizers(
            new double[] {50_000, 30_000, 15_000, 5_000}, new double[] {300, 200, 150, 70}, 64);
    List<Check> checks = new ArrayList<>(compare(plan.kernels(), counted, title));
    checks.addAll(compare(plan.kernels(), given, title + ", normalizers given"));
    if (sample == ProblemSample.MIXED) {
      checks.addAll(FiniteDifferences.check(counted, title));
    }
    return checks;
  }

  /** Judges what the kernel makes of a problem, and the oracle by autograd. */
  static List<Check> compare(Kernels kernels, TokenProblem problem, String variant) {
    ObjectiveRun run = ObjectiveRun.of(kernels, problem);
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(problem);
    TorchObjective.Result float32 =
        TorchObjective.evaluate(problem, ScalarType.Float, oracle.gates());
    TorchObjective.Result float64 =
        TorchObjective.evaluate(problem, ScalarType.Double, oracle.gates());
    ErrorNorm c = new ErrorNorm(Precision.FLOAT32);
    ErrorNorm h = new ErrorNorm(Precision.FLOAT32);
    ErrorNorm tokenLoss = new ErrorNorm(Precision.FLOAT32);
    ErrorNorm autograd = new ErrorNorm(Precision.FLOAT32);
    for (int t = 0; t < problem.tokens(); t++) {
      double scale = oracle.cMagnitude()[t];
      c.add(oracle.c()[t], scale, run.c()[t], float32.dLogProb()[t], ErrorNorm.UNDERFLOW, t);
      double entropyScale = Math.abs(oracle.h()[t]);
      h.add(oracle.h()[t], entropyScale, run.h()[t], float32.dEntropy()[t], 0, t);
      tokenLoss.add(
          oracle.tokenLoss()[t],
          oracle.lossMagnitude()[t],
          run.tokenLoss()[t],
          ErrorNorm.UNDERFLOW,
          t);
      autograd.addExact(
          oracle.c()[t], scale, float64.dLogProb()[t], ErrorNorm.UNDERFLOW, "c of token", t);
      autograd.addExact(oracle.h()[t], entropyScale, float64.dEntropy()[t], "h of token", t);
    }
    double loss = oracle.sums().loss();
    double magnitude = oracle.sums().lossMagnitude();
    autograd.addExact(loss, magnitude, float64.loss(), "loss");
    ErrorNorm scalar = new ErrorNorm(Precision.FLOAT32);
    double kernelLoss = run.metrics().getOrDefault("loss", Double.NaN);
    scalar.add(loss, magnitude, kernelLoss, float32.loss(), 0, 0);
    String shape = shape(problem);
    boolean nothing = magnitude == 0;
    boolean noSlope = nothing(oracle.cMagnitude());
    String kernel = "token_objective";
    List<Check> checks = new ArrayList<>();
    checks.add(c.check(kernel, shape, "f32", variant + ": c", LIMIT, noSlope));
    checks.add(h.check(kernel, shape, "f32", variant + ": h", LIMIT, nothing(oracle.h())));
    checks.add(tokenLoss.check(kernel, shape, "f32", variant + ": token_loss", LIMIT, nothing));
    checks.add(scalar.check(kernel, shape, "f32", variant + ": loss", LIMIT, nothing));
    checks.add(
        metrics(run.metrics(), MetricNames.of(oracle.sums()))
            .check(kernel, shape, "f32", variant + ": metrics", LIMIT, problem.tokens() == 0));
    checks.add(
        autograd.check("oracle of token_objective", shape, "f64", variant, ORACLE_LIMIT, nothing));
    return checks;
  }

  /** All metrics that the oracle knows. */
  static ErrorNorm metrics(Map<String, Double> kernel, Map<String, MetricNames.Value> oracle) {
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    oracle.forEach(
        (name, value) -> {
          double found = kernel.getOrDefault(name, Double.POSITIVE_INFINITY);
          norm.addExact(value.value(), value.magnitude(), found, ErrorNorm.UNDERFLOW, name, -1);
        });
    return norm;
  }

  static String shape(TokenProblem problem) {
    return problem.tokens() + " in " + problem.sequences();
  }

  static boolean nothing(double[] values) {
    for (double value : values) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }
}
