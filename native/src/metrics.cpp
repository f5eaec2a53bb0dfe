#include "metrics.h"

#include <cmath>

#include "batch.h"

namespace plait {
namespace {

// plait_metrics is doubles alone: all of them add up, but for the two maxima.
constexpr int kFields = sizeof(plait_metrics) / sizeof(double);

// A NaN compares false with everything, and so stays.
void Maximise(double value, double* max) {
  if (value > *max || value != value) *max = value;
}

}  // namespace

plait_metrics EmptyMetrics() {
  plait_metrics metrics = {};
  metrics.ratio_max = metrics.sampler_abs_max = -INFINITY;
  return metrics;
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
