// The sampler correction's filter: which tokens or sequences differ too much. Scalar, in float64; compiled by the CPU
// and the CUDA backend.
#ifndef PLAIT_SRC_SAMPLER_FILTER_H_
#define PLAIT_SRC_SAMPLER_FILTER_H_

#include <cmath>

#include "objective.h"
#include "real-inl.h"

namespace plait {

// The estimator of one token's mismatch.
PLAIT_HD inline double FilterStatistic(const plait_sampler_correction& correction, float old_logp, float sampler_logp) {
  const double x = ClampSymmetric(LogRatio(old_logp, sampler_logp), correction.log_limit);
  if (correction.filter_estimator == PLAIT_KL_K1) return -x;
  return correction.filter_estimator == PLAIT_KL_K2 ? x * x / 2 : std::expm1(x) - x;
}

// Of the corrected tokens of one sequence.
struct FilterSums {
  double sum;
  double max;
  double count;
};

PLAIT_HD inline FilterSums EmptyFilterSums() { return {0, -INFINITY, 0}; }

PLAIT_HD inline void AddToFilter(double statistic, FilterSums* sums) {
  sums->sum += statistic;
  sums->max = statistic > sums->max ? statistic : sums->max;
  sums->count += 1;
}

// The statistic of a sequence with a corrected token, for the levels that are not the token's own.
PLAIT_HD inline double SequenceStatistic(const plait_sampler_correction& correction, const FilterSums& sums) {
  if (correction.filter_level == PLAIT_CORRECTION_SEQUENCE_MEAN) return sums.sum / sums.count;
  return correction.filter_level == PLAIT_CORRECTION_SEQUENCE_MAX ? sums.max : sums.sum;
}

PLAIT_HD inline bool PassesFilter(const plait_sampler_correction& correction, double statistic) {
  if (correction.filter_estimator != PLAIT_KL_K1) return statistic <= correction.filter_high;
  return statistic >= std::log(static_cast<double>(correction.filter_low)) &&
         statistic <= std::log(static_cast<double>(correction.filter_high));
}

}  // namespace plait

#endif  // PLAIT_SRC_SAMPLER_FILTER_H_
