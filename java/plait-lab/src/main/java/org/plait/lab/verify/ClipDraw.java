package org.plait.lab.verify;

import java.util.Arrays;
import java.util.List;
import org.plait.Covariance;
import org.plait.Objective;
import org.plait.Rule;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/** What clip-cov draws: the oracle's tokens, the same for the same seed, others for another. */
final class ClipDraw {

  private ClipDraw() {}

  /** Checks of a draw from the tokens of a sample. */
  static List<Check> checks(Plan plan, ProblemSample sample) {
    TokenProblem problem = sample.with(wide(7));
    ObjectiveRun first = ObjectiveRun.of(plan.kernels(), problem);
    String again = ObjectiveRun.of(plan.kernels(), problem).difference(first);
    ObjectiveRun other = ObjectiveRun.of(plan.kernels(), problem.withObjective(wide(8)));
    String seed = Arrays.equals(first.c(), other.c()) ? "another seed draws the same tokens" : "";
    return List.of(
        check(problem, "clip-cov draws the oracle's tokens", draw(problem, first)),
        check(problem, "clip-cov, same seed", again),
        check(problem, "clip-cov, another seed", seed));
  }

  private static Check check(TokenProblem problem, String variant, String found) {
    String shape = ObjectiveSuite.shape(problem);
    return Check.exact("token_objective edges", shape, "f32", variant, found.isEmpty(), found);
  }

  private static String draw(TokenProblem problem, ObjectiveRun run) {
    TokenObjectiveOracle.ClipCandidates candidates =
        TokenObjectiveOracle.clipCandidates(problem, 1);
    if (candidates.limit() >= candidates.tokens().length) {
      return "all of " + candidates.tokens().length + " candidates are drawn";
    }
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(problem);
    for (int t = 0; t < problem.tokens(); t++) {
      if ((run.c()[t] == 0) != (oracle.c()[t] == 0)) {
        return "c[" + t + "] is " + run.c()[t] + ", not " + oracle.c()[t];
      }
    }
    double dropped = run.metrics().getOrDefault("dropped_tokens", Double.NaN);
    return dropped == candidates.limit() ? "" : dropped + " tokens are drawn";
  }

  /** With a wide range of covariances, so that there is something to draw from. */
  private static Objective wide(int seed) {
    Rule rule = Objective.clipCov(seed).rollout();
    Covariance covariance = Covariance.clip(seed, 0.1f, -1, 2);
    return Objectives.rollouts(rule.toBuilder().covariance(covariance));
  }
}
