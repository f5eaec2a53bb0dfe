package org.plait;

import java.util.Objects;

/**
 * Correction for a sampler whose probabilities differ from the trainer's, as those of an inference
 * engine do. With {@code omega = oldLogp - samplerLogp} of a rollout token, its policy term is
 * multiplied by the constant {@code w = exp(omega)}, bounded; and tokens or sequences that differ
 * too much are filtered out. Needs both log-probabilities in the batch, and costs no second pass.
 *
 * <p>Covers verl's rollout correction, the importance-sampling corrections of TRL and OpenRLHF, TIS
 * and IcePop. Immutable and thread-safe.
 *
 * @param level what the weight is of; not {@link CorrectionLevel#SEQUENCE_MAX}
 * @param bounds what happens to a weight outside [low, high]
 * @param low at least 0, at most high
 * @param high above 0; +inf for no bound
 * @param logLimit above 0: |omega|, or the sequence's, is clamped to it; +inf for no limit
 * @param normalise whether weights are divided by their mean over the corrected tokens
 * @param filterLevel what the filter looks at
 * @param filterEstimator {@link KlEstimator#K1}, {@link KlEstimator#K2} or {@link KlEstimator#K3}:
 *     per token {@code -omega}, {@code omega^2 / 2} or {@code exp(omega) - 1 - omega}
 * @param filterLow at least 0: with K1 the statistic has to be at least its logarithm
 * @param filterHigh at least 0: with K1 the statistic has to be at most its logarithm, otherwise at
 *     most this
 * @param filterAction what happens to what does not pass
 */
