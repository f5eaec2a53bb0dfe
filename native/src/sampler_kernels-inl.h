// The sampler correction and its metrics over a run of rollout tokens, a vector of them at a time; compiled once per
// SIMD target by kernels.cpp.
#if defined(PLAIT_SRC_SAMPLER_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#undef PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#else
#define PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#endif

#include <limits>

#include "hwy/highway.h"
#include "lanes-inl.h"
#include "sampler-inl.h"
#include "token_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

void WeighTokens(const plait_sampler_correction& correction, const float* old_logp, const float* sampler_logp,
                 int64_t count, float* weights) {
  for (int64_t i = 0; i < count; i += RealLanes()) {
    const VectorReal omega = LogRatioOf(LoadSome(old_logp + i, count - i), LoadSome(sampler_logp + i, count - i));
    StoreSome(SamplerWeight(correction, omega), weights + i, count - i);
  }
}

void AddSamplerRun(const float* old_logp, const float* sampler_logp, const float* weights, int64_t count,
                   SamplerSums* sums, plait_metrics* to) {
  const VectorReal zero(0);
  WideSum old_sum, sampler_sum, log_ratio, absolute, k3, ratio_sum, square, weight_sum, weight_square;
  VectorReal max(-std::numeric_limits<float>::infinity());
  for (int64_t i = 0; i < count; i += RealLanes()) {
    const int64_t left = count - i;
    const VectorMask present = FirstLanes(left);  // lanes beyond the run hold zeros, but exp(0) is 1
    const VectorReal old = LoadSome(old_logp + i, left);
    const VectorReal sampler = LoadSome(sampler_logp + i, left);
    const VectorReal omega = LogRatioOf(old, sampler);
    const VectorReal ratio = Select(present, Exp(omega), zero);
    const VectorReal weight = LoadSome(weights + i, left);
    old_sum.Add(old);
    sampler_sum.Add(sampler);
    log_ratio.Add(omega);
    absolute.Add(Abs(omega));
    k3.Add(Expm1MinusX(omega));
    ratio_sum.Add(ratio);
    square.AddSquare(ratio);
    weight_sum.Add(weight);
    weight_square.AddSquare(weight);
    // A NaN compares false with everything, and so stays.
    const auto larger = Or(Abs(omega) > max, IsNan(omega));
    max = Select(And(present, larger), Abs(omega), max);
  }
  sums->old_logp += old_sum.Total();
  sums->sampler_logp += sampler_sum.Total();
  to->sampler_log_ratio_sum += log_ratio.Total();
  to->sampler_abs_sum += absolute.Total();
  to->sampler_k3_sum += k3.Total();
  to->sampler_ratio_sum += ratio_sum.Total();
  to->sampler_square_sum += square.Total();
  to->sampler_weight_sum += weight_sum.Total();
  to->sampler_weight_square_sum += weight_square.Total();
  const float abs_max = MaxOfLanes(max);
  if (abs_max > to->sampler_abs_max || abs_max != abs_max) to->sampler_abs_max = abs_max;
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_SAMPLER_KERNELS_INL_H_
