package org.plait.lab.oracle;

/** The sums that {@code token_objective} reports, named as in {@code plait_metrics}. */
public final class ObjectiveSums {
  public final Sum policyLoss = new Sum();
  public final Sum nllLoss = new Sum();
  public final Sum klLoss = new Sum();
  public final Sum entropyLoss = new Sum();
  final double[] tokens = new double[4];
  double policyTokens;
  public final Sum ratio = new Sum();
  double ratioMax = Double.NEGATIVE_INFINITY;
  double clipLowCount;
  double clipHighCount;
  double dualClipCount;
  public final Sum approxKlK1 = new Sum();
  public final Sum approxKlK3 = new Sum();
  public final Sum referenceKl = new Sum();
  double referenceKlTokens;
  public final Sum entropy = new Sum();
  public final Sum logProb = new Sum();

  ObjectiveSums() {}

  /** The scalar loss. */
  public double loss() {
    return policyLoss.value() + nllLoss.value() + klLoss.value() + entropyLoss.value();
  }

  /** Sum of the absolute values of all terms of the loss. */
  public double lossMagnitude() {
    return policyLoss.magnitude()
        + nllLoss.magnitude()
        + klLoss.magnitude()
        + entropyLoss.magnitude();
  }

  /** Tokens that are not ignored (0), or those of one role. */
  public double tokens(int role) {
    return tokens[role];
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
}
