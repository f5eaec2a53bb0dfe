package org.plait;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Structs;

/**
 * Metrics of a call, kept as sums so that those of micro-batches and ranks can be added up; means
 * are formed when they are asked for, and are NaN where there is nothing to take a mean of. Ratios,
 * clip fractions and the approximate KL are over {@link #policyTokens()}. Reusable. Confined to one
 * thread at a time.
 */
public final class Metrics {
  private final ByteBuffer struct = Structs.allocate(Structs.METRICS_SIZE);
  private final long address = NativeLibrary.address(struct, 1);

  /**
   * Makes metrics of no tokens.
   *
   * @throws PlaitException if the native library cannot be loaded
   */
  public Metrics() {
    reset();
  }

  /** Forgets everything: metrics of no tokens. */
  public void reset() {
    for (int at = 0; at < Structs.METRICS_SIZE; at += Double.BYTES) {
      struct.putDouble(at, 0);
    }
    struct.putDouble(Structs.METRICS_RATIO_MAX, Double.NEGATIVE_INFINITY);
  }

  /**
   * Adds the metrics of other tokens: of another micro-batch or rank.
   *
   * @param other metrics of tokens that are not in these; unchanged
   */
  public void add(Metrics other) {
    double ratioMax = Math.max(ratioMax(), other.ratioMax());
    for (int at = 0; at < Structs.METRICS_SIZE; at += Double.BYTES) {
      struct.putDouble(at, struct.getDouble(at) + other.struct.getDouble(at));
    }
    struct.putDouble(Structs.METRICS_RATIO_MAX, ratioMax);
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
    return role == Role.IGNORED ? 0 : get(Structs.METRICS_TOKENS + role.code() * Double.BYTES);
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
   * Returns how many tokens that are not ignored had a target outside the vocabulary; they are in
   * no other metric.
   *
   * @return the count
   */
  public double badTargets() {
    return get(Structs.METRICS_BAD_TARGETS);
  }

  /**
   * Returns all metrics by name, for a log.
   *
   * @return a new map in a fixed order, with names such as {@code clip_fraction_low}
   */
  public Map<String, Double> toMap() {
    Map<String, Double> map = new LinkedHashMap<>();
    map.put("loss", loss());
    map.put("policy_loss", policyLoss());
    map.put("nll_loss", nllLoss());
    map.put("kl_loss", klLoss());
    map.put("entropy_loss", entropyLoss());
    map.put("loss_magnitude", lossMagnitude());
    map.put("tokens", tokens());
    map.put("rollout_tokens", tokens(Role.ROLLOUT));
    map.put("demonstration_tokens", tokens(Role.DEMONSTRATION));
    map.put("hint_tokens", tokens(Role.HINT));
    map.put("policy_tokens", policyTokens());
    map.put("ratio_mean", ratioMean());
    map.put("ratio_max", ratioMax());
    map.put("clip_fraction_low", clipFractionLow());
    map.put("clip_fraction_high", clipFractionHigh());
    map.put("dual_clip_fraction", dualClipFraction());
    map.put("approx_kl_k1", approxKlK1());
    map.put("approx_kl_k3", approxKlK3());
    map.put("reference_kl", referenceKl());
    map.put("entropy_mean", entropyMean());
    map.put("logp_mean", logProbMean());
    map.put("bad_targets", badTargets());
    return map;
  }

  /** All metrics by name. */
  @Override
  public String toString() {
    return "Metrics" + toMap();
  }

  static long address(@Nullable Metrics metrics) {
    return metrics == null ? 0 : metrics.address;
  }

  private double perPolicyToken(int offset) {
    return get(offset) / policyTokens();
  }

  private double get(int offset) {
    return struct.getDouble(offset);
  }
}
