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

// A row of nothing but -inf has sum 0, a row with NaN or +inf a NaN sum; both give NaN throughout, as a bad target
// does.
PLAIT_HD inline RowStatistics StatisticsOf(const RowSums& sums, float target, float temperature) {
  const double log_sum = sums.sum > 0 ? std::log(sums.sum) : NAN;
  const double entropy = log_sum - kLn2 * sums.weighted / sums.sum;
  const double shifted = (static_cast<double>(target) - sums.max) / temperature;
  RowStatistics result;
  result.logp = static_cast<float>(shifted - log_sum);
  result.entropy = static_cast<float>(entropy < 0 ? 0 : entropy);
  result.logsumexp = static_cast<float>(static_cast<double>(sums.max) / temperature + log_sum);
  if (target != target) result.entropy = result.logsumexp = NAN;
  return result;
}

// The same sums relative to `max`, which is not below their own; scale = log2(e) / temperature. The sums of nothing but
// -inf are 0, or the NaN of a poisoned row, relative to anything.
PLAIT_HD inline RowSums Rebase(const RowSums& sums, float max, double scale) {
  if (sums.max == max || sums.max == -INFINITY) return {max, sums.sum, sums.weighted};
  const double shift = scale * (static_cast<double>(sums.max) - max);
  const double factor = std::exp2(shift);
  const double weighted = factor == 0 ? 0 * sums.sum : factor * (sums.weighted + shift * sums.sum);
  return {max, factor * sums.sum, weighted};
}

// The sums of two parts of a row. Parts of nothing but -inf add nothing.
PLAIT_HD inline RowSums Merge(const RowSums& a, const RowSums& b, float temperature) {
  const float max = a.max >= b.max ? a.max : b.max;
  const RowSums x = Rebase(a, max, kLog2E / temperature);
  const RowSums y = Rebase(b, max, kLog2E / temperature);
  return {max, x.sum + y.sum, x.weighted + y.weighted};
}

// dlogits_j = exp2(y_j) * (constant + slope * y_j), except at the target, where it is `target`.
struct GradientCoefficients {
  float max;
  float scale;  // y_j = (x_j - max) * scale
  float constant;
  float slope;
  float target;
};

// c * (1[j == y] - p_j) + h * p_j * (S - z_j), all over the temperature; S - z_j = ln 2 * (mean of y - y_j). Without
// the target's own.
PLAIT_HD inline GradientCoefficients RowCoefficientsOf(const RowState& state, float c, float h, float temperature) {
  const RowSums sums = SumsOf(state);
  const double mean = sums.weighted / sums.sum;
  const double slope = -h * kLn2;
  const double norm = 1 / (sums.sum * temperature);
  GradientCoefficients result;
  result.max = state.max;
  result.scale = static_cast<float>(kLog2E / temperature);
  result.constant = static_cast<float>(norm * (-c - slope * mean));
  result.slope = static_cast<float>(norm * slope);
  result.target = 0;
  return result;
}

// The gradient at the target, where 1 - p is taken by expm1: c * 1 - c * p would cancel.
PLAIT_HD inline float TargetGradientOf(const RowState& state, float c, float h, float temperature) {
  const RowSums sums = SumsOf(state);
  const double mean = sums.weighted / sums.sum;
  const double y = kLog2E * (static_cast<double>(state.target) - sums.max) / temperature;
  const double logp = kLn2 * y - std::log(sums.sum);
  const double entropy_part = state.target == -INFINITY ? 0 : std::exp(logp) * (-h * kLn2) * (y - mean);
  return static_cast<float>((entropy_part - c * std::expm1(logp)) / temperature);
}

PLAIT_HD inline GradientCoefficients CoefficientsOf(const RowState& state, float c, float h, float temperature) {
  GradientCoefficients result = RowCoefficientsOf(state, c, h, temperature);
  result.target = TargetGradientOf(state, c, h, temperature);
  return result;
}

// Whether a row with these coefficients is NaN throughout.
PLAIT_HD inline bool IsPoisoned(const GradientCoefficients& coefficients) {
  const float poison = coefficients.constant + coefficients.slope;
  return poison != poison;
}

}  // namespace plait

#endif  // PLAIT_SRC_ROW_MATH_H_
