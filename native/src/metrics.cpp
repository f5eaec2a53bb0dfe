#include "metrics.h"

#include <cmath>

#include "batch.h"
#include "kernels.h"
#include "runs.h"

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
  int64_t rejected = 0;
  for (int64_t t = 0; t < batch.tokens; ++t) rejected += (workspace.gates[t] & kGateRejected) != 0;
  total->rejected_tokens += static_cast<double>(rejected);
  const AddSamplerRunFunction add_sampler_run = ActiveKernels().add_sampler_run;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    double count = 0;
    SamplerSums sums = {};
    VisitRoles(batch.roles, begin, end, PLAIT_ROLLOUT, [&](int64_t first, int64_t last, int role) {
      if (role != PLAIT_ROLLOUT) return;
      add_sampler_run(batch.old_logp + first, batch.sampler_logp + first, workspace.sampler_weights + first,
                      last - first, &sums, total);
      count += static_cast<double>(last - first);
    });
    if (count == 0) continue;
    total->sampler_tokens += count;
    total->sampler_sequences += 1;
    total->sampler_log_ppl_sum -= sums.sampler_logp / count;
    total->old_log_ppl_sum -= sums.old_logp / count;
    total->sampler_ppl_ratio_sum += std::exp((sums.sampler_logp - sums.old_logp) / count);
  }
}

}  // namespace plait
