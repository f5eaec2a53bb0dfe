#include "metrics.h"

#include <cmath>

#include "batch.h"

namespace plait {
namespace {

// plait_metrics is doubles alone: all of them add up, but for the two maxima.
constexpr int kFields = sizeof(plait_metrics) / sizeof(double);

void Maximise(double value, double* max) {
  if (!(value <= *max)) *max = value;
}

void AddByRole(double value, int role, double* sums) {
  sums[0] += value;
  sums[role] += value;
}

void AddPolicy(const TokenResult& token, int role, const plait_rule& rule, plait_metrics* sums) {
  const bool clipped_low = token.flags & kClippedLow, clipped_high = token.flags & kClippedHigh;
  sums->policy_tokens += 1;
  sums->ratio_sum += token.ratio;
  Maximise(token.ratio, &sums->ratio_max);
  sums->clip_low_count += clipped_low;
  sums->clip_high_count += clipped_high;
  sums->dual_clip_count += (token.flags & kDualClipped) != 0;
  sums->approx_kl_k1_sum -= token.log_ratio;
  sums->approx_kl_k3_sum += std::expm1(token.log_ratio) - token.log_ratio;
  sums->dropped_tokens += (token.flags & kDropped) != 0;
  AddByRole(token.policy_value, role, sums->policy_value_sum);
  AddByRole(clipped_low || clipped_high, role, sums->clipped_tokens);
  if (rule.policy_loss == PLAIT_POLICY_RESHAPED) {
    sums->reshaped_sum += token.reshaped;
    sums->reshaped_tokens += 1;
    sums->reshape_low_count += (token.flags & kReshapeLow) != 0;
    sums->reshape_high_count += (token.flags & kReshapeHigh) != 0;
  }
  if (rule.policy_weighting.scope != PLAIT_SCOPE_NONE) {
    sums->policy_weighting_sum += token.policy_weighting;
    sums->policy_weighting_tokens += 1;
  }
}

}  // namespace

plait_metrics EmptyMetrics() {
  plait_metrics metrics = {};
  metrics.ratio_max = metrics.sampler_abs_max = -INFINITY;
  return metrics;
}

void AddToken(const TokenResult& token, int role, const plait_rule& rule, const TokenInputs& in, plait_metrics* sums) {
  AddByRole(1, role, sums->tokens);
  AddByRole(std::exp(in.logp), role, sums->probability_sum);
  AddByRole(std::exp(in.old_logp), role, sums->old_probability_sum);
  sums->policy_loss += token.policy_loss;
  sums->nll_loss += token.nll_loss;
  sums->kl_loss += token.kl_loss;
  sums->entropy_loss += token.entropy_loss;
  sums->loss_magnitude += std::fabs(static_cast<double>(token.policy_loss)) + std::fabs(token.nll_loss) +
                          std::fabs(token.kl_loss) + std::fabs(token.entropy_loss);
  sums->logp_sum += in.logp;
  sums->entropy_sum += in.entropy;
  if (token.flags & kHasPolicy) AddPolicy(token, role, rule, sums);
  if (token.flags & kHasKl) {
    sums->reference_kl_tokens += 1;
    sums->reference_kl_sum += token.kl;
  }
  if (rule.nll.coefficient != 0 && rule.nll_weighting.scope != PLAIT_SCOPE_NONE) {
    sums->nll_weighting_sum += token.nll_weighting;
    sums->nll_weighting_tokens += 1;
  }
}

void AddMetrics(const plait_metrics& part, plait_metrics* total) {
  const double ratio_max = total->ratio_max, sampler_abs_max = total->sampler_abs_max;
  const double* from = reinterpret_cast<const double*>(&part);
  double* to = reinterpret_cast<double*>(total);
  for (int i = 0; i < kFields; ++i) to[i] += from[i];
  total->ratio_max = ratio_max;
  total->sampler_abs_max = sampler_abs_max;
  Maximise(part.ratio_max, &total->ratio_max);
  Maximise(part.sampler_abs_max, &total->sampler_abs_max);
}

void AddSamplerMetrics(const ObjectiveArguments& in, const Workspace& workspace, plait_metrics* total) {
  const plait_token_batch& batch = in.batch;
  if (!batch.sampler_logp || !batch.old_logp) return;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    double count = 0, old_sum = 0, sampler_sum = 0;
    for (int64_t t = begin; t < end; ++t) {
      if (batch.roles && batch.roles[t] != PLAIT_ROLLOUT) continue;
      const double omega = LogRatio(batch.old_logp[t], batch.sampler_logp[t]);
      const double weight = workspace.sampler_weights[t];
      count += 1;
      old_sum += batch.old_logp[t];
      sampler_sum += batch.sampler_logp[t];
      total->sampler_log_ratio_sum += omega;
      total->sampler_abs_sum += std::fabs(omega);
      Maximise(std::fabs(omega), &total->sampler_abs_max);
      total->sampler_k3_sum += std::expm1(omega) - omega;
      total->sampler_square_sum += std::exp(2 * omega);
      total->sampler_ratio_sum += std::exp(omega);
      total->sampler_weight_sum += weight;
      total->sampler_weight_square_sum += weight * weight;
      total->rejected_tokens += (workspace.gates[t] & kGateRejected) != 0;
    }
    if (count == 0) continue;
    total->sampler_tokens += count;
    total->sampler_sequences += 1;
    total->sampler_log_ppl_sum -= sampler_sum / count;
    total->old_log_ppl_sum -= old_sum / count;
    total->sampler_ppl_ratio_sum += std::exp((sampler_sum - old_sum) / count);
  }
}

}  // namespace plait
