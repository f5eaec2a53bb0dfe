package org.plait.lab.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.CovarianceKind;
import org.plait.Metrics;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Term;

/**
 * What trainers log, by their names, from Plait's metrics of a case. Names with a slash are those
 * of the trainers' logs, names without one those that their loss functions return.
 */
final class UpstreamMetrics {

  /** The names of LUFFY's loss function; its actor logs them as "actor/...". */
  private static final List<String> LUFFY =
      List.of(
          "off_pg_loss",
          "on_pg_loss",
          "off_pg_clipfrac",
          "off_policy_prob",
          "on_policy_prob",
          "off_ratio_mean",
          "off_ratio_max_clip_frac",
          "off_ratio_min_clip_frac");

  private final Map<String, Double> plait;
  private final Objective objective;
  private final ClipRegion region;
  private final Map<String, Double> values = new LinkedHashMap<>();

  private UpstreamMetrics(Map<String, Double> plait, Objective objective, ClipRegion region) {
    this.plait = plait;
    this.objective = objective;
    this.region = region;
    actor();
    luffy();
    prefixRft();
    sampler();
    samplerWeights();
    trl();
  }

  /** From metrics by Plait's names. */
  static Map<String, Double> of(Map<String, Double> plait, Objective objective, ClipRegion region) {
    return new UpstreamMetrics(plait, objective, region).values;
  }

  /** The same of the kernels; what the API itself gives under these names takes precedence. */
  static Map<String, Double> of(Metrics metrics, Objective objective, ClipRegion region) {
    Map<String, Double> values = of(metrics.toMap(), objective, region);
    boolean everywhere = metrics.policyTokens() == metrics.tokens();
    boolean special = countsApart(objective.rollout().policy());
    metrics
        .toVerlMap()
        .forEach(
            (name, value) -> {
              boolean clip = name.startsWith("actor/pg_clipfrac");
              boolean coefficient = name.equals("actor/kl_loss") || name.equals("actor/sft_loss");
              if (values.containsKey(name) && everywhere && !coefficient && !(clip && special)) {
                values.put(name, value);
              }
            });
    return values;
  }

  private static boolean countsApart(PolicyTerm policy) {
    return policy.loss() == PolicyLoss.GMPO || policy.covariance().kind() == CovarianceKind.CLIP;
  }

  /** Every name that this class knows. */
  static List<String> names() {
    Map<String, Double> nothing = new LinkedHashMap<>();
    Objective sft = Objective.sft();
    return List.copyOf(of(nothing, sft, new ClipRegion(0, 0, 0, 0, 0, 0)).keySet());
  }

  private double get(String name) {
    return plait.getOrDefault(name, Double.NaN);
  }

  /** A mean over the tokens with a policy loss as one over all tokens, where the others count 0. */
  private double overTokens(String name) {
    double policy = get("policy_tokens");
    return policy == 0 ? 0 : get(name) * policy / get("tokens");
  }

  private void actor() {
    PolicyTerm policy = objective.rollout().policy();
    values.put("actor/pg_loss", get("policy_loss"));
    values.put("actor/sft_loss", get("nll_loss") / coefficient(rule -> rule.nll().term()));
    values.put("actor/kl_loss", get("kl_loss") / coefficient(rule -> rule.kl().term()));
    values.put("actor/entropy_loss", -get("entropy_loss") / coefficient(Rule::entropy));
    values.put("actor/entropy", get("entropy_mean"));
    values.put("actor/ppo_kl", overTokens("approx_kl_k1"));
    double clipped = overTokens("clip_fraction_low") + overTokens("clip_fraction_high");
    double lower = overTokens("dual_clip_fraction");
    if (policy.loss() == PolicyLoss.GMPO) {
      clipped = (region.lowPositive() + region.highPositive()) / region.tokens();
      lower = (region.lowNegative() + region.highNegative()) / region.tokens();
    } else if (policy.covariance().kind() == CovarianceKind.CLIP) {
      clipped = get("dropped_tokens") / get("tokens");
    }
    values.put("actor/pg_clipfrac", clipped);
    values.put("actor/pg_clipfrac_lower", lower);
    values.put("ppo_kl", overTokens("approx_kl_k1"));
  }

  /** The coefficient that all rules with the term share; 1 if they do not. */
  private double coefficient(Function<Rule, Term> term) {
    double common = 0;
    for (Rule rule : List.of(objective.rollout(), objective.demonstration(), objective.hint())) {
      double given = term.apply(rule).coefficient();
      if (given != 0 && common != 0 && given != common) {
        return 1;
      }
      common = given == 0 ? common : given;
    }
    return common == 0 ? 1 : common;
  }

  private void luffy() {
    boolean demonstrations = get("demonstration_tokens") > 0;
    for (String name : LUFFY) {
      double value =
          switch (name) {
            case "on_pg_loss" -> get("rollout_policy_value_mean");
            case "on_policy_prob" -> get("rollout_old_probability_mean");
            case "off_pg_loss" -> get("demonstration_policy_value_mean");
            case "off_pg_clipfrac" -> get("demonstration_clip_fraction");
            case "off_policy_prob" -> get("demonstration_probability_mean");
            case "off_ratio_mean" -> get("reshaped_mean");
            case "off_ratio_max_clip_frac" -> get("reshape_high_fraction");
            default -> get("reshape_low_fraction");
          };
      boolean patched = name.startsWith("off_") && !demonstrations;
      values.put(name, patched ? 0 : value);
      values.put("actor/" + name, patched ? 0 : value);
    }
    values.put("on_pg_clipfrac", clipped());
    values.put("srft/sft_coef", get("nll_weighting_mean"));
    values.put("srft/on_coef", get("policy_weighting_mean"));
  }