public record SamplerCorrection(
    CorrectionLevel level,
    CorrectionBounds bounds,
    float low,
    float high,
    float logLimit,
    boolean normalise,
    CorrectionLevel filterLevel,
    KlEstimator filterEstimator,
    float filterLow,
    float filterHigh,
    FilterAction filterAction) {

  /** No correction. */
  public static final SamplerCorrection NONE = builder().build();

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a number is out of range or NaN, or a choice is not one of
   *     those above
   */
  public SamplerCorrection {
    Objects.requireNonNull(level, "level");
    Objects.requireNonNull(bounds, "bounds");
    Objects.requireNonNull(filterLevel, "filterLevel");
    Objects.requireNonNull(filterEstimator, "filterEstimator");
    Objects.requireNonNull(filterAction, "filterAction");
    if (level == CorrectionLevel.SEQUENCE_MAX) {
      throw new IllegalArgumentException(
          "level: expected NONE, TOKEN, SEQUENCE_SUM or SEQUENCE_MEAN, got SEQUENCE_MAX");
    }
    if (filterEstimator == KlEstimator.ABS) {
      throw new IllegalArgumentException("filterEstimator: expected K1, K2 or K3, got ABS");
    }
    Checks.that(high > 0, "high", "above 0", high);
    Checks.that(low >= 0 && low <= high, "low", "a number in [0, high (" + high + ")]", low);
    Checks.that(logLimit > 0, "logLimit", "above 0", logLimit);
    Checks.that(filterHigh >= 0, "filterHigh", "at least 0", filterHigh);
    Checks.that(
        filterLow >= 0 && filterLow <= filterHigh,
        "filterLow",
        "a number in [0, filterHigh (" + filterHigh + ")]",
        filterLow);
  }

  /**
   * Truncated importance sampling (Yao et al. 2025, "Your efficient RL framework secretly brings
   * you off-policy RL training"): {@code w = min(exp(omega), high)} of a token.
   *
   * @param high the largest weight, typically 2
   * @return the correction
   */
  public static SamplerCorrection tis(float high) {
    return builder().weights(CorrectionLevel.TOKEN, CorrectionBounds.TRUNCATE, 0, high).build();
  }

  /**
   * Truncated importance sampling of whole sequences: {@code w = min(exp(sum of omega), high)},
   * with the sum clamped to 20 as in verl.
   *
   * @param high the largest weight, typically 2
   * @return the correction
   */
  public static SamplerCorrection tisSequence(float high) {
    return builder()
        .weights(CorrectionLevel.SEQUENCE_SUM, CorrectionBounds.TRUNCATE, 0, high)
        .logLimit(20)
        .build();
  }

  /**
   * IcePop: {@code w = exp(omega)} of a token, or 0 if that is outside the bounds.
   *
   * @param low bound below, 0.5 for instance
   * @param high bound above, 5 for instance
   * @return the correction
   */
  public static SamplerCorrection icePop(float low, float high) {
    return builder().weights(CorrectionLevel.TOKEN, CorrectionBounds.MASK, low, high).build();
  }

  /**
   * TRL's default, the mode {@code sequence_mask}: {@code w = exp(sum of omega)}, or 0 above the
   * bound. The product over a long answer easily exceeds a bound of 3, which silences the sequence.
   *
   * @param high bound above, 3 in TRL
   * @return the correction
   */
  public static SamplerCorrection sequenceMask(float high) {
    return builder().weights(CorrectionLevel.SEQUENCE_SUM, CorrectionBounds.MASK, 0, high).build();
  }

  /**
   * Starts with {@link #NONE}.
   *
   * @return a builder without weights and filter
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Says whether weights or filter are switched on.
   *
   * @return false if nothing is corrected
   */
  public boolean isOn() {
    return level != CorrectionLevel.NONE || filterLevel != CorrectionLevel.NONE;
  }

  /** Builds {@link SamplerCorrection}s. Confined to one thread. */
  public static final class Builder {
    private CorrectionLevel level = CorrectionLevel.NONE;
    private CorrectionBounds bounds = CorrectionBounds.TRUNCATE;
    private float low;
    private float high = Float.POSITIVE_INFINITY;
    private float logLimit = Float.POSITIVE_INFINITY;
    private boolean normalise;
    private CorrectionLevel filterLevel = CorrectionLevel.NONE;
    private KlEstimator filterEstimator = KlEstimator.K1;
    private float filterLow;
    private float filterHigh = Float.POSITIVE_INFINITY;
    private FilterAction filterAction = FilterAction.REJECT;

    private Builder() {}

    /**
     * Multiplies policy terms by importance weights.
     *
     * @param level what a weight is of
     * @param bounds what happens to a weight outside the bounds
     * @param low at least 0, at most high
     * @param high above 0; +inf for no bound
     * @return this
     */
    public Builder weights(CorrectionLevel level, CorrectionBounds bounds, float low, float high) {
      this.level = level;
      this.bounds = bounds;
      this.low = low;
      this.high = high;
      return this;
    }

    /**
     * Clamps the log-ratio, or the sequence's.
     *
     * @param limit above 0; +inf for no limit; verl's is 20
     * @return this
     */
    public Builder logLimit(float limit) {
      this.logLimit = limit;
      return this;
    }

    /**
     * Divides weights by their mean.
     *
     * @param value whether to
     * @return this
     */
    public Builder normalise(boolean value) {
      this.normalise = value;
      return this;
    }

    /**
     * Filters tokens or sequences out.
     *
     * @param level what the filter looks at
     * @param estimator K1, K2 or K3
     * @param low at least 0, at most high; for K1 alone
     * @param high at least 0
     * @return this
     */
    public Builder filter(CorrectionLevel level, KlEstimator estimator, float low, float high) {
      this.filterLevel = level;
      this.filterEstimator = estimator;
      this.filterLow = low;
      this.filterHigh = high;
      return this;
    }

    /**
     * Sets what happens to what the filter does not pass.
     *
     * @param action rejection, which is the default, or weight 0
     * @return this
     */
    public Builder filterAction(FilterAction action) {
      this.filterAction = action;
      return this;
    }

    /**
     * Builds the correction.
     *
     * @return an immutable correction
     * @throws IllegalArgumentException as the constructor of {@link SamplerCorrection}
     */
    public SamplerCorrection build() {
      return new SamplerCorrection(
          level,
          bounds,
          low,
          high,
          logLimit,
          normalise,
          filterLevel,
          filterEstimator,
          filterLow,
          filterHigh,
          filterAction);
    }
  }
}
