// Scalar mathematics of one row of logits: what follows from its sums. Compiled by the CPU and the CUDA backend.
//
// The sums of a row are taken relative to its maximum m and in base 2: y_j = log2(e) * (x_j - m) / temperature <= 0, so
// that the exponential inside the loop is exp2(y_j) and a large common offset of the logits cancels before rounding.
#ifndef PLAIT_SRC_ROW_MATH_H_
#define PLAIT_SRC_ROW_MATH_H_

#include <cmath>

#include "host_device.h"
#include "plait.h"

namespace plait {

constexpr double kLn2 = 0.693147180559945309417232121458;
constexpr double kLog2E = 1.44269504088896340735992468100;

struct RowSums {
  float max;        // m
  double sum;       // sum_j exp2(y_j)
  double weighted;  // sum_j exp2(y_j) * y_j
};

struct RowStatistics {
  float logp;
  float entropy;
  float logsumexp;
};

// The target's logit where the target is bad: poisons logp, not the rest.
struct RowState {
  float max;
  float sum;
  float weighted;  // in nats
  float target;
};
static_assert(sizeof(RowState) == PLAIT_STATE_FLOATS * sizeof(float));

PLAIT_HD inline RowSums SumsOf(const RowState& state) { return {state.max, state.sum, state.weighted * kLog2E}; }

PLAIT_HD inline RowState StateOf(const RowSums& sums, float target) {
  return {sums.max, static_cast<float>(sums.sum), static_cast<float>(sums.weighted * kLn2), target};
}

// A row of nothing but -inf has sum 0, a row with NaN or +inf a NaN sum; both give NaN throughout.
PLAIT_HD inline RowStatistics StatisticsOf(const RowSums& sums, float target, float temperature) {
  const double log_sum = sums.sum > 0 ? std::log(sums.sum) : NAN;
  const double entropy = log_sum - kLn2 * sums.weighted / sums.sum;
  const double shifted = (static_cast<double>(target) - sums.max) / temperature;
  RowStatistics result;
  result.logp = static_cast<float>(shifted - log_sum);
  result.entropy = static_cast<float>(entropy < 0 ? 0 : entropy);
  result.logsumexp = static_cast<float>(static_cast<double>(sums.max) / temperature + log_sum);
  return result;
}

// Adds shard `b` to `a`. Shards of nothing but -inf add nothing.
PLAIT_HD inline RowSums Merge(const RowSums& a, const RowSums& b, float temperature) {
  const RowSums& high = a.max >= b.max ? a : b;
  const RowSums& low = a.max >= b.max ? b : a;
  if (low.max == -INFINITY) {  // keeps the NaN of a poisoned shard
    return {high.max, high.sum + low.sum, high.weighted + low.weighted};
  }
  const double shift = kLog2E * (static_cast<double>(low.max) - high.max) / temperature;
  const double factor = std::exp2(shift);
  const double shifted = factor == 0 ? 0 * low.sum : factor * (low.weighted + shift * low.sum);
  return {high.max, high.sum + factor * low.sum, high.weighted + shifted};
}

// dlogits_j = exp2(y_j) * (constant + slope * y_j), except at the target, where it is `target`.
struct GradientCoefficients {
  float max;
  float scale;  // y_j = (x_j - max) * scale
  float constant;
  float slope;
  float target;
};

// c * (1[j == y] - p_j) + h * p_j * (S - z_j), all over the temperature; S - z_j = ln 2 * (mean of y - y_j). At the
// target 1 - p is taken by expm1, where c * 1 - c * p would cancel.
PLAIT_HD inline GradientCoefficients CoefficientsOf(const RowState& state, float c, float h, float temperature) {
  const RowSums sums = SumsOf(state);
  const double mean = sums.weighted / sums.sum;
  const double slope = -h * kLn2;
  const double norm = 1 / (sums.sum * temperature);
  const double y = kLog2E * (static_cast<double>(state.target) - sums.max) / temperature;
  const double logp = kLn2 * y - std::log(sums.sum);
  GradientCoefficients result;
  result.max = state.max;
  result.scale = static_cast<float>(kLog2E / temperature);
  result.constant = static_cast<float>(norm * (-c - slope * mean));
  result.slope = static_cast<float>(norm * slope);
  const double entropy_part = state.target == -INFINITY ? 0 : std::exp(logp) * slope * (y - mean);
  result.target = static_cast<float>((entropy_part - c * std::expm1(logp)) / temperature);
  return result;
}

}  // namespace plait

#endif  // PLAIT_SRC_ROW_MATH_H_