  /** Tokens of any role that the rollouts' rule would clip. */
  private double clipped() {
    return (region.lowNegative() + region.highPositive()) / region.tokens();
  }

  private void prefixRft() {
    double demonstrations = get("demonstration_tokens");
    double hints = get("hint_tokens");
    double clipped =
        part(demonstrations, "demonstration_clip_fraction") + part(hints, "hint_clip_fraction");
    boolean dual =
        objective.demonstration().policy().dualClip() < Float.POSITIVE_INFINITY
            || objective.hint().policy().dualClip() < Float.POSITIVE_INFINITY;
    values.put("pg_clipfrac", clipped());
    values.put("pg_clipfrac_lower", region.dual() / region.tokens());
    values.put("pg_clipfrac_prefix", clipped == 0 ? 0 : clipped / (demonstrations + hints));
    values.put("pg_clipfrac_lower_prefix", dual ? region.dual() / region.tokens() : 0);
  }

  private double part(double tokens, String fraction) {
    return tokens > 0 ? tokens * get(fraction) : 0;
  }

  private void sampler() {
    values.put("rollout_corr/kl", get("sampler_kl"));
    values.put("rollout_corr/k3_kl", get("sampler_k3_kl"));
    values.put("rollout_corr/chi2_token", get("chi2_token"));
    values.put("rollout_corr/chi2_seq", get("chi2_sequence"));
    values.put("rollout_corr/training_ppl", get("old_ppl"));
    values.put("rollout_corr/training_log_ppl", get("old_log_ppl"));
    values.put("rollout_corr/rollout_ppl", get("sampler_ppl"));
    values.put("rollout_corr/rollout_log_ppl", get("sampler_log_ppl"));
    values.put("rollout_corr/log_ppl_diff", get("old_log_ppl") - get("sampler_log_ppl"));
    values.put("rollout_corr/log_ppl_abs_diff", get("log_ppl_abs_diff"));
    values.put("rollout_corr/log_ppl_diff_max", get("log_ppl_diff_max"));
    values.put("rollout_corr/log_ppl_diff_min", get("log_ppl_diff_min"));
    values.put("rollout_corr/ppl_ratio", get("sampler_ppl_ratio"));
    values.put(
        "rollout_corr/rollout_rs_masked_fraction", get("rejected_tokens") / get("sampler_tokens"));
    values.put(
        "rollout_corr/rollout_rs_seq_masked_fraction",
        get("rejected_sequence_fraction") + get("partly_rejected_sequence_fraction"));
    values.put("vllm_kl", get("sampler_kl"));
  }

  private void samplerWeights() {
    boolean bounded = Float.isFinite(objective.correction().high());
    String size = (bounded ? "sampler_clamped_" : "sampler_") + "effective_sample_size";
    values.put("rollout_corr/rollout_is_mean", get("sampler_ratio_mean"));
    values.put("rollout_corr/rollout_is_max", get("sampler_ratio_max"));
    values.put("rollout_corr/rollout_is_min", get("sampler_ratio_min"));
    values.put("rollout_corr/rollout_is_std", get("sampler_clamped_std"));
    values.put("rollout_corr/rollout_is_eff_sample_size", get(size));
    values.put("rollout_corr/rollout_is_ratio_fraction_high", get("sampler_fraction_high"));
    values.put("rollout_corr/rollout_is_ratio_fraction_low", get("sampler_fraction_low"));
    String sequence = "rollout_corr/rollout_is_seq_";
    values.put(sequence + "mean", get("sampler_sequence_ratio_mean"));
    values.put(sequence + "std", get("sampler_sequence_ratio_std"));
    values.put(sequence + "max", get("sampler_sequence_ratio_max"));
    values.put(sequence + "min", get("sampler_sequence_ratio_min"));
    values.put(sequence + "max_deviation", get("sampler_sequence_deviation_max"));
    values.put(sequence + "fraction_high", get("sampler_sequence_fraction_high"));
    values.put(sequence + "fraction_low", get("sampler_sequence_fraction_low"));
  }

  private void trl() {
    values.put("clip_ratio/low_mean", region.lowNegative() / region.tokens());
    values.put("clip_ratio/high_mean", region.highPositive() / region.tokens());
    values.put("clip_ratio/region_mean", clipped());
    values.put("clip_ratio", clipped());
    values.put("cispo_clip_ratio", region.highPositive() / region.tokens());
    values.put("sampling/sampling_logp_difference/mean", get("sampler_abs_mean"));
    values.put("sampling/sampling_logp_difference/max", get("sampler_abs_max"));
    importanceSamplingRatio();
    values.put("kl", get("reference_kl"));
    values.put("entropy", get("entropy_mean"));
  }

  /** Of the weights that TRL applies; what their extremes are after a mask is not known here. */
  private void importanceSamplingRatio() {
    String name = "sampling/importance_sampling_ratio/";
    SamplerCorrection correction = objective.correction();
    boolean token = correction.level() == CorrectionLevel.TOKEN;
    boolean truncated = token && correction.bounds() == CorrectionBounds.TRUNCATE;
    double high = truncated ? correction.high() : Double.NaN;
    double low = truncated ? correction.low() : Double.NaN;
    values.put(name + "min", Math.max(low, Math.min(high, get("sampler_ratio_min"))));
    values.put(name + "mean", token ? get("sampler_weight_mean") : Double.NaN);
    values.put(name + "max", Math.max(low, Math.min(high, get("sampler_ratio_max"))));
  }
}
