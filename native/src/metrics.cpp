#include "metrics.h"

#include <cmath>

#include "batch.h"
#include "extremes.h"
#include "kernels.h"
#include "runs.h"

namespace plait {
namespace {

// plait_metrics is doubles alone: all of them add up, but for these.
constexpr int kFields = sizeof(plait_metrics) / sizeof(double);
constexpr double plait_metrics::*kMaxima[] = {&plait_metrics::ratio_max,
                                              &plait_metrics::sampler_abs_max,
                                              &plait_metrics::sampler_ratio_max,
                                              &plait_metrics::sampler_sequence_ratio_max,
                                              &plait_metrics::sampler_sequence_deviation_max,
                                              &plait_metrics::log_ppl_diff_max};
constexpr double plait_metrics::*kMinima[] = {
    &plait_metrics::sampler_ratio_min, &plait_metrics::sampler_sequence_ratio_min, &plait_metrics::log_ppl_diff_min};

// Of the log-ratio of a whole sequence; verl's.
constexpr double kSequenceLogLimit = 20;

// Keeps NaN.
double Limit(double value, double limit) { return value > limit ? limit : value < -limit ? -limit : value; }

int64_t CountRejected(const unsigned char* gates, int64_t begin, int64_t end) {
  int64_t rejected = 0;
  for (int64_t t = begin; t < end; ++t) rejected += (gates[t] & kGateRejected) != 0;
  return rejected;
}

void AddSequenceRatio(double ratio, float bound, plait_metrics* total) {
  total->sampler_sequence_ratio_sum += ratio;
  total->sampler_sequence_ratio_square_sum += ratio * ratio;
  Maximise(ratio, &total->sampler_sequence_ratio_max);
  Minimise(ratio, &total->sampler_sequence_ratio_min);
  Maximise(std::fabs(ratio - 1), &total->sampler_sequence_deviation_max);
  if (!(bound < INFINITY)) return;
  total->sampler_bound_sequences += 1;
  total->sampler_sequence_above_count += ratio > bound;
  total->sampler_sequence_below_count += ratio < 1 / static_cast<double>(bound);
}

// A sequence with `count` rollout tokens.
void AddSequence(const SamplerSums& sums, double count, plait_metrics* total) {
  const double difference = sums.sampler_logp - sums.old_logp;
  const double delta = difference / count;
  total->sampler_sequences += 1;
  total->sampler_log_ppl_sum -= sums.sampler_logp / count;
  total->old_log_ppl_sum -= sums.old_logp / count;
  total->sampler_ppl_sum += std::exp(-sums.sampler_logp / count);
  total->old_ppl_sum += std::exp(-sums.old_logp / count);
  total->sampler_ppl_ratio_sum += std::exp(delta);
  total->log_ppl_abs_diff_sum += std::fabs(delta);
  Maximise(delta, &total->log_ppl_diff_max);
  Minimise(delta, &total->log_ppl_diff_min);
  total->sampler_sequence_square_sum += std::exp(-2 * Limit(difference, kSequenceLogLimit));
}

}  // namespace

plait_metrics EmptyMetrics() {
  plait_metrics metrics = {};
  for (const auto field : kMaxima) metrics.*field = -INFINITY;
  for (const auto field : kMinima) metrics.*field = INFINITY;
  return metrics;
}

void AddMetrics(const plait_metrics& part, plait_metrics* total) {
  const plait_metrics before = *total;
  const double* from = reinterpret_cast<const double*>(&part);
  double* to = reinterpret_cast<double*>(total);
  for (int i = 0; i < kFields; ++i) to[i] += from[i];
  for (const auto field : kMaxima) {
    total->*field = before.*field;
    Maximise(part.*field, &(total->*field));
  }
  for (const auto field : kMinima) {
    total->*field = before.*field;
    Minimise(part.*field, &(total->*field));
  }
}

void AddSamplerMetrics(const ObjectiveArguments& in, const Workspace& workspace, plait_metrics* total) {
  const plait_token_batch& batch = in.batch;
  const plait_sampler_correction& correction = in.objective.correction;
  if (!batch.sampler_logp || !batch.old_logp) return;
  const AddSamplerRunFunction add_sampler_run = ActiveKernels().add_sampler_run;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    int64_t count = 0;
    SamplerSums sums = {};
    VisitRoles(batch.roles, begin, end, PLAIT_ROLLOUT, [&](int64_t first, int64_t last, int role) {
      if (role != PLAIT_ROLLOUT) return;
      add_sampler_run(correction, batch.old_logp + first, batch.sampler_logp + first, workspace.sampler_weights + first,
                      last - first, &sums, total);
      count += last - first;
    });
    if (count == 0) continue;
    const int64_t rejected = CountRejected(workspace.gates, begin, end);
    total->rejected_tokens += static_cast<double>(rejected);
    total->rejected_sequences += rejected == count;
    total->partly_rejected_sequences += rejected > 0 && rejected < count;
    AddSequence(sums, static_cast<double>(count), total);
    AddSequenceRatio(sums.ratio / static_cast<double>(count), correction.high, total);
  }
}

}  // namespace plait
