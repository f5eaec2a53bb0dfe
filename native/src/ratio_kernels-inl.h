// importance_ratio over a run of counted tokens, a vector of them at a time, each with its own ratio; compiled once per
// SIMD target by kernels.cpp.
#if defined(PLAIT_SRC_RATIO_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_RATIO_KERNELS_INL_H_
#undef PLAIT_SRC_RATIO_KERNELS_INL_H_
#else
#define PLAIT_SRC_RATIO_KERNELS_INL_H_
#endif

#include <cstring>

#include "backend.h"
#include "hwy/highway.h"
#include "lanes-inl.h"
#include "ratio-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

HWY_INLINE void StoreFlags(VectorReal value, uint8_t* flags, int64_t count) {
  const hn::RebindToSigned<FloatTag> i;
  const hn::Rebind<uint8_t, FloatTag> u8;
  const auto bytes = hn::DemoteTo(u8, hn::ConvertTo(i, value.v));
  if (count >= RealLanes()) return hn::StoreU(bytes, u8, flags);
  HWY_ALIGN uint8_t lanes[hn::MaxLanes(FloatTag())];
  hn::Store(bytes, u8, lanes);
  std::memcpy(flags, lanes, count);
}

void TokenRatios(const RatioArguments& in, int64_t begin, int64_t end, float* ratios, uint8_t* flags) {
  const RatioBounds bounds = {in.clip_low, in.clip_high, in.log_ratio_limit};
  for (int64_t t = begin; t < end; t += RealLanes()) {
    const FlaggedRatio<VectorReal> ratio =
        TokenRatio(bounds, LoadSome(in.logp + t, end - t), LoadSome(in.old_logp + t, end - t));
    if (ratios) StoreSome(ratio.value, ratios + t, end - t);
    if (flags) StoreFlags(ratio.flags, flags + t, end - t);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_RATIO_KERNELS_INL_H_
