package org.plait.lab.oracle;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.plait.Covariance;
import org.plait.CovarianceKind;
import org.plait.EntropySelection;
import org.plait.PolicyTerm;
import org.plait.Scope;

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

  /** Drops all but the tokens of highest entropy, ties kept by position. */
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
            .sorted(Comparator.<Integer>comparingDouble(t -> entropy[t]).thenComparing(t -> -t))
            .mapToInt(t -> t)
            .toArray();
    for (int i = 0; i < count; i++) {
      dropped[rising[i]] = true;
    }
  }

  /** Treats the tokens of high covariance apart; of clip-cov's candidates, those that are drawn. */
  void covariance(int role, PolicyTerm policy, boolean[] drawn) {
    Covariance covariance = policy.covariance();
    int[] candidates = candidates(role, policy);
    int limit = limit(role, covariance);
    if (covariance.kind() == CovarianceKind.CLIP) {
      for (int t : candidates) {
        dropped[t] |= candidates.length <= limit || drawn[t];
      }
    } else if (covariance.kind() == CovarianceKind.KL) {
      for (int i = 0; i < Math.min(limit, candidates.length); i++) {
        penalised[candidates[i]] = true;
      }
    }
  }

  /** At most how many tokens are treated apart. */
  int limit(int role, Covariance covariance) {
    double n = tokens(role, 0, problem.tokens()).length;
    return Math.max(1, (int) Math.floor(covariance.fraction() * n));
  }

  /** The tokens that may be treated apart, by falling covariance, ties by position. */
  int[] candidates(int role, PolicyTerm policy) {
    int[] tokens = tokens(role, 0, problem.tokens());
    double advantage = Arrays.stream(tokens).mapToDouble(problem::advantage).average().orElse(0);
    double logp = Arrays.stream(tokens).mapToDouble(t -> problem.logProbs()[t]).average().orElse(0);
    double[] covariance = new double[problem.tokens()];
    for (int t : tokens) {
      covariance[t] = (problem.advantage(t) - advantage) * (problem.logProbs()[t] - logp);
    }
    Covariance options = policy.covariance();
    return Arrays.stream(tokens)
        .filter(
            t ->
                options.kind() != CovarianceKind.CLIP
                    || (covariance[t] > options.low()
                        && covariance[t] < options.high()
                        && !clipped(t, policy)))
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(t -> -covariance[t]).thenComparing(t -> t))
        .mapToInt(t -> t)
        .toArray();
  }

  private boolean clipped(int t, PolicyTerm policy) {
    double ratio = Math.exp(problem.logRatio(t));
    double advantage = problem.advantage(t);
    return (advantage > 0 && ratio > 1 + (double) policy.clipHigh())
        || (advantage < 0 && ratio < 1 - (double) policy.clipLow());
  }
}
