package org.plait;

import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Structs;

/**
 * Metrics of a call, kept as sums so that those of micro-batches and ranks can be added up; means
 * are formed when they are asked for, and are NaN where there is nothing to take a mean of. Ratios,
 * clip fractions and the approximate KL are over {@link #policyTokens()}. Reusable. Confined to one
 * thread at a time.
 *
 * <p>A call on the CPU writes into the object itself. One on a CUDA device writes to memory of that
 * device, which {@link #at} names; the numbers are in the object after {@link #read}.
 */
public final class Metrics {
  /** Bytes that metrics take in memory. */
  public static final int BYTES = Structs.METRICS_SIZE;

  private static final int[] MAXIMA = {
    Structs.METRICS_RATIO_MAX,
    Structs.METRICS_SAMPLER_ABS_MAX,
    Structs.METRICS_SAMPLER_RATIO_MAX,
    Structs.METRICS_SAMPLER_SEQUENCE_RATIO_MAX,
    Structs.METRICS_SAMPLER_SEQUENCE_DEVIATION_MAX,
    Structs.METRICS_LOG_PPL_DIFF_MAX
  };
  private static final int[] MINIMA = {
    Structs.METRICS_SAMPLER_RATIO_MIN,
    Structs.METRICS_SAMPLER_SEQUENCE_RATIO_MIN,
    Structs.METRICS_LOG_PPL_DIFF_MIN
  };

  private final ByteBuffer struct = Structs.allocate(Structs.METRICS_SIZE);
  private final long address = NativeLibrary.address(struct, 1);
  private final SamplerMetrics sampler = new SamplerMetrics(struct);
  private final @Nullable TensorView memory;

  /**
   * Makes metrics of no tokens, for calls on the CPU and for sums of others.
   *
   * @throws PlaitException if the native library cannot be loaded
   */
  public Metrics() {
    this(null);
  }

  private Metrics(@Nullable TensorView memory) {
    this.memory = memory;
    reset();
  }

  /**
   * Makes metrics that calls write to memory of a device. They are those of no tokens until {@link
   * #read} is called, and keep what was read last.
   *
   * <pre>{@code
   * Metrics metrics = Metrics.at(deviceMemory);                // once
   * PolicyStep.compute(cuda, ..., metrics, workspace);         // enqueued
   * // copy deviceMemory to hostMemory, synchronise the stream
   * metrics.read(hostMemory);
   * }</pre>
   *
   * @param memory UINT8 [{@value #BYTES}] on the device of the calls, 8-byte aligned, which this
   *     object keeps reachable
   * @return metrics for calls on that device
   * @throws IllegalArgumentException if the view has another type, shape or alignment, or is
   *     read-only
   */
  public static Metrics at(TensorView memory) {
    words("memory", memory);
    Checks.writable("memory", memory);
    return new Metrics(memory);
  }

  /**
   * Overwrites these metrics with what a call wrote.
   *
   * @param copy UINT8 [{@value #BYTES}] on the CPU, 8-byte aligned: a copy of the memory that the
   *     call was given, or that memory itself if it is page-locked, once its stream has been
   *     synchronised
   * @throws IllegalArgumentException if the view has another type, shape, alignment or device
   */
  public void read(TensorView copy) {
    TensorView words = words("copy", copy);
    Checks.device("copy", copy, -1);
    for (int i = 0; i < BYTES / Long.BYTES; i++) {
      struct.putLong(i * Long.BYTES, words.getLong(i));
    }
  }

  private static TensorView words(String name, TensorView view) {
    if (view == null || view.dtype() != DType.UINT8 || view.rank() != 1 || view.size(0) != BYTES) {
      throw Checks.unexpected(name, Shapes.describe(DType.UINT8, BYTES), view);
    }
    long address = view.address(name);
    if (address % Long.BYTES != 0) {
      throw new IllegalArgumentException(
          "%s: expected an address that is a multiple of 8, got 0x%x".formatted(name, address));
    }
    return view.asVector(DType.INT64, BYTES / Long.BYTES);
  }

  /** Forgets everything: metrics of no tokens. */
  public void reset() {
    for (int at = 0; at < Structs.METRICS_SIZE; at += Double.BYTES) {
      struct.putDouble(at, 0);
    }
    for (int at : MAXIMA) {
      struct.putDouble(at, Double.NEGATIVE_INFINITY);
    }
    for (int at : MINIMA) {
      struct.putDouble(at, Double.POSITIVE_INFINITY);
    }
  }

  /**
   * Adds the metrics of other tokens: of another micro-batch or rank.
   *
   * @param other metrics of tokens that are not in these; unchanged
   */
  public void add(Metrics other) {
    for (int at = 0; at < Structs.METRICS_SIZE; at += Double.BYTES) {
      double mine = get(at);
      double theirs = other.get(at);
      struct.putDouble(
          at,
          contains(MAXIMA, at)
              ? Math.max(mine, theirs)
              : contains(MINIMA, at) ? Math.min(mine, theirs) : mine + theirs);
    }
  }

