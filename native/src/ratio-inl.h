// An importance ratio and its flags, over reals as in objective-inl.h.
#if defined(PLAIT_SRC_RATIO_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_RATIO_INL_H_
#undef PLAIT_SRC_RATIO_INL_H_
#else
#define PLAIT_SRC_RATIO_INL_H_
#endif

#include <cmath>

#include "plait.h"
#include "real-inl.h"

PLAIT_BEFORE_REAL_NAMESPACE

// What plait_importance_ratio bounds a ratio by.
struct RatioBounds {
  float clip_low;
  float clip_high;
  float log_ratio_limit;
};

// `flags` is the number that the bits make up.
template <class Real>
struct FlaggedRatio {
  Real value;
  Real flags;
};

// Of a token.
template <class Real>
PLAIT_REAL FlaggedRatio<Real> TokenRatio(const RatioBounds& bounds, Real logp, Real old_logp) {
  const Real zero(0), low(1 - bounds.clip_low), high(1 + bounds.clip_high);
  const Real exact = LogRatioOf(logp, old_logp);
  const Real ratio = Exp(ClampSymmetric(exact, bounds.log_ratio_limit));
  const Real flags = Select(ratio < low, Real(PLAIT_RATIO_BELOW), zero) +
                     Select(ratio > high, Real(PLAIT_RATIO_ABOVE), zero) +
                     Select(IsClamped(exact, bounds.log_ratio_limit), Real(PLAIT_RATIO_LIMITED), zero);
  return {ratio, flags};
}

PLAIT_AFTER_REAL_NAMESPACE

#ifndef HWY_TARGET
namespace plait {

// Of a sequence, from the sum or mean of its tokens' log-ratios.
PLAIT_HD inline FlaggedRatio<float> SequenceRatio(const RatioBounds& bounds, double log_ratio) {
  const double limit = bounds.log_ratio_limit;
  const double limited = log_ratio > limit ? limit : log_ratio < -limit ? -limit : log_ratio;
  FlaggedRatio<float> ratio = {static_cast<float>(std::exp(limited)), 0};
  if (limited != log_ratio && log_ratio == log_ratio) ratio.flags += PLAIT_RATIO_LIMITED;
  if (ratio.value < 1 - bounds.clip_low) ratio.flags += PLAIT_RATIO_BELOW;
  if (ratio.value > 1 + bounds.clip_high) ratio.flags += PLAIT_RATIO_ABOVE;
  return ratio;
}

}  // namespace plait
#endif

#endif  // PLAIT_SRC_RATIO_INL_H_
