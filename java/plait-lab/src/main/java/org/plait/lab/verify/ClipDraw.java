package org.plait.lab.verify;

import java.util.Arrays;
import java.util.List;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.Objective;
import org.plait.Rule;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * What clip-cov has drawn, told by the tokens without a gradient: which ones is the kernel's
 * affair, but they are candidates, as many as there may be, and the same for the same seed.
 */
final class ClipDraw {

  private ClipDraw() {}

  static boolean applies(Objective objective) {
    return objective.rollout().policy().covariance().kind() == CovarianceKind.CLIP;
  }

  /** The drawn rollout tokens; all false if the objective draws none. */
  static boolean[] of(TokenProblem problem, float[] c) {
    boolean[] drawn = new boolean[problem.tokens()];
    if (!applies(problem.objective())) {
      return drawn;
    }
    TokenObjectiveOracle.ClipCandidates candidates =
        TokenObjectiveOracle.clipCandidates(problem, 1);
    int[] tokens = candidates.tokens();
    int missing = Math.min(candidates.limit(), tokens.length);
    for (int t : tokens) {
      drawn[t] = problem.advantage(t) != 0 && c[t] == 0;
      missing -= drawn[t] ? 1 : 0;
    }
    // Tokens without an advantage have no gradient in any case: only their number is known.
    for (int t : tokens) {
      if (missing > 0 && problem.advantage(t) == 0) {
        drawn[t] = true;
        missing--;
      }
    }
    return drawn;
  }

  /** Checks of a draw from the tokens of a sample. */
  static List<Check> checks(Plan plan, ProblemSample sample) {
    Objective wide = wide(7);
    TokenProblem problem = sample.with(wide);
    TokenObjectiveOracle.ClipCandidates candidates =
        TokenObjectiveOracle.clipCandidates(problem, 1);
    int expected = Math.min(candidates.limit(), candidates.tokens().length);
    ObjectiveRun first = ObjectiveRun.of(plan.backend(), problem);
    double dropped = first.metrics().getOrDefault("dropped_tokens", Double.NaN);
    String count =
        dropped == expected && expected > 0 && expected < candidates.tokens().length
            ? ""
            : dropped + " of " + candidates.tokens().length + " are drawn, not " + expected;
    String again = ObjectiveRun.of(plan.backend(), problem).difference(first);
    ObjectiveRun other = ObjectiveRun.of(plan.backend(), problem.withObjective(wide(8)));
    String seed = Arrays.equals(first.c(), other.c()) ? "another seed draws the same tokens" : "";
    String shape = ObjectiveSuite.shape(problem);
    String kernel = "token_objective edges";
    return List.of(
        Check.exact(kernel, shape, "f32", "clip-cov draws as many", count.isEmpty(), count),
        Check.exact(kernel, shape, "f32", "clip-cov, same seed", again.isEmpty(), again),
        Check.exact(kernel, shape, "f32", "clip-cov, another seed", seed.isEmpty(), seed));
  }

  /** With a wide range of covariances, so that there is something to draw from. */
  private static Objective wide(int seed) {
    Rule rule = Objective.clipCov(seed).rollout();
    Covariance covariance = Covariance.clip(seed, 0.1f, -1, 2);
    return Objectives.rollouts(rule.toBuilder().covariance(covariance));
  }
}
