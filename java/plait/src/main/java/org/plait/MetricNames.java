package org.plait;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** {@link Metrics} by name: Plait's own, and those of verl and the projects built on it. */
final class MetricNames {
  private final Map<String, Double> map = new LinkedHashMap<>();

  private MetricNames() {}

  static Map<String, Double> plait(Metrics m) {
    MetricNames names = new MetricNames();
    names.losses(m);
    names.policy(m);
    names.hybrid(m);
    names.sampler(m);
    return names.map;
  }

  private void losses(Metrics m) {
    map.put("loss", m.loss());
    map.put("policy_loss", m.policyLoss());
    map.put("nll_loss", m.nllLoss());
    map.put("kl_loss", m.klLoss());
    map.put("entropy_loss", m.entropyLoss());
    map.put("loss_magnitude", m.lossMagnitude());
    map.put("tokens", m.tokens());
    map.put("rollout_tokens", m.tokens(Role.ROLLOUT));
    map.put("demonstration_tokens", m.tokens(Role.DEMONSTRATION));
    map.put("hint_tokens", m.tokens(Role.HINT));
  }

  private void policy(Metrics m) {
    map.put("policy_tokens", m.policyTokens());
    map.put("ratio_mean", m.ratioMean());
    map.put("ratio_max", m.ratioMax());
    map.put("clip_fraction_low", m.clipFractionLow());
    map.put("clip_fraction_high", m.clipFractionHigh());
    map.put("dual_clip_fraction", m.dualClipFraction());
    map.put("approx_kl_k1", m.approxKlK1());
    map.put("approx_kl_k3", m.approxKlK3());
    map.put("reference_kl", m.referenceKl());
    map.put("entropy_mean", m.entropyMean());
    map.put("logp_mean", m.logProbMean());
    map.put("bad_targets", m.badTargets());
    map.put("dropped_tokens", m.droppedTokens());
  }

  private void hybrid(Metrics m) {
    for (Role role : new Role[] {Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT}) {
      String prefix = role.name().toLowerCase(Locale.ROOT) + "_";
      map.put(prefix + "policy_value_mean", m.policyValueMean(role));
      map.put(prefix + "clip_fraction", m.clipFraction(role));
      map.put(prefix + "probability_mean", m.probabilityMean(role));
      map.put(prefix + "old_probability_mean", m.oldProbabilityMean(role));
    }
    map.put("reshaped_mean", m.reshapedMean());
    map.put("reshape_low_fraction", m.reshapeLowFraction());
    map.put("reshape_high_fraction", m.reshapeHighFraction());
    map.put("policy_weighting_mean", m.policyWeightingMean());
    map.put("nll_weighting_mean", m.nllWeightingMean());
  }

  private void sampler(Metrics m) {
    map.put("rejected_tokens", m.rejectedTokens());
    map.put("sampler_tokens", m.samplerTokens());
    map.put("sampler_kl", m.samplerKl());
    map.put("sampler_k3_kl", m.samplerK3Kl());
    map.put("sampler_abs_mean", m.samplerAbsMean());
    map.put("sampler_abs_max", m.samplerAbsMax());
    map.put("chi2_token", m.chi2Token());
    map.put("sampler_ratio_mean", m.samplerRatioMean());
    map.put("sampler_weight_mean", m.samplerWeightMean());
    map.put("sampler_effective_sample_size", m.samplerEffectiveSampleSize());
    map.put("sampler_log_ppl", m.samplerLogPpl());
    map.put("old_log_ppl", m.oldLogPpl());
    map.put("sampler_ppl_ratio", m.samplerPplRatio());
  }

  static Map<String, Double> verl(Metrics m) {
    MetricNames names = new MetricNames();
    names.actor(m);
    names.hybrids(m);
    names.number("srft/sft_coef", m.nllWeightingMean());
    names.number("srft/on_coef", m.policyWeightingMean());
    if (m.samplerTokens() > 0) {
      names.rolloutCorrection(m);
    }
    return names.map;
  }

  private void actor(Metrics m) {
    map.put("actor/pg_loss", m.policyLoss());
    map.put("actor/sft_loss", m.nllLoss());
    number("actor/kl_loss", m.referenceKl());
    number("actor/entropy", m.entropyMean());
    number("actor/pg_clipfrac", m.clipFractionLow() + m.clipFractionHigh());
    number("actor/pg_clipfrac_lower", m.dualClipFraction());
    number("actor/ppo_kl", m.approxKlK1());
  }

  /** LUFFY's, ReLIFT's and Prefix-RFT's. */
  private void hybrids(Metrics m) {
    number("actor/on_pg_loss", m.policyValueMean(Role.ROLLOUT));
    number("actor/off_pg_loss", m.policyValueMean(Role.DEMONSTRATION));
    number("actor/off_pg_clipfrac", m.clipFraction(Role.DEMONSTRATION));
    number("actor/on_policy_prob", m.oldProbabilityMean(Role.ROLLOUT));
    number("actor/off_policy_prob", m.probabilityMean(Role.DEMONSTRATION));
    number("actor/off_ratio_mean", m.reshapedMean());
    number("actor/off_ratio_max_clip_frac", m.reshapeHighFraction());
    number("actor/off_ratio_min_clip_frac", m.reshapeLowFraction());
    number("actor/pg_clipfrac_prefix", m.clipFraction(Role.HINT));
  }

  private void rolloutCorrection(Metrics m) {
    map.put("rollout_corr/kl", m.samplerKl());
    map.put("rollout_corr/k3_kl", m.samplerK3Kl());
    map.put("rollout_corr/chi2_token", m.chi2Token());
    map.put("rollout_corr/rollout_is_mean", m.samplerRatioMean());
    map.put("rollout_corr/rollout_is_eff_sample_size", m.samplerEffectiveSampleSize());
    map.put("rollout_corr/rollout_rs_masked_fraction", m.rejectedTokens() / m.samplerTokens());
    map.put("rollout_corr/training_log_ppl", m.oldLogPpl());
    map.put("rollout_corr/rollout_log_ppl", m.samplerLogPpl());
    map.put("rollout_corr/log_ppl_diff", m.oldLogPpl() - m.samplerLogPpl());
    map.put("rollout_corr/ppl_ratio", m.samplerPplRatio());
  }

  private void number(String name, double value) {
    if (!Double.isNaN(value)) {
      map.put(name, value);
    }
  }
}
