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
    names.map.put("rejected_tokens", m.rejectedTokens());
    names.sampler(m.sampler());
    names.samplerSequences(m.sampler());
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

  private void sampler(SamplerMetrics s) {
    map.put("sampler_tokens", s.tokens());
    map.put("sampler_kl", s.kl());
    map.put("sampler_k3_kl", s.k3Kl());
    map.put("sampler_abs_mean", s.absMean());
    map.put("sampler_abs_max", s.absMax());
    map.put("chi2_token", s.chi2Token());
    map.put("sampler_ratio_mean", s.ratioMean());
    map.put("sampler_ratio_max", s.ratioMax());
    map.put("sampler_ratio_min", s.ratioMin());
    map.put("sampler_fraction_high", s.fractionHigh());
    map.put("sampler_fraction_low", s.fractionLow());
    map.put("sampler_clamped_std", s.clampedStd());
    map.put("sampler_clamped_effective_sample_size", s.clampedEffectiveSampleSize());
    map.put("sampler_weight_mean", s.weightMean());
    map.put("sampler_effective_sample_size", s.effectiveSampleSize());
    map.put("sampler_log_ppl", s.logPpl());
    map.put("old_log_ppl", s.oldLogPpl());
    map.put("sampler_ppl_ratio", s.pplRatio());
  }

  private void samplerSequences(SamplerMetrics s) {
    map.put("sampler_sequences", s.sequences());
    map.put("chi2_sequence", s.chi2Sequence());
    map.put("sampler_sequence_ratio_mean", s.sequenceRatioMean());
    map.put("sampler_sequence_ratio_std", s.sequenceRatioStd());
    map.put("sampler_sequence_ratio_max", s.sequenceRatioMax());
    map.put("sampler_sequence_ratio_min", s.sequenceRatioMin());
    map.put("sampler_sequence_deviation_max", s.sequenceDeviationMax());
    map.put("sampler_sequence_fraction_high", s.sequenceFractionHigh());
    map.put("sampler_sequence_fraction_low", s.sequenceFractionLow());
    map.put("sampler_ppl", s.ppl());
    map.put("old_ppl", s.oldPpl());
    map.put("log_ppl_abs_diff", s.logPplAbsDiff());
    map.put("log_ppl_diff_max", s.logPplDiffMax());
    map.put("log_ppl_diff_min", s.logPplDiffMin());
    map.put("rejected_sequence_fraction", s.rejectedSequenceFraction());
    map.put("partly_rejected_sequence_fraction", s.partlyRejectedSequenceFraction());
  }

  static Map<String, Double> verl(Metrics m) {
    MetricNames names = new MetricNames();
    names.actor(m);
    names.hybrids(m);
    names.number("srft/sft_coef", m.nllWeightingMean());
    names.number("srft/on_coef", m.policyWeightingMean());
    if (m.sampler().tokens() > 0) {
      names.mismatch(m.sampler());
      names.weights(m.sampler());
      names.weightsOfSequences(m.sampler());
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

  private void mismatch(SamplerMetrics s) {
    map.put("rollout_corr/kl", s.kl());
    map.put("rollout_corr/k3_kl", s.k3Kl());
    map.put("rollout_corr/chi2_token", s.chi2Token());
    map.put("rollout_corr/chi2_seq", s.chi2Sequence());
    map.put("rollout_corr/training_ppl", s.oldPpl());
    map.put("rollout_corr/training_log_ppl", s.oldLogPpl());
    map.put("rollout_corr/rollout_ppl", s.ppl());
    map.put("rollout_corr/rollout_log_ppl", s.logPpl());
    map.put("rollout_corr/log_ppl_diff", s.logPplDiff());
    map.put("rollout_corr/log_ppl_abs_diff", s.logPplAbsDiff());
    map.put("rollout_corr/log_ppl_diff_max", s.logPplDiffMax());
    map.put("rollout_corr/log_ppl_diff_min", s.logPplDiffMin());
    map.put("rollout_corr/ppl_ratio", s.pplRatio());
    map.put("rollout_corr/rollout_rs_masked_fraction", s.rejectedFraction());
    map.put(
        "rollout_corr/rollout_rs_seq_masked_fraction",
        s.rejectedSequenceFraction() + s.partlyRejectedSequenceFraction());
  }

  private void weights(SamplerMetrics s) {
    map.put("rollout_corr/rollout_is_mean", s.ratioMean());
    map.put("rollout_corr/rollout_is_max", s.ratioMax());
    map.put("rollout_corr/rollout_is_min", s.ratioMin());
    map.put(
        "rollout_corr/rollout_is_eff_sample_size",
        s.hasBound() ? s.clampedEffectiveSampleSize() : s.effectiveSampleSize());
    if (s.hasBound()) {
      map.put("rollout_corr/rollout_is_std", s.clampedStd());
      map.put("rollout_corr/rollout_is_ratio_fraction_high", s.fractionHigh());
      map.put("rollout_corr/rollout_is_ratio_fraction_low", s.fractionLow());
    }
  }

  private void weightsOfSequences(SamplerMetrics s) {
    map.put("rollout_corr/rollout_is_seq_mean", s.sequenceRatioMean());
    map.put("rollout_corr/rollout_is_seq_std", s.sequenceRatioStd());
    map.put("rollout_corr/rollout_is_seq_max", s.sequenceRatioMax());
    map.put("rollout_corr/rollout_is_seq_min", s.sequenceRatioMin());
    map.put("rollout_corr/rollout_is_seq_max_deviation", s.sequenceDeviationMax());
    if (s.hasBound()) {
      map.put("rollout_corr/rollout_is_seq_fraction_high", s.sequenceFractionHigh());
      map.put("rollout_corr/rollout_is_seq_fraction_low", s.sequenceFractionLow());
    }
  }

  private void number(String name, double value) {
    if (!Double.isNaN(value)) {
      map.put(name, value);
    }
  }
}
