package org.plait.lab.verify;

import java.util.Objects;
import java.util.function.Function;
import org.plait.DType;
import org.plait.ImportanceRatio;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.TensorView;
import org.plait.lab.oracle.ImportanceRatioOracle;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * How many tokens' ratios to the behaviour policy leave the clip range of the rollouts' rule,
 * whatever their own rule: what trainers log who evaluate the clipped loss everywhere and replace
 * it on demonstrations afterwards. From the flags of {@code importance_ratio}.
 *
 * @param tokens all that are not ignored
 * @param lowNegative below the range, advantage below 0
 * @param lowPositive below the range, advantage above 0
 * @param highNegative above the range, advantage below 0
 * @param highPositive above the range, advantage above 0
 * @param dual above the dual clip, advantage below 0
 */
record ClipRegion(
    double tokens,
    double lowNegative,
    double lowPositive,
    double highNegative,
    double highPositive,
    double dual) {

  /** As {@code importance_ratio} counts. */
  static ClipRegion kernel(
      Kernels kernels, TokenProblem problem, TokenObjectiveOracle.Gates gates) {
    TokenProblem evaluated = withRoles(problem, gates);
    return count(
        evaluated,
        options -> {
          TensorView flags = TensorView.allocate(DType.UINT8, problem.tokens());
          kernels.importanceRatio(
              ObjectiveRun.batch(evaluated),
              ObjectiveRun.floats(problem.logProbs()),
              options,
              new ImportanceRatio.Output(null, null, flags));
          int[] result = new int[problem.tokens()];
          for (int t = 0; t < result.length; t++) {
            result[t] = (int) flags.getLong(t);
          }
          return result;
        });
  }

  /** As the oracle counts. */
  static ClipRegion oracle(TokenProblem problem, TokenObjectiveOracle.Gates gates) {
    TokenProblem evaluated = withRoles(problem, gates);
    long[] offsets =
        problem.offsets() == null ? new long[] {0, problem.tokens()} : problem.offsets();
    return count(
        evaluated,
        options ->
            ImportanceRatioOracle.evaluate(
                    problem.logProbs(),
                    Objects.requireNonNull(problem.oldLogProbs()),
                    Objects.requireNonNull(evaluated.roles()),
                    offsets,
                    options)
                .flags());
  }

  /** The problem where rejected tokens are ignored. */
  private static TokenProblem withRoles(TokenProblem problem, TokenObjectiveOracle.Gates gates) {
    byte[] roles = new byte[problem.tokens()];
    for (int t = 0; t < roles.length; t++) {
      roles[t] = (byte) gates.roles()[t];
    }
    return TokenProblem.of(
        problem.logProbs(),
        problem.entropy(),
        roles,
        problem.offsets(),
        problem.advantages(),
        problem.oldLogProbs(),
        null,
        problem.objective());
  }

  private static ClipRegion count(
      TokenProblem problem, Function<ImportanceRatio.Options, int[]> flagsOf) {
    double tokens = 0;
    for (int t = 0; t < problem.tokens(); t++) {
      tokens += problem.role(t) == 0 ? 0 : 1;
    }
    double[] advantages = problem.advantages();
    if (problem.oldLogProbs() == null || advantages == null) {
      return new ClipRegion(tokens, 0, 0, 0, 0, 0);
    }
    PolicyTerm policy = problem.objective().rollout().policy();
    boolean logarithmic = policy.loss() == PolicyLoss.GMPO;
    float low = logarithmic ? (float) -Math.expm1(-policy.clipLow()) : policy.clipLow();
    float high = logarithmic ? (float) Math.expm1(policy.clipHigh()) : policy.clipHigh();
    float none = Float.POSITIVE_INFINITY;
    int[] flags =
        flagsOf.apply(
            new ImportanceRatio.Options(policy.ratioLevel(), low, high, policy.logRatioLimit()));
    int[] dualFlags =
        flagsOf.apply(
            new ImportanceRatio.Options(
                policy.ratioLevel(), none, policy.dualClip() - 1, policy.logRatioLimit()));
    double[] counts = new double[5];
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == 0 || advantages[t] == 0) {
        continue;
      }
      int sign = advantages[t] < 0 ? 0 : 1;
      counts[sign] += (flags[t] & ImportanceRatio.BELOW) != 0 ? 1 : 0;
      counts[2 + sign] += (flags[t] & ImportanceRatio.ABOVE) != 0 ? 1 : 0;
      counts[4] += sign == 0 && (dualFlags[t] & ImportanceRatio.ABOVE) != 0 ? 1 : 0;
    }
    return new ClipRegion(tokens, counts[0], counts[1], counts[2], counts[3], counts[4]);
  }
}
