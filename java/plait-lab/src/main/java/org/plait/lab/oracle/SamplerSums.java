package org.plait.lab.oracle;

/**
 * The sums that {@code token_objective} reports of the sampler's mismatch, named as in {@code
 * plait_metrics}: of a token, omega is the log-ratio and x its exponential, limited; of a sequence,
 * m is the mean of x.
 */
public final class SamplerSums {
  public final Sum logRatio = new Sum();
  public final Sum abs = new Sum();
  public final Sum k3 = new Sum();
  public final Sum square = new Sum();
  public final Sum ratio = new Sum();
  public final Sum weight = new Sum();
  public final Sum weightSquare = new Sum();
  public final Sum clamped = new Sum();
  public final Sum clampedSquare = new Sum();
  public final Extremes absRange = new Extremes();
  public final Extremes ratioRange = new Extremes();
  public final Sum logPpl = new Sum();
  public final Sum oldLogPpl = new Sum();
  public final Sum ppl = new Sum();
  public final Sum oldPpl = new Sum();
  public final Sum pplRatio = new Sum();
  public final Sum logPplAbsDiff = new Sum();
  public final Extremes logPplDiffRange = new Extremes();
  public final Sum sequenceRatio = new Sum();
  public final Sum sequenceRatioSquare = new Sum();
  public final Extremes sequenceRatioRange = new Extremes();
  public final Extremes sequenceDeviationRange = new Extremes();
  public final Sum sequenceSquare = new Sum();
  private final double logLimit;
  private final double bound;
  private double tokens;
  private double sequences;
  private double aboveCount;
  private double belowCount;
  private double sequenceAboveCount;
  private double sequenceBelowCount;
  private double rejectedTokens;
  private double rejectedSequences;
  private double partlyRejectedSequences;

  /** Of a correction with a limit of |omega| and an upper bound, each infinite if there is none. */
  SamplerSums(double logLimit, double bound) {
    this.logLimit = logLimit;
    this.bound = bound;
  }

  /** Adds a token, and returns its x. */
  double addToken(double omega, double samplerWeight) {
    double x = Math.exp(Math.max(-logLimit, Math.min(logLimit, omega)));
    tokens++;
    logRatio.add(omega);
    abs.add(Math.abs(omega));
    absRange.add(Math.abs(omega), Math.abs(omega));
    k3.add(KlOracle.expMinusOneMinus(omega));
    square.add(x * x);
    ratio.add(x);
    ratioRange.add(x, x);
    weight.add(samplerWeight);
    weightSquare.add(samplerWeight * samplerWeight);
    if (hasBound()) {
      double v = Math.min(Math.max(x, 1 / bound), bound);
      aboveCount += x > bound ? 1 : 0;
      belowCount += x < 1 / bound ? 1 : 0;
      clamped.add(v);
      clampedSquare.add(v * v);
    }
    return x;
  }

  /** Adds a sequence of {@code count} such tokens from sums over them. */
  void addSequence(double samplerSum, double oldSum, double ratioSum, int count, int rejected) {
    double samplerMean = samplerSum / count;
    double oldMean = oldSum / count;
    double delta = samplerMean - oldMean;
    double magnitude = Math.abs(samplerMean) + Math.abs(oldMean);
    double logRatioSum = Math.max(-20, Math.min(20, oldSum - samplerSum));
    sequences++;
    logPpl.add(-samplerMean);
    oldLogPpl.add(-oldMean);
    ppl.add(Math.exp(-samplerMean));
    oldPpl.add(Math.exp(-oldMean));
    pplRatio.add(Math.exp(delta));
    logPplAbsDiff.add(Math.abs(delta), magnitude);
    logPplDiffRange.add(delta, magnitude);
    sequenceSquare.add(Math.exp(2 * logRatioSum));
    rejectedTokens += rejected;
    rejectedSequences += rejected == count ? 1 : 0;
    partlyRejectedSequences += rejected > 0 && rejected < count ? 1 : 0;
    addSequenceRatio(ratioSum / count);
  }

  private void addSequenceRatio(double m) {
    sequenceRatio.add(m);
    sequenceRatioSquare.add(m * m);
    sequenceRatioRange.add(m, m);
    sequenceDeviationRange.add(Math.abs(m - 1), m + 1);
    if (hasBound()) {
      sequenceAboveCount += m > bound ? 1 : 0;
      sequenceBelowCount += m < 1 / bound ? 1 : 0;
    }
  }

  /** Whether the correction has an upper bound. */
  public boolean hasBound() {
    return bound < Double.POSITIVE_INFINITY;
  }

  /** Rollout tokens with a log-probability of the sampler. */
  public double tokens() {
    return tokens;
  }

  /** Sequences with such a token. */
  public double sequences() {
    return sequences;
  }

  /** Tokens with x above the bound. */
  public double aboveCount() {
    return aboveCount;
  }

  /** Tokens with x below the reciprocal of the bound. */
  public double belowCount() {
    return belowCount;
  }

  /** Sequences with m above the bound. */
  public double sequenceAboveCount() {
    return sequenceAboveCount;
  }

  /** Sequences with m below the reciprocal of the bound. */
  public double sequenceBelowCount() {
    return sequenceBelowCount;
  }

  /** Tokens that the correction rejected. */
  public double rejectedTokens() {
    return rejectedTokens;
  }

  /** Sequences of which it rejected every token. */
  public double rejectedSequences() {
    return rejectedSequences;
  }

  /** Sequences of which it rejected some tokens. */
  public double partlyRejectedSequences() {
    return partlyRejectedSequences;
  }
}
