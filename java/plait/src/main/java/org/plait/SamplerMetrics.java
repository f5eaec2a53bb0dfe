package org.plait;

import java.nio.ByteBuffer;
import org.plait.internal.Structs;

/**
 * How far the sampler is from the trainer, a part of {@link Metrics}: of the rollout tokens with a
 * log-probability of the sampler, rejected ones too, and of the sequences that have one.
 *
 * <p>Of a token, {@code omega = oldLogp - samplerLogp} and {@code x = exp(omega)}, with omega
 * limited by {@link SamplerCorrection#logLimit}; only {@link #weightMean} and {@link
 * #effectiveSampleSize} see the bounds of the correction. Of a sequence, over its rollout tokens,
 * {@code m = mean of x}. C is {@link SamplerCorrection#high}; what is said of it is over the calls
 * in which it is finite, and NaN if there are none. Shows its metrics as they are now. Confined to
 * one thread at a time, as they are.
 */
public final class SamplerMetrics {
  private final ByteBuffer struct;

  /** Of a {@code plait_metrics}. */
  SamplerMetrics(ByteBuffer struct) {
    this.struct = struct;
  }

  /**
   * Returns how many tokens these metrics are of.
   *
   * @return the count
   */
  public double tokens() {
    return get(Structs.METRICS_SAMPLER_TOKENS);
  }

  /**
   * Returns how many sequences these metrics are of.
   *
   * @return the count
   */
  public double sequences() {
    return get(Structs.METRICS_SAMPLER_SEQUENCES);
  }

  /**
   * Returns the k1 estimate of KL(sampler || old policy).
   *
   * @return the mean of {@code -omega}, without its limit
   */
  public double kl() {
    return -perToken(Structs.METRICS_SAMPLER_LOG_RATIO_SUM);
  }

  /**
   * Returns the k3 estimate of KL(sampler || old policy).
   *
   * @return the mean of {@code exp(omega) - 1 - omega}, without its limit
   */
  public double k3Kl() {
    return perToken(Structs.METRICS_SAMPLER_K3_SUM);
  }

  /**
   * Returns the mean distance of the log-probabilities.
   *
   * @return the mean of {@code |omega|}, without its limit
   */
  public double absMean() {
    return perToken(Structs.METRICS_SAMPLER_ABS_SUM);
  }

  /**
   * Returns the largest distance of the log-probabilities.
   *
   * @return the maximum of {@code |omega|}, without its limit; -inf if there are no tokens
   */
  public double absMax() {
    return get(Structs.METRICS_SAMPLER_ABS_MAX);
  }

  /**
   * Returns the chi-squared divergence of tokens.
   *
   * @return the mean of {@code x^2}, less 1
   */
  public double chi2Token() {
    return perToken(Structs.METRICS_SAMPLER_SQUARE_SUM) - 1;
  }

  /**
   * Returns the chi-squared divergence of sequences.
   *
   * @return the mean over sequences of {@code exp(2 s)}, less 1, where s is the sum of omega
   *     without its limit, but in [-20, 20]
   */
  public double chi2Sequence() {
    return perSequence(Structs.METRICS_SAMPLER_SEQUENCE_SQUARE_SUM) - 1;
  }

  /**
   * Returns the mean importance weight before any bound.
   *
   * @return the mean of x
   */
  public double ratioMean() {
    return perToken(Structs.METRICS_SAMPLER_RATIO_SUM);
  }

  /**
   * Returns the largest importance weight before any bound.
   *
   * @return the maximum of x, -inf if there are no tokens
   */
  public double ratioMax() {
    return get(Structs.METRICS_SAMPLER_RATIO_MAX);
  }

  /**
   * Returns the smallest importance weight before any bound.
   *
   * @return the minimum of x, +inf if there are no tokens
   */
  public double ratioMin() {
    return get(Structs.METRICS_SAMPLER_RATIO_MIN);
  }

  /**
   * Returns the share of tokens above C.
   *
   * @return the fraction of tokens with {@code x > C}
   */
  public double fractionHigh() {
    return perBoundToken(Structs.METRICS_SAMPLER_ABOVE_COUNT);
  }

