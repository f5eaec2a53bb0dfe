package org.plait.lab.oracle;

import org.plait.CovarianceKind;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.RatioLevel;
import org.plait.Reshaping;
import org.plait.Vespo;

/**
 * Definition of the policy loss of one token before its weight, in float64: its value, and its
 * derivative with respect to logp, where a ratio of the sequence is the product of its tokens'
 * shares.
 */
final class PolicyOracle {
  private final TokenProblem problem;
  private final int t;
  private final PolicyTerm policy;
  private final SequenceSums sequence;
  private final double logp;
  private final double advantage;

  double value;
  double slope;
  double valueMagnitude; // sum of the absolute values of the terms of value
  double slopeMagnitude; // likewise; of an exponential of such a sum, itself times that sum
  double ratio;
  double reshaped;
  boolean clippedLow;
  boolean clippedHigh;
  boolean dualClipped;
  boolean reshapedLow;
  boolean reshapedHigh;

  /**
   * @param penalised whether the token is among those of high covariance
   */
  PolicyOracle(
      TokenProblem problem, int t, PolicyTerm policy, SequenceSums sequence, boolean penalised) {
    this.problem = problem;
    this.t = t;
    this.policy = policy;
    this.sequence = sequence;
    this.logp = problem.logProbs()[t];
    this.advantage = problem.advantage(t);
    evaluate();
    if (penalised && policy.covariance().kind() == CovarianceKind.KL) {
      double coefficient = policy.covariance().coefficient();
      double delta = problem.logRatio(t);
      value += coefficient * Math.abs(delta);
      valueMagnitude += coefficient * Math.abs(delta);
      slope += coefficient * Math.signum(delta);
      slopeMagnitude += coefficient * Math.abs(Math.signum(delta));
    }
  }

  private void evaluate() {
    double ofToken = SequenceSums.tokenLogRatio(problem, t, policy);
    double exact = sequence.logRatio(policy.ratioLevel(), ofToken);
    double limit = policy.logRatioLimit();
    ratio = Math.exp(Math.max(-limit, Math.min(limit, exact)));
    switch (policy.loss()) {
      case NONE -> throw new IllegalArgumentException("no policy loss");
      case REINFORCE -> fixedWeight(1);
      case CISPO -> cispo();
      case VESPO -> vespo();
      case GMPO -> gmpo(ofToken);
      case CLIP -> clip();
      case SAPO -> sapo();
      case RESHAPED -> reshape();
    }
    boolean throughRatio =
        policy.loss() == PolicyLoss.CLIP
            || policy.loss() == PolicyLoss.SAPO
            || policy.loss() == PolicyLoss.RESHAPED;
    if (throughRatio && Math.abs(exact) > limit) {
      set(value, 0);
    }
    if (throughRatio && policy.ratioLevel() == RatioLevel.SEQUENCE_SUM) {
      slope *= sequence.count();
      slopeMagnitude *= sequence.count();
    }
    if (advantage == 0) {
      set(0, 0); // also where the ratio is infinite
    }
  }

  private void set(double newValue, double newSlope) {
    value = newValue;
    slope = newSlope;
    valueMagnitude = Math.abs(newValue);
    slopeMagnitude = Math.abs(newSlope);
  }

  /** -sg(weight) A logp. */
  private void fixedWeight(double weight) {
    set(-weight * advantage * logp, -weight * advantage);
  }

  private void cispo() {
    double low = 1 - (double) policy.clipLow();
    double high = 1 + (double) policy.clipHigh();
    clippedLow = ratio < low;
    clippedHigh = ratio > high;
    fixedWeight(Math.max(low, Math.min(high, ratio)));
  }

  private void vespo() {
    Vespo vespo = policy.vespo();
    double k = advantage >= 0 ? vespo.positiveK() : vespo.negativeK();
    double lambda = advantage >= 0 ? vespo.positiveLambda() : vespo.negativeLambda();
    fixedWeight(sequence.vespoWeight(k, lambda));
    if (policy.samplerCorrection()) {
      // The rounding of every weight of the sampler, of which the logarithm is taken.
      double condition = 1 + sequence.count() * sequence.vespoSlope(k, lambda);
      valueMagnitude *= condition;
      slopeMagnitude *= condition;
    }
  }

  private void gmpo(double logRatio) {
    double bounded = SequenceSums.bounded(logRatio, advantage, policy);
    clippedHigh = bounded < logRatio;
    clippedLow = bounded > logRatio;
    double loss = -advantage * sequence.gmpoRatio();
    set(loss, bounded == logRatio ? loss : 0);
  }

  private void clip() {
    double low = 1 - (double) policy.clipLow();
    double high = 1 + (double) policy.clipHigh();
    double loss = Math.max(-advantage * ratio, -advantage * Math.max(low, Math.min(high, ratio)));
    if (advantage < 0) {
      loss = Math.min(loss, -policy.dualClip() * advantage);
    }
    clippedLow = advantage < 0 && ratio < low;
    clippedHigh = advantage > 0 && ratio > high;
    dualClipped = advantage < 0 && ratio > policy.dualClip();
    set(loss, clippedLow || clippedHigh || dualClipped ? 0 : -advantage * ratio);
  }

  private void sapo() {
    double tau = advantage > 0 ? policy.sapo().positive() : policy.sapo().negative();
    double e = Math.exp(-tau * (ratio - 1));
    double s = 1 / (1 + e);
    double complement = e / (1 + e); // 1 - s without the cancellation
    double gate = e == 0 ? 0 : 4 * s * complement * ratio;
    set(-advantage * (4 / tau) * s, -advantage * gate);
    // The gate is the exponential of a sum, tau and -tau x: itself times that sum.
    slopeMagnitude *= 1 + tau * (ratio + 1);
  }

  private void reshape() {
    Reshaping reshaping = policy.reshaping();
    double g = reshaping.parameter();
    double f;
    double derivative;
    double magnitude;
    switch (reshaping.reshape()) {
      case RATIONAL -> {
        f = ratio / (ratio + g);
        magnitude = f;
        derivative = g / (ratio + g) * f;
      }
      case POWER -> {
        f = Math.pow(ratio, g);
        magnitude = f;
        derivative = g * f;
      }
      case LOG -> {
        f = g * logp;
        magnitude = Math.abs(f);
        derivative = g;
      }
      case LINEAR_LOG -> {
        f = ratio + g * logp;
        magnitude = ratio + Math.abs(g * logp);
        derivative = ratio + g;
      }
      case RATIONAL_RATIO -> {
        double p = Math.exp(logp);
        double old = Math.exp(problem.oldLogProb(t));
        f = p / (p + g) / (old / (old + g));
        magnitude = f;
        derivative = g / (p + g) * f;
      }
      default -> throw new IllegalArgumentException("reshape " + reshaping.reshape());
    }
    reshapedLow = f < reshaping.low();
    reshapedHigh = f > reshaping.high();
    reshaped = Math.max(reshaping.low(), Math.min(reshaping.high(), f));
    set(-advantage * reshaped, reshapedLow || reshapedHigh ? 0 : -advantage * derivative);
    if (!reshapedLow && !reshapedHigh) {
      valueMagnitude = Math.abs(advantage) * magnitude;
    }
  }
}
