// Loading a row's elements as pairs of float vectors and storing them back, for each dtype; compiled per SIMD target.
//
// A pair covers 2 * Lanes consecutive elements. Which of them stand in `first` and which in `second` is the dtype's own
// business (bfloat16 splits even from odd, which costs one instruction each), since no kernel cares; Store undoes it.
#if defined(PLAIT_SRC_ELEMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_ELEMENTS_INL_H_
#undef PLAIT_SRC_ELEMENTS_INL_H_
#else
#define PLAIT_SRC_ELEMENTS_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "dtype.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Float = hn::Vec<FloatTag>;

struct Pair {
  Float first;
  Float second;
};

HWY_INLINE int64_t PairLanes() { return 2 * static_cast<int64_t>(hn::Lanes(FloatTag())); }

// Fetches the pair `ahead` elements after `x`; beyond the end of an array that is harmless, as an address.
template <class T>
HWY_INLINE void PrefetchPair(const T* x, int64_t ahead) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(x) + ahead * sizeof(T);
  const int64_t bytes = PairLanes() * static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < bytes; i += 64) hwy::Prefetch(reinterpret_cast<const char*>(address + i));
}

// Sum of the lanes in double, lane 0 first.
HWY_INLINE double SumLanes(Float v) {
  HWY_ALIGN float lanes[hn::MaxLanes(FloatTag())];
  hn::Store(v, FloatTag(), lanes);
  double sum = 0;
  for (size_t i = 0; i < hn::Lanes(FloatTag()); ++i) sum += lanes[i];
  return sum;
}

struct Float32Elements {
  using T = float;
  static HWY_INLINE Pair Load(const float* x) {
    const FloatTag f;
    return {hn::LoadU(f, x), hn::LoadU(f, x + hn::Lanes(f))};
  }
  static HWY_INLINE void Store(Pair v, float* x) {
    const FloatTag f;
    hn::StoreU(v.first, f, x);
    hn::StoreU(v.second, f, x + hn::Lanes(f));
  }
  static HWY_INLINE void FillNegativeInfinity(float* x) {
    for (int64_t i = 0; i < PairLanes(); ++i) x[i] = -std::numeric_limits<float>::infinity();
  }
};

// 16-bit elements on targets without the instructions: converted one by one.
template <float (*ToFloat)(uint16_t), uint16_t (*FromFloat)(float)>
struct ConvertedElements {
  static HWY_INLINE Pair Load(const uint16_t* x) {
    HWY_ALIGN float lanes[2 * hn::MaxLanes(FloatTag())];
    for (int64_t i = 0; i < PairLanes(); ++i) lanes[i] = ToFloat(x[i]);
    return Float32Elements::Load(lanes);
  }
  static HWY_INLINE void Store(Pair v, uint16_t* x) {
    HWY_ALIGN float lanes[2 * hn::MaxLanes(FloatTag())];
    Float32Elements::Store(v, lanes);
    for (int64_t i = 0; i < PairLanes(); ++i) x[i] = FromFloat(lanes[i]);
  }
};

#if HWY_TARGET == HWY_SCALAR
using Bfloat16Vectors = ConvertedElements<FloatFromBfloat16, Bfloat16FromFloat>;
#else
struct Bfloat16Vectors {
  using BitsTag = hn::RebindToUnsigned<FloatTag>;
  using Bits = hn::Vec<BitsTag>;

  static HWY_INLINE Pair Load(const uint16_t* x) {
    const FloatTag f;
    const BitsTag u;
    const hn::Repartition<uint16_t, BitsTag> u16;
    const Bits both = hn::BitCast(u, hn::LoadU(u16, x));
    return {hn::BitCast(f, hn::ShiftLeft<16>(both)), hn::BitCast(f, hn::And(both, hn::Set(u, 0xFFFF0000u)))};
  }

  // Rounded to nearest even in the upper half of each lane; the lower half is left over. The NaNs that arithmetic makes
  // stay NaN.
  static HWY_INLINE Bits Round(Float v) {
    const BitsTag u;
    const Bits bits = hn::BitCast(u, v);
    const Bits lsb = hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1));
    return hn::Add(bits, hn::Add(lsb, hn::Set(u, 0x7FFFu)));
  }

  static HWY_INLINE void Store(Pair v, uint16_t* x) {
    const hn::Repartition<uint16_t, BitsTag> u16;
    const auto even = hn::BitCast(u16, hn::ShiftRight<16>(Round(v.first)));
    hn::StoreU(hn::OddEven(hn::BitCast(u16, Round(v.second)), even), u16, x);
  }
};
#endif

// Only where there is an instruction: what Highway does in its stead turns NaN and infinity into numbers.
#if HWY_TARGET != HWY_AVX3 && HWY_TARGET != HWY_AVX2 && HWY_TARGET != HWY_NEON
using Float16Vectors = ConvertedElements<FloatFromFloat16, Float16FromFloat>;
#else
struct Float16Vectors {
  using HalfTag = hn::Rebind<hwy::float16_t, FloatTag>;

  static HWY_INLINE Pair Load(const uint16_t* x) {
    const FloatTag f;
    const HalfTag h;
    const auto* half = reinterpret_cast<const hwy::float16_t*>(x);
    return {hn::PromoteTo(f, hn::LoadU(h, half)), hn::PromoteTo(f, hn::LoadU(h, half + hn::Lanes(f)))};
  }
  static HWY_INLINE void Store(Pair v, uint16_t* x) {
    const FloatTag f;
    const HalfTag h;
    auto* half = reinterpret_cast<hwy::float16_t*>(x);
    hn::StoreU(hn::DemoteTo(h, v.first), h, half);
    hn::StoreU(hn::DemoteTo(h, v.second), h, half + hn::Lanes(f));
  }
};
#endif

template <class Vectors, uint16_t kNegativeInfinity, float (*Convert)(uint16_t)>
struct HalfWidthElements : Vectors {
  using T = uint16_t;
  static constexpr uint16_t kNegativeInfinityBits = kNegativeInfinity;
  static HWY_INLINE float ToFloat(uint16_t bits) { return Convert(bits); }
  static HWY_INLINE void FillNegativeInfinity(uint16_t* x) {
    for (int64_t i = 0; i < PairLanes(); ++i) x[i] = kNegativeInfinity;
  }
};

using Bfloat16Elements = HalfWidthElements<Bfloat16Vectors, 0xFF80, FloatFromBfloat16>;
using Float16Elements = HalfWidthElements<Float16Vectors, 0xFC00, FloatFromFloat16>;

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_ELEMENTS_INL_H_
