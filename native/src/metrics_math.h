// How plait_metrics add up, and what a sequence adds to them. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_METRICS_MATH_H_
#define PLAIT_SRC_METRICS_MATH_H_

#include <cmath>
#include <cstddef>

#include "extremes.h"
#include "host_device.h"
#include "plait.h"

namespace plait {

// plait_metrics is doubles alone: all of them add up, but for those that are maximised or minimised.
constexpr int kMetricFields = sizeof(plait_metrics) / sizeof(double);

enum class MetricKind { kSum, kMax, kMin };

// The index of a field, for code that treats metrics as an array of doubles.
#define PLAIT_METRIC(field) (static_cast<int>(offsetof(plait_metrics, field) / sizeof(double)))

PLAIT_HD inline MetricKind MetricKindOf(int field) {
  switch (field) {
    case PLAIT_METRIC(ratio_max):
    case PLAIT_METRIC(sampler_abs_max):
    case PLAIT_METRIC(sampler_ratio_max):
    case PLAIT_METRIC(sampler_sequence_ratio_max):
    case PLAIT_METRIC(sampler_sequence_deviation_max):
    case PLAIT_METRIC(log_ppl_diff_max):
      return MetricKind::kMax;
    case PLAIT_METRIC(sampler_ratio_min):
    case PLAIT_METRIC(sampler_sequence_ratio_min):
    case PLAIT_METRIC(log_ppl_diff_min):
      return MetricKind::kMin;
    default:
      return MetricKind::kSum;
  }
}

// What a field is before anything has been added to it.
PLAIT_HD inline double EmptyMetric(int field) {
  const MetricKind kind = MetricKindOf(field);
  return kind == MetricKind::kSum ? 0 : kind == MetricKind::kMax ? -INFINITY : INFINITY;
}

PLAIT_HD inline void AddMetric(int field, double value, double* total) {
  switch (MetricKindOf(field)) {
    case MetricKind::kSum:
      *total += value;
      break;
    case MetricKind::kMax:
      Maximise(value, total);
      break;
    case MetricKind::kMin:
      Minimise(value, total);
      break;
  }
}

PLAIT_HD inline plait_metrics EmptyMetrics() {
  plait_metrics metrics;
  for (int field = 0; field < kMetricFields; ++field) reinterpret_cast<double*>(&metrics)[field] = EmptyMetric(field);
  return metrics;
}

PLAIT_HD inline void AddMetrics(const plait_metrics& part, plait_metrics* total) {
  for (int field = 0; field < kMetricFields; ++field) {
    AddMetric(field, reinterpret_cast<const double*>(&part)[field], reinterpret_cast<double*>(total) + field);
  }
}

// Once all parts have been added.
PLAIT_HD inline void FinishMetrics(plait_metrics* total) {
  total->loss = total->policy_loss + total->nll_loss + total->kl_loss + total->entropy_loss;
}

// Sums over the rollout tokens of one sequence.
struct SamplerSums {
  double old_logp;
  double sampler_logp;
  double ratio;  // of exp(omega)
};

// Of the log-ratio of a whole sequence; verl's.
constexpr double kSequenceLogLimit = 20;

PLAIT_HD inline void AddSequenceRatio(double ratio, float bound, plait_metrics* total) {
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
PLAIT_HD inline void AddSequence(const SamplerSums& sums, double count, plait_metrics* total) {
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
  const double limited = difference > kSequenceLogLimit    ? kSequenceLogLimit
                         : difference < -kSequenceLogLimit ? -kSequenceLogLimit
                                                           : difference;  // keeps NaN
  total->sampler_sequence_square_sum += std::exp(-2 * limited);
}

// Of a sequence whose rollout tokens, `count` of them, have `sums`, and of which the sampler correction rejects
// `rejected`.
PLAIT_HD inline void AddSamplerSequence(const SamplerSums& sums, double count, double rejected, float bound,
                                        plait_metrics* total) {
  total->rejected_tokens += rejected;
  total->rejected_sequences += rejected == count;
  total->partly_rejected_sequences += rejected > 0 && rejected < count;
  AddSequence(sums, count, total);
  AddSequenceRatio(sums.ratio / count, bound, total);
}

}  // namespace plait

#endif  // PLAIT_SRC_METRICS_MATH_H_
