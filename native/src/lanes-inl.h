// Vectors of tokens: loading and storing them, and their sums. Sums of values are taken in double, lane by lane, and
// counts in float, where a run is too short to round them. Compiled per SIMD target.
#if defined(PLAIT_SRC_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_LANES_INL_H_
#undef PLAIT_SRC_LANES_INL_H_
#else
#define PLAIT_SRC_LANES_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "real-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE int64_t RealLanes() { return static_cast<int64_t>(hn::Lanes(FloatTag())); }

// The first `count` elements at `x`, zeros beyond them.
HWY_INLINE VectorReal LoadSome(const float* x, int64_t count) {
  const FloatTag f;
  if (count >= RealLanes()) return VectorReal(hn::LoadU(f, x));
  HWY_ALIGN float lanes[hn::MaxLanes(FloatTag())] = {};
  std::memcpy(lanes, x, count * sizeof(float));
  return VectorReal(hn::Load(f, lanes));
}

HWY_INLINE void StoreSome(VectorReal value, float* x, int64_t count) {
  const FloatTag f;
  if (count >= RealLanes()) return hn::StoreU(value.v, f, x);
  HWY_ALIGN float lanes[hn::MaxLanes(FloatTag())];
  hn::Store(value.v, f, lanes);
  std::memcpy(x, lanes, count * sizeof(float));
}

// 1 where the gate is set, else 0.
HWY_INLINE VectorReal LoadGate(const unsigned char* gates, unsigned char gate, int64_t count) {
  HWY_ALIGN float lanes[hn::MaxLanes(FloatTag())] = {};
  for (int64_t i = 0; i < count && i < RealLanes(); ++i) lanes[i] = gates[i] & gate ? 1 : 0;
  return VectorReal(hn::Load(FloatTag(), lanes));
}

// Sums per lane pair in double.
class WideSum {
 public:
#if HWY_TARGET == HWY_SCALAR
  HWY_INLINE WideSum() : sum_(0) {}
#else
  HWY_INLINE WideSum() : sum_(hn::Zero(hn::RepartitionToWide<FloatTag>())) {}
#endif
  HWY_INLINE void Add(VectorReal value) {
#if HWY_TARGET == HWY_SCALAR
    sum_ += hn::GetLane(value.v);
#else
    const hn::RepartitionToWide<FloatTag> d;
    sum_ = hn::Add(sum_, hn::PromoteTo(d, hn::LowerHalf(hn::Half<FloatTag>(), value.v)));
    sum_ = hn::Add(sum_, hn::PromoteTo(d, hn::UpperHalf(hn::Half<FloatTag>(), value.v)));
#endif
  }

  // In double: a square may overflow a float.
  HWY_INLINE void AddSquare(VectorReal value) {
#if HWY_TARGET == HWY_SCALAR
    const double wide = hn::GetLane(value.v);
    sum_ += wide * wide;
#else
    const hn::RepartitionToWide<FloatTag> d;
    const auto low = hn::PromoteTo(d, hn::LowerHalf(hn::Half<FloatTag>(), value.v));
    const auto high = hn::PromoteTo(d, hn::UpperHalf(hn::Half<FloatTag>(), value.v));
    sum_ = hn::Add(sum_, hn::Mul(low, low));
    sum_ = hn::Add(sum_, hn::Mul(high, high));
#endif
  }

  HWY_INLINE double Total() const {
#if HWY_TARGET == HWY_SCALAR
    return sum_;
#else
    const hn::RepartitionToWide<FloatTag> d;
    HWY_ALIGN double lanes[hn::MaxLanes(hn::RepartitionToWide<FloatTag>())];
    hn::Store(sum_, d, lanes);
    double total = 0;
    for (size_t i = 0; i < hn::Lanes(d); ++i) total += lanes[i];
    return total;
#endif
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  double sum_;
#else
  hn::Vec<hn::RepartitionToWide<FloatTag> > sum_;
#endif
};

class CountSum {
 public:
  HWY_INLINE CountSum() : sum_(0) {}
  HWY_INLINE void Add(VectorReal value) { sum_ = sum_ + value; }
  HWY_INLINE double Total() const { return SumLanes(sum_.v); }

 private:
  VectorReal sum_;
};

HWY_INLINE float MaxOfLanes(VectorReal value) {
  HWY_ALIGN float lanes[hn::MaxLanes(FloatTag())];
  hn::Store(value.v, FloatTag(), lanes);
  float max = lanes[0];
  for (int64_t i = 1; i < RealLanes(); ++i) {
    if (lanes[i] > max || lanes[i] != lanes[i]) max = lanes[i];
  }
  return max;
}

// Whether each of the first `count` lanes is a token.
HWY_INLINE VectorMask FirstLanes(int64_t count) {
  return VectorReal(hn::Iota(FloatTag(), 0.0f)) < VectorReal(static_cast<float>(count));
}

// How many lanes are set.
HWY_INLINE int64_t CountOf(VectorMask mask) { return static_cast<int64_t>(hn::CountTrue(FloatTag(), mask.m)); }

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_LANES_INL_H_
