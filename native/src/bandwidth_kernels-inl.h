// The roofs: the kernels' own loads and stores with next to no arithmetic. Compiled per SIMD target.
#if defined(PLAIT_SRC_BANDWIDTH_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_BANDWIDTH_KERNELS_INL_H_
#undef PLAIT_SRC_BANDWIDTH_KERNELS_INL_H_
#else
#define PLAIT_SRC_BANDWIDTH_KERNELS_INL_H_
#endif

#include "elements-inl.h"
#include "hwy/highway.h"
#include "kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `count` is a multiple of 1024.
double ReadAll(const float* data, int64_t count) {
  const FloatTag f;
  Float a = hn::Zero(f), b = a, c = a, d = a;
  const int64_t n = hn::Lanes(f);
  for (int64_t i = 0; i < count; i += 4 * n) {
    PrefetchPair(data + i, kRowBlock);
    PrefetchPair(data + i + 2 * n, kRowBlock);
    a = hn::Add(a, hn::LoadU(f, data + i));
    b = hn::Add(b, hn::LoadU(f, data + i + n));
    c = hn::Add(c, hn::LoadU(f, data + i + 2 * n));
    d = hn::Add(d, hn::LoadU(f, data + i + 3 * n));
  }
  return SumLanes(hn::Add(hn::Add(a, b), hn::Add(c, d)));
}

void ScaleAll(float* data, int64_t count, float factor) {
  const FloatTag f;
  const Float v = hn::Set(f, factor);
  const int64_t n = hn::Lanes(f);
  for (int64_t i = 0; i < count; i += n) hn::StoreU(hn::Mul(v, hn::LoadU(f, data + i)), f, data + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_BANDWIDTH_KERNELS_INL_H_
