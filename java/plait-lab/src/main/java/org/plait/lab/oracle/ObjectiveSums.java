package org.plait.lab.oracle;

import org.plait.SamplerCorrection;

/** The sums that {@code token_objective} reports, named as in {@code plait_metrics}. */
public final class ObjectiveSums {
  public final Sum policyLoss = new Sum();
  public final Sum nllLoss = new Sum();
  public final Sum klLoss = new Sum();
  public final Sum entropyLoss = new Sum();
  public final Sum ratio = new Sum();
  public final Sum approxKlK1 = new Sum();
  public final Sum approxKlK3 = new Sum();
  public final Sum referenceKl = new Sum();
  public final Sum entropy = new Sum();
  public final Sum logProb = new Sum();
  public final Sum reshaped = new Sum();
  public final Sum policyWeighting = new Sum();
  public final Sum nllWeighting = new Sum();
  public final SamplerSums sampler;
  private final Sum[] policyValue = byRole();
  private final Sum[] probability = byRole();
  private final Sum[] oldProbability = byRole();
  private final double[] tokens = new double[4];
  private final double[] clippedTokens = new double[4];
  private double policyMagnitude;
  double policyTokens;
  double ratioMax = Double.NEGATIVE_INFINITY;
  double clipLowCount;
  double clipHighCount;
  double dualClipCount;
  double referenceKlTokens;
  double reshapedTokens;
  double reshapeLowCount;
  double reshapeHighCount;
  double droppedTokens;
  double policyWeightingTokens;
  double nllWeightingTokens;

  ObjectiveSums(SamplerCorrection correction) {
    sampler = new SamplerSums(correction.logLimit(), correction.high());
  }

  private static Sum[] byRole() {
    return new Sum[] {new Sum(), new Sum(), new Sum(), new Sum()};
  }

  void addToken(int role, double logp, double oldLogp) {
    tokens[0]++;
    tokens[role]++;
    logProb.add(logp);
    add(probability, role, Math.exp(logp), Math.exp(logp));
    add(oldProbability, role, Math.exp(oldLogp), Math.exp(oldLogp));
  }

  void addPolicy(int role, PolicyOracle policy) {
    policyTokens++;
    ratio.add(policy.ratio);
    ratioMax = Math.max(ratioMax, policy.ratio);
    clipLowCount += policy.clippedLow ? 1 : 0;
    clipHighCount += policy.clippedHigh ? 1 : 0;
    dualClipCount += policy.dualClipped ? 1 : 0;
    double clipped = policy.clippedLow || policy.clippedHigh ? 1 : 0;
    clippedTokens[0] += clipped;
    clippedTokens[role] += clipped;
    add(policyValue, role, policy.value, policy.valueMagnitude);
  }

  /** Adds a policy term, itself a sum of terms whose absolute values add up to a magnitude. */
  void addPolicyLoss(double term, double magnitude) {
    policyLoss.add(term, magnitude);
    policyMagnitude += Math.abs(term);
  }

  private static void add(Sum[] sums, int role, double term, double magnitude) {
    sums[0].add(term, magnitude);
    sums[role].add(term, magnitude);
  }

  /** The scalar loss. */
  public double loss() {
    return policyLoss.value() + nllLoss.value() + klLoss.value() + entropyLoss.value();
  }

  /** Sum of the absolute values of all terms of the loss, four to a token. */
  public double lossMagnitude() {
    return policyMagnitude + nllLoss.magnitude() + klLoss.magnitude() + entropyLoss.magnitude();
  }

  /** Tokens that are not ignored (0), or those of one role. */
  public double tokens(int role) {
    return tokens[role];
  }

  /** Policy loss before any weight, of all tokens (0) or of one role. */
  public Sum policyValue(int role) {
    return policyValue[role];
  }

  /** Probability of the realised tokens, of all (0) or of one role. */
  public Sum probability(int role) {
    return probability[role];
  }

  /** The same under the behaviour policy. */
  public Sum oldProbability(int role) {
    return oldProbability[role];
  }

  /** Tokens that a bound of the ratio clipped, of all (0) or of one role. */
  public double clippedTokens(int role) {
    return clippedTokens[role];
  }

  /** Tokens whose rule has a policy loss. */
  public double policyTokens() {
    return policyTokens;
  }

  /** Largest ratio; -inf if no token has one. */
  public double ratioMax() {
    return ratioMax;
  }

  /** Tokens that the lower bound clipped. */
  public double clipLowCount() {
    return clipLowCount;
  }

  /** Tokens that the upper bound clipped. */
  public double clipHighCount() {
    return clipHighCount;
  }

  /** Tokens that the dual clip caught. */
  public double dualClipCount() {
    return dualClipCount;
  }

  /** Tokens whose rule has a KL term. */
  public double referenceKlTokens() {
    return referenceKlTokens;
  }

  /** Tokens whose policy loss is reshaped. */
  public double reshapedTokens() {
    return reshapedTokens;
  }

  /** Tokens that the lower bound of the reshaped weight holds. */
  public double reshapeLowCount() {
    return reshapeLowCount;
  }

  /** Tokens that the upper bound of the reshaped weight holds. */
  public double reshapeHighCount() {
    return reshapeHighCount;
  }

  /** Tokens that lost their policy term. */
  public double droppedTokens() {
    return droppedTokens;
  }

  /** Tokens whose policy term has an entropy weighting. */
  public double policyWeightingTokens() {
    return policyWeightingTokens;
  }

  /** Tokens whose likelihood has an entropy weighting. */
  public double nllWeightingTokens() {
    return nllWeightingTokens;
  }
}
