package org.plait.lab.verify;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.plait.CorrectionLevel;
import org.plait.KlForm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.RatioLevel;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * The oracle's c and h against central differences of its own loss, for the objectives whose loss
 * is an antiderivative: without stop-gradients, and with a ratio of sequences only where all tokens
 * of a sequence have the same weight.
 */
final class FiniteDifferences {

  private static final double STEP = 1e-5;

  /** Central differences with that step are within about 1e-9 of a derivative of order 1. */
  private static final double LIMIT = 1e-7;

  private FiniteDifferences() {}

  static List<Check> check(TokenProblem problem, String variant) {
    Objective objective = problem.objective();
    List<Rule> rules = List.of(objective.rollout(), objective.demonstration(), objective.hint());
    if (!rules.stream().allMatch(rule -> differentiable(rule, objective))) {
      return List.of();
    }
    boolean weighted = rules.stream().anyMatch(FiniteDifferences::isWeighted);
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(problem);
    double[] entropy = problem.entropy();
    double largest = 0;
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    for (double magnitude : oracle.cMagnitude()) {
      largest = Math.max(largest, magnitude);
    }
    for (int t = 0; t < problem.tokens(); t++) {
      double c = (loss(problem, t, STEP, entropy) - loss(problem, t, -STEP, entropy)) / (2 * STEP);
      norm.addExact(oracle.c()[t], largest, c, "c of token", t);
      if (!weighted && entropy != null) {
        double h = (lossAt(problem, t, STEP) - lossAt(problem, t, -STEP)) / (2 * STEP);
        norm.addExact(oracle.h()[t], Math.max(largest, 1), h, "h of token", t);
      }
    }
    String shape = ObjectiveSuite.shape(problem);
    String kernel = "oracle of token_objective";
    return List.of(
        norm.check(
            kernel,
            shape,
            "f64",
            variant + ": finite differences",
            LIMIT,
            ObjectiveSuite.nothing(oracle.c())));
  }

  private static double loss(
      TokenProblem problem, int t, double step, double @Nullable [] entropy) {
    return TokenObjectiveOracle.evaluate(problem.at(moved(problem.logProbs(), t, step), entropy))
        .sums()
        .loss();
  }

  private static double lossAt(TokenProblem problem, int t, double step) {
    double[] entropy = Objects.requireNonNull(problem.entropy());
    return TokenObjectiveOracle.evaluate(problem.at(problem.logProbs(), moved(entropy, t, step)))
        .sums()
        .loss();
  }

  private static double[] moved(double[] values, int at, double by) {
    double[] result = values.clone();
    result[at] += by;
    return result;
  }

  private static boolean isWeighted(Rule rule) {
    return rule.nll().weighting().scope() != Scope.NONE
        || rule.policy().weighting().scope() != Scope.NONE;
  }

  private static boolean differentiable(Rule rule, Objective objective) {
    KlForm form = rule.kl().form();
    boolean fixed = form == KlForm.TIMES_FIXED_RATIO || form == KlForm.STRAIGHT_THROUGH;
    if (rule.kl().term().isOn() && fixed) {
      return false;
    }
    if (rule.nll().term().isOn() && rule.nll().probabilityWeighting().isOn()) {
      return false;
    }
    PolicyTerm policy = rule.policy();
    if (!policy.isOn()) {
      return true;
    }
    if (policy.loss() == PolicyLoss.CISPO || policy.loss() == PolicyLoss.VESPO) {
      return false;
    }
    boolean ofSequence =
        policy.loss() == PolicyLoss.GMPO || policy.ratioLevel() != RatioLevel.TOKEN;
    boolean sameWeights =
        policy.selection().scope() == Scope.NONE
            && policy.weighting().scope() != Scope.TOKEN
            && policy.maxProbability() == Float.POSITIVE_INFINITY
            && (!policy.samplerCorrection()
                || objective.correction().level() == CorrectionLevel.NONE);
    return !ofSequence || sameWeights;
  }
}
