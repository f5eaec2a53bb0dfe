// A token's weight for a sampler whose probabilities differ from the trainer's, over reals as in objective-inl.h.
#if defined(PLAIT_SRC_SAMPLER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_SAMPLER_INL_H_
#undef PLAIT_SRC_SAMPLER_INL_H_
#else
#define PLAIT_SRC_SAMPLER_INL_H_
#endif

#include "plait.h"
#include "real-inl.h"

PLAIT_BEFORE_REAL_NAMESPACE

// exp of the log-weight, limited, and truncated or masked by the bounds; 0 for NaN.
template <class Real>
PLAIT_REAL Real SamplerWeight(const plait_sampler_correction& correction, Real log_weight) {
  const Real zero(0), low(correction.low), high(correction.high);
  const Real weight = Exp(ClampSymmetric(log_weight, correction.log_limit));
  const bool mask = correction.bounds == PLAIT_CORRECTION_MASK;
  const Real bounded = Select(weight < low, mask ? zero : low, Select(weight > high, mask ? zero : high, weight));
  return Select(IsNan(weight), zero, bounded);
}

PLAIT_AFTER_REAL_NAMESPACE

#endif  // PLAIT_SRC_SAMPLER_INL_H_
