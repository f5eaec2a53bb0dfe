// The sampler correction and its metrics over a run of rollout tokens, a vector of them at a time; compiled once per
// SIMD target by kernels.cpp.
#if defined(PLAIT_SRC_SAMPLER_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#undef PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#else
#define PLAIT_SRC_SAMPLER_KERNELS_INL_H_
#endif

#include <limits>

#include "extremes.h"
#include "hwy/highway.h"
#include "lanes-inl.h"
#include "sampler-inl.h"
#include "token_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void WeighTokens(const plait_sampler_correction& correction, const float* old_logp, const float* sampler_logp,
                 int64_t count, float* weights) {
  for (int64_t i = 0; i < count; i += RealLanes()) {
    const VectorReal omega = LogRatioOf(LoadSome(old_logp + i, count - i), LoadSome(sampler_logp + i, count - i));
    StoreSome(SamplerWeight(correction, omega), weights + i, count - i);
  }
}

// Where x lies to [1 / C, C], C the correction's upper bound.
class BoundSums {
 public:
  HWY_INLINE explicit BoundSums(float high) : high_(high), low_(1 / high) {}

  HWY_INLINE void Add(VectorReal x, VectorMask present) {
    const VectorMask above = x > high_, below = x < low_;
    above_ += CountOf(And(present, above));
    below_ += CountOf(And(present, below));
    const VectorReal raised = Select(below, low_, x);
    const VectorReal clamped = Select(present, Select(raised > high_, high_, raised), VectorReal(0));
    clamped_.Add(clamped);
    square_.AddSquare(clamped);
  }

  HWY_INLINE void AddTo(int64_t count, plait_metrics* to) const {
    to->sampler_bound_tokens += static_cast<double>(count);
    to->sampler_above_count += static_cast<double>(above_);
    to->sampler_below_count += static_cast<double>(below_);
    to->sampler_clamped_sum += clamped_.Total();
    to->sampler_clamped_square_sum += square_.Total();
  }

 private:
  VectorReal high_, low_;
  int64_t above_ = 0, below_ = 0;
  WideSum clamped_, square_;
};

// The extremes of omega, from which follow those of |omega| and of x = exp(omega).
class OmegaRange {
 public:
  HWY_INLINE OmegaRange()
      : max_(-std::numeric_limits<float>::infinity()), min_(std::numeric_limits<float>::infinity()) {}

  // A NaN compares false with everything, and so stays.
  HWY_INLINE void Add(VectorReal omega, VectorMask present) {
    max_ = Select(And(present, Or(omega > max_, IsNan(omega))), omega, max_);
    min_ = Select(And(present, Or(omega < min_, IsNan(omega))), omega, min_);
  }

  HWY_INLINE void AddTo(float log_limit, plait_metrics* to) const {
    const float max = MaxOfLanes(max_), min = -MaxOfLanes(-min_);
    Maximise(max < -min ? -min : max, &to->sampler_abs_max);
    Maximise(ExpOf(max, log_limit), &to->sampler_ratio_max);
    Minimise(ExpOf(min, log_limit), &to->sampler_ratio_min);
  }

 private:
  static HWY_INLINE float ExpOf(float omega, float log_limit) {
    return hn::GetLane(Exp(ClampSymmetric(VectorReal(omega), log_limit)).v);
  }

  VectorReal max_, min_;
};

void AddSamplerRun(const plait_sampler_correction& correction, const float* old_logp, const float* sampler_logp,
                   const float* weights, int64_t count, SamplerSums* sums, plait_metrics* to) {
  const VectorReal zero(0);
  const bool bounded = correction.high < std::numeric_limits<float>::infinity();
  WideSum old_sum, sampler_sum, log_ratio, absolute, k3, ratio_sum, square, weight_sum, weight_square;
  BoundSums bounds(correction.high);
  OmegaRange range;
  for (int64_t i = 0; i < count; i += RealLanes()) {
    const int64_t left = count - i;
    const VectorMask present = FirstLanes(left);  // lanes beyond the run hold zeros, but exp(0) is 1
    const VectorReal old = LoadSome(old_logp + i, left);
    const VectorReal sampler = LoadSome(sampler_logp + i, left);
    const VectorReal omega = LogRatioOf(old, sampler);
    const VectorReal ratio = Select(present, Exp(ClampSymmetric(omega, correction.log_limit)), zero);
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
    range.Add(omega, present);
    if (bounded) bounds.Add(ratio, present);
  }
  const double ratio_total = ratio_sum.Total();
  sums->old_logp += old_sum.Total();
  sums->sampler_logp += sampler_sum.Total();
  sums->ratio += ratio_total;
  to->sampler_tokens += static_cast<double>(count);
  to->sampler_log_ratio_sum += log_ratio.Total();
  to->sampler_abs_sum += absolute.Total();
  to->sampler_k3_sum += k3.Total();
  to->sampler_ratio_sum += ratio_total;
  to->sampler_square_sum += square.Total();
  to->sampler_weight_sum += weight_sum.Total();
  to->sampler_weight_square_sum += weight_square.Total();
  range.AddTo(correction.log_limit, to);
  if (bounded) bounds.AddTo(count, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_SAMPLER_KERNELS_INL_H_
