package org.plait.lab.oracle;

import org.jspecify.annotations.Nullable;
import org.plait.Aggregation;
import org.plait.KlEstimator;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.Term;

/**
 * Definition of {@code token_objective}: c, h, losses and metrics of T tokens, in float64.
 *
 * <p>Token t of role R contributes {@code w_policy * policy - w_nll * logp + w_kl * kl - w_entropy
 * * entropy} by the rule of R, where each w is the term's coefficient times its aggregation weight;
 * c is the derivative with respect to logp, h that with respect to the entropy.
 */
public final class TokenObjectiveOracle {

  /**
   * The answer.
   *
   * @param c [T] derivative of the loss with respect to each log-probability
   * @param h [T] derivative of the loss with respect to each entropy
   * @param tokenLoss [T] each token's summands of the loss
   * @param cMagnitude [T] sum of the absolute values of the terms of c
   * @param lossMagnitude [T] sum of the absolute values of the terms of tokenLoss
   * @param sums everything that is summed over the tokens
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(
      double[] c,
      double[] h,
      double[] tokenLoss,
      double[] cMagnitude,
      double[] lossMagnitude,
      ObjectiveSums sums) {}

  private final TokenProblem problem;
  private final int[][] tokensOf; // [sequence][0: all, role: of that role]
  private final double[] tokenCounts = new double[4];
  private final double[] sequenceCounts = new double[4];

  private TokenObjectiveOracle(TokenProblem problem) {
    this.problem = problem;
    this.tokensOf = new int[problem.sequences()][4];
    for (int i = 0; i < problem.sequences(); i++) {
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        if (problem.role(t) != 0) {
          tokensOf[i][0]++;
          tokensOf[i][problem.role(t)]++;
        }
      }
    }
    for (int k = 0; k < 4; k++) {
      for (int[] counts : tokensOf) {
        tokenCounts[k] += counts[k];
        sequenceCounts[k] += counts[k] > 0 ? 1 : 0;
      }
      if (problem.tokenCounts()[k] > 0) {
        tokenCounts[k] = problem.tokenCounts()[k];
      }
      if (problem.sequenceCounts()[k] > 0) {
        sequenceCounts[k] = problem.sequenceCounts()[k];
      }
    }
  }

  /** Evaluates every token. */
  public static Result evaluate(TokenProblem problem) {
    return new TokenObjectiveOracle(problem).evaluate();
  }