  /**
   * Returns the share of tokens below the reciprocal of C, whatever the lower bound.
   *
   * @return the fraction of tokens with {@code x < 1 / C}
   */
  public double fractionLow() {
    return perBoundToken(Structs.METRICS_SAMPLER_BELOW_COUNT);
  }

  /**
   * Returns the standard deviation of the clamped weights.
   *
   * @return that of x clamped to [1 / C, C], dividing by the number of tokens
   */
  public double clampedStd() {
    double mean = perBoundToken(Structs.METRICS_SAMPLER_CLAMPED_SUM);
    double square = perBoundToken(Structs.METRICS_SAMPLER_CLAMPED_SQUARE_SUM);
    return Math.sqrt(Math.max(0, square - mean * mean));
  }

  /**
   * Returns the effective sample size of the clamped weights, as a share of the tokens.
   *
   * @return {@code (mean v)^2 / mean of v^2} of v, which is x clamped to [1 / C, C]; in [0, 1]
   */
  public double clampedEffectiveSampleSize() {
    double mean = perBoundToken(Structs.METRICS_SAMPLER_CLAMPED_SUM);
    return mean * mean / perBoundToken(Structs.METRICS_SAMPLER_CLAMPED_SQUARE_SUM);
  }

  /**
   * Returns the mean importance weight w after bounds and filter.
   *
   * @return the mean, 1 without a correction
   */
  public double weightMean() {
    return perToken(Structs.METRICS_SAMPLER_WEIGHT_SUM);
  }

  /**
   * Returns the effective sample size of the importance weights w after bounds and filter, as a
   * share of the tokens.
   *
   * @return {@code (mean w)^2 / mean of w^2}, in [0, 1]
   */
  public double effectiveSampleSize() {
    return weightMean() * weightMean() / perToken(Structs.METRICS_SAMPLER_WEIGHT_SQUARE_SUM);
  }

  /**
   * Returns the mean importance weight of sequences.
   *
   * @return the mean over sequences of m
   */
  public double sequenceRatioMean() {
    return perSequence(Structs.METRICS_SAMPLER_SEQUENCE_RATIO_SUM);
  }

  /**
   * Returns the standard deviation of the importance weights of sequences.
   *
   * @return that of m, dividing by the number of sequences less 1; 0 of one sequence
   */
  public double sequenceRatioStd() {
    double mean = sequenceRatioMean();
    double squares = get(Structs.METRICS_SAMPLER_SEQUENCE_RATIO_SQUARE_SUM);
    double centred = Math.max(0, squares - mean * mean * sequences());
    return Math.sqrt(centred / Math.max(1, sequences() - 1));
  }

  /**
   * Returns the largest importance weight of a sequence.
   *
   * @return the maximum of m, -inf if there are no sequences
   */
  public double sequenceRatioMax() {
    return get(Structs.METRICS_SAMPLER_SEQUENCE_RATIO_MAX);
  }

  /**
   * Returns the smallest importance weight of a sequence.
   *
   * @return the minimum of m, +inf if there are no sequences
   */
  public double sequenceRatioMin() {
    return get(Structs.METRICS_SAMPLER_SEQUENCE_RATIO_MIN);
  }

  /**
   * Returns how far the importance weight of a sequence is from 1 at most.
   *
   * @return the maximum of {@code |m - 1|}, -inf if there are no sequences
   */
  public double sequenceDeviationMax() {
    return get(Structs.METRICS_SAMPLER_SEQUENCE_DEVIATION_MAX);
  }

  /**
   * Returns the share of sequences above C.
   *
   * @return the fraction of sequences with {@code m > C}
   */
  public double sequenceFractionHigh() {
    return perBoundSequence(Structs.METRICS_SAMPLER_SEQUENCE_ABOVE_COUNT);
  }

  /**
   * Returns the share of sequences below the reciprocal of C, whatever the lower bound.
   *
   * @return the fraction of sequences with {@code m < 1 / C}
   */
  public double sequenceFractionLow() {
    return perBoundSequence(Structs.METRICS_SAMPLER_SEQUENCE_BELOW_COUNT);
  }

