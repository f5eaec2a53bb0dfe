package org.plait.lab.oracle;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.PolicyTerm;
import org.plait.Scope;
import org.plait.recipe.SplitMix64;

/**
 * Which tokens lose their policy term because others have a higher entropy, or are treated apart
 * for their covariance.
 */
final class BatchGates {
  final boolean[] dropped;
  final boolean[] penalised;
  private final TokenProblem problem;
  private final int[] roles;

  BatchGates(TokenProblem problem, int[] roles) {
    this.problem = problem;
    this.roles = roles;
    this.dropped = new boolean[problem.tokens()];
    this.penalised = new boolean[problem.tokens()];
  }

  private int[] tokens(int role, int begin, int end) {
    return IntStream.range(begin, end).filter(t -> roles[t] == role).toArray();
  }

  /**
   * Drops all but the tokens of highest entropy, ties kept by position; NaN is below any number.
   */
  void select(int role, EntropySelection selection) {
    if (selection.scope() == Scope.BATCH) {
      dropLowest(tokens(role, 0, problem.tokens()), selection.drop());
    }
    for (int i = 0; selection.scope() == Scope.SEQUENCE && i < problem.sequences(); i++) {
      dropLowest(tokens(role, problem.begin(i), problem.begin(i + 1)), selection.drop());
    }
  }

  private void dropLowest(int[] tokens, float drop) {
    double[] entropy = TokenProblem.required(problem.entropy(), "entropies");
    // The product is rounded to float32, so that 0.7 of 10 tokens are 7 and not 6.99.
    int count = (int) Math.floor(drop * (float) tokens.length);
    int[] rising =
        Arrays.stream(tokens)
            .boxed()
            .sorted(
                Comparator.<Integer>comparingDouble(t -> rank(entropy[t])).thenComparing(t -> -t))
            .mapToInt(t -> t)
            .toArray();
    for (int i = 0; i < count; i++) {
      dropped[rising[i]] = true;
    }
  }

  /** Adding 0 turns -0 into 0, which it is equal to. */
  private static double rank(double entropy) {
    return Double.isNaN(entropy) ? Double.NEGATIVE_INFINITY : entropy + 0.0;
  }

  /** Treats the tokens of high covariance apart. */
  void covariance(int role, PolicyTerm policy) {
    Covariance covariance = policy.covariance();
    if (covariance.kind() == CovarianceKind.NONE) {
      return;
    }
    boolean[] apart = covariance.kind() == CovarianceKind.CLIP ? dropped : penalised;
    Arrays.stream(candidates(role, policy))
        .limit(limit(role, covariance))
        .forEach(t -> apart[t] = true);
  }

  /** At most how many tokens are treated apart. */
  int limit(int role, Covariance covariance) {
    double n = tokens(role, 0, problem.tokens()).length;
    return Math.max(1, (int) Math.floor(covariance.fraction() * n));
  }

  /**
   * The tokens that may be treated apart, the first ones first: by falling covariance, ties by
   * position; clip-cov's by rising hash of their ordinal among the role's tokens.
   */
  int[] candidates(int role, PolicyTerm policy) {
    int[] tokens = tokens(role, 0, problem.tokens());
    double advantage = Arrays.stream(tokens).mapToDouble(problem::advantage).average().orElse(0);
    double logp = Arrays.stream(tokens).mapToDouble(t -> problem.logProbs()[t]).average().orElse(0);
    IntToDoubleFunction covariance =
        t -> (problem.advantage(t) - advantage) * (problem.logProbs()[t] - logp);
    if (policy.covariance().kind() == CovarianceKind.CLIP) {
      return clipCandidates(tokens, policy, covariance);
    }
    return Arrays.stream(tokens)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingDouble(t -> -covariance.applyAsDouble(t))
                .thenComparing(t -> t))
        .mapToInt(t -> t)
        .toArray();
  }

  private int[] clipCandidates(int[] tokens, PolicyTerm policy, IntToDoubleFunction covariance) {
    Covariance options = policy.covariance();
    return IntStream.range(0, tokens.length)
        .filter(
            ordinal -> {
              double value = covariance.applyAsDouble(tokens[ordinal]);
              return value > options.low()
                  && value < options.high()
                  && !clipped(tokens[ordinal], policy);
            })
        .boxed()
        .sorted((a, b) -> Long.compareUnsigned(hash(options.seed(), a), hash(options.seed(), b)))
        .mapToInt(ordinal -> tokens[ordinal])
        .toArray();
  }

  private static long hash(int seed, long ordinal) {
    return new SplitMix64((long) seed << 32 ^ ordinal).nextLong();
  }

  private boolean clipped(int t, PolicyTerm policy) {
    double ratio = Math.exp(problem.logRatio(t));
    double advantage = problem.advantage(t);
    return (advantage > 0 && ratio > 1 + (double) policy.clipHigh())
        || (advantage < 0 && ratio < 1 - (double) policy.clipLow());
  }
}