  private static boolean contains(int[] offsets, int offset) {
    for (int each : offsets) {
      if (each == offset) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the scalar loss, whose gradient the call computed.
   *
   * @return the sum of the four losses below
   */
  public double loss() {
    return get(Structs.METRICS_LOSS);
  }

  /**
   * Returns the policy-gradient part of the loss.
   *
   * @return the weighted sum
   */
  public double policyLoss() {
    return get(Structs.METRICS_POLICY_LOSS);
  }

  /**
   * Returns the negative log-likelihood part of the loss.
   *
   * @return the weighted sum
   */
  public double nllLoss() {
    return get(Structs.METRICS_NLL_LOSS);
  }

  /**
   * Returns the KL part of the loss.
   *
   * @return the weighted sum
   */
  public double klLoss() {
    return get(Structs.METRICS_KL_LOSS);
  }

  /**
   * Returns the entropy part of the loss, negative for a bonus.
   *
   * @return the weighted sum
   */
  public double entropyLoss() {
    return get(Structs.METRICS_ENTROPY_LOSS);
  }

  /**
   * Returns the sum of the absolute terms of the loss: what a rounding error of the loss is
   * relative to, since terms cancel.
   *
   * @return the weighted sum of absolute values
   */
  public double lossMagnitude() {
    return get(Structs.METRICS_LOSS_MAGNITUDE);
  }

  /**
   * Returns how many tokens were not ignored.
   *
   * @return the count
   */
  public double tokens() {
    return get(Structs.METRICS_TOKENS);
  }

  /**
   * Returns how many tokens had a role.
   *
   * @param role any role; ignored tokens are not counted
   * @return the count, 0 for {@link Role#IGNORED}
   */
  public double tokens(Role role) {
    return byRole(Structs.METRICS_TOKENS, role);
  }

  /**
   * Returns how many tokens had a policy loss.
   *
   * @return the count
   */
  public double policyTokens() {
    return get(Structs.METRICS_POLICY_TOKENS);
  }

  /**
   * Returns the mean importance ratio.
   *
   * @return the mean over policy tokens
   */
  public double ratioMean() {
    return perPolicyToken(Structs.METRICS_RATIO_SUM);
  }

  /**
   * Returns the largest importance ratio.
   *
   * @return the maximum over policy tokens, -inf if there are none
   */
  public double ratioMax() {
    return get(Structs.METRICS_RATIO_MAX);
  }

  /**
   * Returns the share of policy tokens clipped from below: negative advantage, ratio under {@code 1
   * - clipLow}, no gradient.
   *
   * @return a fraction of policy tokens
   */
  public double clipFractionLow() {
    return perPolicyToken(Structs.METRICS_CLIP_LOW_COUNT);
  }

  /**
   * Returns the share of policy tokens clipped from above: positive advantage, ratio over {@code 1
   * + clipHigh}, no gradient.
   *
   * @return a fraction of policy tokens
   */
  public double clipFractionHigh() {
    return perPolicyToken(Structs.METRICS_CLIP_HIGH_COUNT);
  }

  /**
   * Returns the share of policy tokens stopped by the dual clip: negative advantage, ratio over the
   * dual clip, no gradient.
   *
   * @return a fraction of policy tokens
   */
  public double dualClipFraction() {
    return perPolicyToken(Structs.METRICS_DUAL_CLIP_COUNT);
  }

  /**
   * Returns the k1 estimate of KL(behaviour || policy).
   *
   * @return the mean of {@code oldLogp - logp} over policy tokens
   */
  public double approxKlK1() {
    return perPolicyToken(Structs.METRICS_APPROX_KL_K1_SUM);
  }

  /**
   * Returns the k3 estimate of KL(behaviour || policy).
   *
   * @return the mean of {@code r - 1 - log r} over policy tokens
   */
  public double approxKlK3() {
    return perPolicyToken(Structs.METRICS_APPROX_KL_K3_SUM);
  }

  /**
   * Returns the objective's estimate of KL(policy || reference).
   *
   * @return the mean over tokens whose rule has a KL term
   */
  public double referenceKl() {
    return get(Structs.METRICS_REFERENCE_KL_SUM) / get(Structs.METRICS_REFERENCE_KL_TOKENS);
  }

  /**
   * Returns the mean entropy.
   *
   * @return the mean over {@link #tokens()} in nats; 0 if the call was not given entropies
   */
  public double entropyMean() {
    return get(Structs.METRICS_ENTROPY_SUM) / tokens();
  }

  /**
   * Returns the mean log-probability of the realised tokens.
   *
   * @return the mean over {@link #tokens()} in nats
   */
  public double logProbMean() {
    return get(Structs.METRICS_LOGP_SUM) / tokens();
  }

  /**
   * Returns how many tokens had a target outside the vocabulary; they are in no other metric.
   *
   * @return the count
   */
  public double badTargets() {
    return get(Structs.METRICS_BAD_TARGETS);
  }

  /**
   * Returns a role's mean policy loss before any weight.
   *
   * @param role a role that is not ignored
   * @return the mean over tokens of the role; 0 if its rule has no policy loss
   */
  public double policyValueMean(Role role) {
    return byRole(Structs.METRICS_POLICY_VALUE_SUM, role) / tokens(role);
  }

  /**
   * Returns a role's share of tokens clipped from below or above.
   *
   * @param role a role that is not ignored
   * @return a fraction of the tokens of the role
   */
  public double clipFraction(Role role) {
    return byRole(Structs.METRICS_CLIPPED_TOKENS, role) / tokens(role);
  }

  /**
   * Returns a role's mean probability of the realised tokens.
   *
   * @param role a role that is not ignored
   * @return the mean of {@code exp(logp)} over tokens of the role
   */
  public double probabilityMean(Role role) {
    return byRole(Structs.METRICS_PROBABILITY_SUM, role) / tokens(role);
  }

  /**
   * Returns a role's mean probability of the realised tokens under the behaviour policy.
   *
   * @param role a role that is not ignored
   * @return the mean of {@code exp(oldLogp)}, or of {@code exp(logp)} where there is none
   */
  public double oldProbabilityMean(Role role) {
    return byRole(Structs.METRICS_OLD_PROBABILITY_SUM, role) / tokens(role);
  }

  /**
   * Returns the mean of the function of {@link PolicyLoss#RESHAPED}.
   *
   * @return the mean over the tokens of rules with that loss
   */
  public double reshapedMean() {
    return get(Structs.METRICS_RESHAPED_SUM) / get(Structs.METRICS_RESHAPED_TOKENS);
  }

  /**
   * Returns the share of reshaped tokens below the lower bound of {@link Reshaping}: no gradient.
   *
   * @return a fraction of the tokens of rules with {@link PolicyLoss#RESHAPED}
   */
  public double reshapeLowFraction() {
    return get(Structs.METRICS_RESHAPE_LOW_COUNT) / get(Structs.METRICS_RESHAPED_TOKENS);
  }

  /**
   * Returns the share of reshaped tokens above the upper bound of {@link Reshaping}: no gradient.
   *
   * @return a fraction of the tokens of rules with {@link PolicyLoss#RESHAPED}
   */
  public double reshapeHighFraction() {
    return get(Structs.METRICS_RESHAPE_HIGH_COUNT) / get(Structs.METRICS_RESHAPED_TOKENS);
  }

  /**
   * Returns how many tokens lost their policy term: to a selection, a covariance, a bound.
   *
   * @return the count
   */
  public double droppedTokens() {
    return get(Structs.METRICS_DROPPED_TOKENS);
  }

  /**
   * Returns the mean entropy weighting of policy terms: SRFT's {@code on_coef}.
   *
   * @return the mean over tokens whose rule has one
   */
  public double policyWeightingMean() {
    return get(Structs.METRICS_POLICY_WEIGHTING_SUM) / get(Structs.METRICS_POLICY_WEIGHTING_TOKENS);
  }

  /**
   * Returns the mean weighting of negative log-likelihoods, by entropy and by probability: SRFT's
   * {@code sft_coef}.
   *
   * @return the mean over tokens whose rule has one
   */
  public double nllWeightingMean() {
    return get(Structs.METRICS_NLL_WEIGHTING_SUM) / get(Structs.METRICS_NLL_WEIGHTING_TOKENS);
  }

  /**
   * Returns how many tokens the sampler correction rejected; they are in none of the metrics above.
   *
   * @return the count
   */
  public double rejectedTokens() {
    return get(Structs.METRICS_REJECTED_TOKENS);
  }

  /**
   * Returns how far the sampler is from the trainer.
   *
   * @return a view of these metrics
   */
  public SamplerMetrics sampler() {
    return sampler;
  }

  /**
   * Returns all metrics by name, for a log.
   *
   * @return a new map in a fixed order, with names such as {@code clip_fraction_low}
   */
  public Map<String, Double> toMap() {
    return MetricNames.plait(this);
  }

  /**
   * Returns what verl and its kin log, such as {@code actor/pg_clipfrac}; see OBJECTIVES.md.
   *
   * @return a new map in a fixed order, without what there is nothing to take a mean of
   */
  public Map<String, Double> toVerlMap() {
    return MetricNames.verl(this);
  }

  /** All metrics by name. */
  @Override
  public String toString() {
    return "Metrics" + toMap();
  }

  /** Where a call on a device writes. */
  static long address(@Nullable Metrics metrics, int device) {
    if (metrics == null) {
      return 0;
    }
    TensorView to = metrics.memory;
    int at = to == null ? -1 : to.device();
    if (at != device) {
      throw new IllegalArgumentException(
          "metrics: expected metrics on %s%s, got them on %s"
              .formatted(
                  Backend.deviceName(device),
                  device < 0 ? "" : " from Metrics.at",
                  Backend.deviceName(at)));
    }
    return to == null ? metrics.address : to.address("metrics");
  }

  private double perPolicyToken(int offset) {
    return get(offset) / policyTokens();
  }

  /** Of an array whose first element is over all roles. */
  private double byRole(int offset, Role role) {
    return role == Role.IGNORED ? 0 : get(offset + role.code() * Double.BYTES);
  }

  private double get(int offset) {
    return struct.getDouble(offset);
  }
}