  /**
   * Returns the sampler's mean log-perplexity.
   *
   * @return the mean over sequences of the mean of {@code -samplerLogp}
   */
  public double logPpl() {
    return perSequence(Structs.METRICS_SAMPLER_LOG_PPL_SUM);
  }

  /**
   * Returns the trainer's mean log-perplexity.
   *
   * @return the mean over sequences of the mean of {@code -oldLogp}
   */
  public double oldLogPpl() {
    return perSequence(Structs.METRICS_OLD_LOG_PPL_SUM);
  }

  /**
   * Returns the mean difference of log-perplexities, the trainer's less the sampler's.
   *
   * @return the mean over sequences of {@code mean samplerLogp - mean oldLogp}
   */
  public double logPplDiff() {
    return oldLogPpl() - logPpl();
  }

  /**
   * Returns the mean distance of log-perplexities.
   *
   * @return the mean over sequences of {@code |mean samplerLogp - mean oldLogp|}
   */
  public double logPplAbsDiff() {
    return perSequence(Structs.METRICS_LOG_PPL_ABS_DIFF_SUM);
  }

  /**
   * Returns the largest difference of log-perplexities, the trainer's less the sampler's.
   *
   * @return the maximum of {@code mean samplerLogp - mean oldLogp}, -inf if there are no sequences
   */
  public double logPplDiffMax() {
    return get(Structs.METRICS_LOG_PPL_DIFF_MAX);
  }

  /**
   * Returns the smallest difference of log-perplexities, the trainer's less the sampler's.
   *
   * @return the minimum of {@code mean samplerLogp - mean oldLogp}, +inf if there are no sequences
   */
  public double logPplDiffMin() {
    return get(Structs.METRICS_LOG_PPL_DIFF_MIN);
  }

  /**
   * Returns the sampler's mean perplexity.
   *
   * @return the mean over sequences of {@code exp(-mean samplerLogp)}
   */
  public double ppl() {
    return perSequence(Structs.METRICS_SAMPLER_PPL_SUM);
  }

  /**
   * Returns the trainer's mean perplexity.
   *
   * @return the mean over sequences of {@code exp(-mean oldLogp)}
   */
  public double oldPpl() {
    return perSequence(Structs.METRICS_OLD_PPL_SUM);
  }

  /**
   * Returns the mean ratio of perplexities, the trainer's by the sampler's.
   *
   * @return the mean over sequences of {@code exp(mean samplerLogp - mean oldLogp)}
   */
  public double pplRatio() {
    return perSequence(Structs.METRICS_SAMPLER_PPL_RATIO_SUM);
  }

  /**
   * Returns the share of tokens that the correction rejected.
   *
   * @return a fraction of {@link #tokens()}
   */
  public double rejectedFraction() {
    return perToken(Structs.METRICS_REJECTED_TOKENS);
  }

  /**
   * Returns the share of sequences that the correction rejected as a whole.
   *
   * @return the fraction of sequences all of whose rollout tokens are rejected
   */
  public double rejectedSequenceFraction() {
    return perSequence(Structs.METRICS_REJECTED_SEQUENCES);
  }

  /**
   * Returns the share of sequences that the correction rejected in part.
   *
   * @return the fraction of sequences with a rejected rollout token and one that is not
   */
  public double partlyRejectedSequenceFraction() {
    return perSequence(Structs.METRICS_PARTLY_REJECTED_SEQUENCES);
  }

  /** Whether a call had a finite C. */
  boolean hasBound() {
    return get(Structs.METRICS_SAMPLER_BOUND_TOKENS) > 0;
  }

  private double perToken(int offset) {
    return get(offset) / tokens();
  }

  private double perBoundToken(int offset) {
    return get(offset) / get(Structs.METRICS_SAMPLER_BOUND_TOKENS);
  }

  private double perSequence(int offset) {
    return get(offset) / sequences();
  }

  private double perBoundSequence(int offset) {
    return get(offset) / get(Structs.METRICS_SAMPLER_BOUND_SEQUENCES);
  }

  private double get(int offset) {
    return struct.getDouble(offset);
  }
}
