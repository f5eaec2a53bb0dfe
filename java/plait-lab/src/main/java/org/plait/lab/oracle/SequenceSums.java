package org.plait.lab.oracle;

import org.plait.Behaviour;
import org.plait.PolicyTerm;
import org.plait.RatioLevel;

/** What the tokens of one role in one sequence share. */
final class SequenceSums {
  /**
   * log 1e-8: the least log weight that VESPO takes of a sequence, and of the sampler's a token.
   */
  private static final double LOWEST = Math.log(1e-8);

  private static final double HIGHEST = 20;

  private int count;
  private double logRatio;
  private double bounded;
  private double drift;
  private double entropy;
  private double logWeight;

  void add(TokenProblem problem, int t, PolicyTerm policy, double samplerWeight) {
    double log = tokenLogRatio(problem, t, policy);
    count++;
    logRatio += log;
    drift -= problem.logRatio(t);
    if (problem.entropy() != null) {
      entropy += problem.entropy()[t];
    }
    if (problem.advantages() != null) {
      bounded += bounded(log, problem.advantages()[t], policy);
    }
    if (policy.samplerCorrection()) {
      logWeight += Math.max(LOWEST, Math.min(HIGHEST, Math.log(samplerWeight)));
    }
  }

  /** log x of a token. */
  static double tokenLogRatio(TokenProblem problem, int t, PolicyTerm policy) {
    return policy.behaviour() == Behaviour.CERTAIN ? problem.logProbs()[t] : problem.logRatio(t);
  }

  /** GMPO's d'. */
  static double bounded(double logRatio, double advantage, PolicyTerm policy) {
    if (advantage > 0) {
      return Math.min(logRatio, policy.clipHigh());
    }
    return advantage < 0 ? Math.max(logRatio, -policy.clipLow()) : logRatio;
  }

  int count() {
    return count;
  }

  /** log x at a level, for a token with its own. */
  double logRatio(RatioLevel level, double ofToken) {
    return switch (level) {
      case TOKEN -> ofToken;
      case SEQUENCE_MEAN -> logRatio / count;
      case SEQUENCE_SUM -> logRatio;
    };
  }

  /** exp(mean d'). */
  double gmpoRatio() {
    return Math.exp(bounded / count);
  }

  /** VESPO's phi. */
  double vespoWeight(double k, double lambda) {
    double log = vespoLog();
    double phi = Math.exp(lambda + k * log - lambda * Math.exp(log));
    return Double.isFinite(phi) ? phi : 0;
  }

  /** How much the logarithm of phi changes with log W. */
  double vespoSlope(double k, double lambda) {
    return Math.abs(k - lambda * Math.exp(vespoLog()));
  }

  private double vespoLog() {
    return Math.max(LOWEST, Math.min(HIGHEST, logRatio + logWeight));
  }

  /** Mean of old_logp - logp. */
  double drift() {
    return drift / count;
  }

  double entropy() {
    return entropy / count;
  }
}
