package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.TokenAdvantage;
import org.plait.TokenBatch;
import org.plait.Whitening;
import org.plait.lab.oracle.TokenAdvantageOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * {@code token_advantage} and {@code whiten} against the oracle: they compute in float64, so
 * nothing but one rounding to float32 is allowed.
 */
final class ReturnsSuite {

  private static final double LIMIT = 1e-12;

  private ReturnsSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    for (ProblemSample sample : ProblemSample.values()) {
      steps.add(new Step("returns " + sample.label(), () -> run(plan, sample)));
    }
    return steps;
  }

  private static List<Check> run(Plan plan, ProblemSample sample) {
    TokenProblem problem = sample.with(Objective.reinforce());
    List<Check> checks = new ArrayList<>();
    for (float gamma : new float[] {1, 0.99f, 0}) {
      for (float lambda : new float[] {1, 0.95f, 0}) {
        for (boolean restart : new boolean[] {false, true}) {
          for (boolean critic : new boolean[] {false, true}) {
            TokenAdvantage options = new TokenAdvantage(gamma, lambda, restart);
            checks.add(returns(plan, problem, options, critic, sample.label()));
          }
        }
      }
    }
    for (boolean whole : new boolean[] {false, true}) {
      for (boolean shift : new boolean[] {false, true}) {
        for (float floor : new float[] {0, 0.5f}) {
          Whitening options = new Whitening(whole, shift, floor, floor == 0 ? 1e-8f : 0);
          checks.add(whitened(plan, problem, options, sample.label()));
        }
      }
    }
    checks.add(constant(plan, problem, sample.label()));
    return checks;
  }

  static Check returns(
      Plan plan, TokenProblem problem, TokenAdvantage options, boolean critic, String name) {
    int n = problem.tokens();
    double[] rewards = Objects.requireNonNull(problem.entropy());
    double[] values = critic ? problem.logProbs() : null;
    TokenAdvantageOracle.Result oracle =
        TokenAdvantageOracle.evaluate(
            rewards,
            values,
            problem.roles(),
            problem.offsets() == null ? new long[] {0, n} : problem.offsets(),
            options.gamma(),
            options.lambda(),
            options.restart());
    TensorView advantages = TensorView.allocate(DType.FLOAT32, n);
    TensorView returns = TensorView.allocate(DType.FLOAT32, n);
    plan.kernels()
        .tokenAdvantage(
            options,
            ObjectiveRun.batch(problem),
            ObjectiveRun.floats(rewards),
            values == null ? null : ObjectiveRun.floats(values),
            new TokenAdvantage.Output(advantages, returns));
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    for (int t = 0; t < n; t++) {
      double scale = oracle.magnitudes()[t];
      norm.add(oracle.advantages()[t], scale, advantages.getFloat(t), 0, t);
      norm.add(oracle.returns()[t], scale, returns.getFloat(t), 0, t);
    }
    String variant = name + ", " + options + (critic ? ", critic" : "");
    boolean zero = ObjectiveSuite.nothing(oracle.magnitudes());
    return norm.check(
        "token_advantage", ObjectiveSuite.shape(problem), "f32", variant, LIMIT, zero);
  }

  static Check whitened(Plan plan, TokenProblem problem, Whitening options, String name) {
    double[] x = problem.logProbs();
    double[] oracle =
        TokenAdvantageOracle.whiten(
            x,
            problem.roles(),
            options.sample(),
            options.shift(),
            options.floor(),
            options.epsilon());
    TensorView view = ObjectiveRun.floats(x);
    plan.kernels().whiten(options, batch(problem.roles(), x.length), view, view);
    double largest = Arrays.stream(x).map(Math::abs).max().orElse(0);
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    for (int t = 0; t < x.length; t++) {
      double scale = Math.abs(oracle[t]) + (oracle[t] == 0 ? 0 : largest);
      norm.add(oracle[t], scale, view.getFloat(t), 0, t);
    }
    return norm.check(
        "whiten",
        ObjectiveSuite.shape(problem),
        "f32",
        name + ", " + options,
        LIMIT,
        ObjectiveSuite.nothing(oracle));
  }

  /** Equal values have no spread: exactly 0. */
  private static Check constant(Plan plan, TokenProblem problem, String name) {
    double[] x = new double[problem.tokens()];
    Arrays.fill(x, 0.1f);
    TensorView out = TensorView.allocate(DType.FLOAT32, x.length);
    plan.kernels()
        .whiten(Whitening.verl(), batch(problem.roles(), x.length), ObjectiveRun.floats(x), out);
    String found = "";
    for (int t = 0; t < x.length; t++) {
      found = out.getFloat(t) == 0 ? found : "token " + t + " is " + out.getFloat(t);
    }
    return Check.exact(
        "whiten", ObjectiveSuite.shape(problem), "f32", name + ", equal", found.isEmpty(), found);
  }

  private static TokenBatch batch(byte @Nullable [] roles, int tokens) {
    TokenBatch.Builder builder = TokenBatch.builder(tokens);
    if (roles != null) {
      builder.roles(ObjectiveRun.bytes(roles));
    }
    return builder.build();
  }
}