  private Result evaluate() {
    int n = problem.tokens();
    Result result =
        new Result(
            new double[n],
            new double[n],
            new double[n],
            new double[n],
            new double[n],
            new ObjectiveSums());
    for (int i = 0; i < problem.sequences(); i++) {
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        if (problem.role(t) != 0) {
          evaluateToken(t, i, result);
        }
      }
    }
    return result;
  }

  private void evaluateToken(int t, int sequence, Result result) {
    int role = problem.role(t);
    Rule rule =
        switch (role) {
          case 1 -> problem.objective().rollout();
          case 2 -> problem.objective().demonstration();
          case 3 -> problem.objective().hint();
          default -> throw new IllegalArgumentException("role of token " + t + " is " + role);
        };
    ObjectiveSums sums = result.sums();
    double logp = problem.logProbs()[t];
    sums.tokens[0]++;
    sums.tokens[role]++;
    sums.logProb.add(logp);
    if (problem.entropy() != null) {
      sums.entropy.add(problem.entropy()[t]);
    }
    if (rule.policyLoss() != PolicyLoss.NONE) {
      policy(t, rule, weight(rule.policy(), sequence, role), result);
    }
    if (rule.nll().coefficient() != 0) {
      double w = weight(rule.nll(), sequence, role);
      sums.nllLoss.add(-w * logp);
      addTerm(result, t, -w * logp, -w);
    }
    if (rule.kl().coefficient() != 0) {
      double w = weight(rule.kl(), sequence, role);
      double d = logp - given(problem.referenceLogProbs(), "reference log-probs")[t];
      double kl = klValue(rule.klEstimator(), d);
      sums.referenceKl.add(kl);
      sums.referenceKlTokens++;
      sums.klLoss.add(w * kl);
      addTerm(result, t, w * kl, w * klSlope(rule.klEstimator(), d));
    }
    if (rule.entropy().coefficient() != 0) {
      double w = weight(rule.entropy(), sequence, role);
      double entropy = given(problem.entropy(), "entropies")[t];
      sums.entropyLoss.add(-w * entropy);
      addTerm(result, t, -w * entropy, 0);
      result.h[t] = -w;
    }
    if (Double.isNaN(logp)) {
      result.c[t] = Double.NaN;
      result.h[t] = Double.NaN;
      result.tokenLoss[t] = Double.NaN;
    }
  }

  private void policy(int t, Rule rule, double w, Result result) {
    ObjectiveSums sums = result.sums();
    double logp = problem.logProbs()[t];
    double advantage = given(problem.advantages(), "advantages")[t];
    double[] old = problem.oldLogProbs();
    double delta = old == null || logp == old[t] ? 0 : logp - old[t];
    double limit = rule.logRatioLimit();
    double limited = Math.max(-limit, Math.min(limit, delta));
    double ratio = Math.exp(limited);
    sums.policyTokens++;
    sums.ratio.add(ratio);
    sums.ratioMax = Math.max(sums.ratioMax, ratio);
    sums.approxKlK1.add(-limited);
    sums.approxKlK3.add(expMinusOneMinus(limited));
    double loss;
    double slope;
    if (advantage == 0) {
      loss = 0;
      slope = 0;
    } else if (rule.policyLoss() == PolicyLoss.REINFORCE) {
      loss = -advantage * logp;
      slope = -advantage;
    } else {
      double clipped =
          Math.max(1 - (double) rule.clipLow(), Math.min(1 + (double) rule.clipHigh(), ratio));
      loss = Math.max(-advantage * ratio, -advantage * clipped);
      boolean low = advantage < 0 && ratio < 1 - (double) rule.clipLow();
      boolean high = advantage > 0 && ratio > 1 + (double) rule.clipHigh();
      boolean dual = advantage < 0 && ratio > rule.dualClip();
      if (advantage < 0) {
        loss = Math.min(loss, -rule.dualClip() * advantage);
      }
      sums.clipLowCount += low ? 1 : 0;
      sums.clipHighCount += high ? 1 : 0;
      sums.dualClipCount += dual ? 1 : 0;
      boolean dropped = low || high || dual || Math.abs(delta) > limit;
      slope = dropped ? 0 : -advantage * ratio;
    }
    sums.policyLoss.add(w * loss);
    addTerm(result, t, w * loss, w * slope);
  }

  /** The coefficient times 1 / N, 1 / (B n), 1 / B, 1 / L or 1 / (B L). */
  private double weight(Term term, int sequence, int role) {
    int k = term.population() == Population.ALL_TOKENS ? 0 : role;
    Aggregation aggregation = term.aggregation();
    double denominator =
        switch (aggregation) {
          case TOKEN_MEAN -> tokenCounts[k];
          case SEQ_MEAN_TOKEN_MEAN -> sequenceCounts[k] * tokensOf[sequence][k];
          case SEQ_MEAN_TOKEN_SUM -> sequenceCounts[k];
          case CONSTANT_LENGTH -> problem.length();
          case SEQ_MEAN_CONSTANT_LENGTH -> sequenceCounts[k] * problem.length();
        };
    return term.coefficient() / denominator;
  }

  private static void addTerm(Result result, int t, double loss, double slope) {
    result.tokenLoss[t] += loss;
    result.lossMagnitude[t] += Math.abs(loss);
    result.c[t] += slope;
    result.cMagnitude[t] += Math.abs(slope);
  }

  private static double klValue(KlEstimator estimator, double d) {
    return switch (estimator) {
      case K1 -> d;
      case K2 -> d * d / 2;
      case K3 -> expMinusOneMinus(-d);
    };
  }

  private static double klSlope(KlEstimator estimator, double d) {
    return switch (estimator) {
      case K1 -> 1;
      case K2 -> d;
      case K3 -> -Math.expm1(-d);
    };
  }

  /** exp(x) - 1 - x, by its series where the difference would cancel. */
  private static double expMinusOneMinus(double x) {
    if (Math.abs(x) > 0.1) {
      return Math.expm1(x) - x;
    }
    double term = x * x / 2;
    double sum = 0;
    for (int k = 3; k < 20; k++) {
      sum += term;
      term *= x / k;
    }
    return sum;
  }

  private static double[] given(double @Nullable [] array, String name) {
    if (array == null) {
      throw new IllegalArgumentException("the objective needs " + name);
    }
    return array;
  }
}
