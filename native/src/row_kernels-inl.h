// Vector kernels over one row of logits, compiled once per SIMD target by kernels.cpp.
//
// Both kernels walk the row in pairs of vectors. ReduceRow walks it in blocks that stay in L1: it takes a block's
// maximum, then its sums relative to the largest maximum so far, so there is one exponential per logit and memory is
// read once; the sums of a block are added up in double, in block order. The order depends on V alone, not on
// alignment. A last part shorter than a pair is copied to a buffer padded with -inf, which contributes exactly nothing.
#if defined(PLAIT_SRC_ROW_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_ROW_KERNELS_INL_H_
#undef PLAIT_SRC_ROW_KERNELS_INL_H_
#else
#define PLAIT_SRC_ROW_KERNELS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "elements-inl.h"
#include "hwy/highway.h"
#include "kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The larger, or `b` if either is NaN.
HWY_INLINE Float MaxOrSecond(Float a, Float b) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4
  return hn::Max(a, b);
#else
  return hn::IfThenElse(hn::Gt(a, b), a, b);
#endif
}

// 2^y for y <= 0, and y itself (clamped where 2^y is below the normal floats). Relative error below 1.7e-7 (a degree-5
// polynomial on [-0.5, 0.5] that is exactly 1 at 0); 0 at -inf. At NaN y is NaN, and 2^y is anything: adding to the
// exponent field may lead out of the NaNs.
struct Exponential {
  Float value;
  Float y;
};

HWY_INLINE Exponential Exp2(Float y) {
  const FloatTag f;
  const hn::RebindToSigned<FloatTag> i;
  const Float floor = hn::Set(f, -127.0f);
  y = MaxOrSecond(floor, y);
  // Adding 1.5 * 2^23 rounds y to the integer n, which then stands in the low bits of `shifted`.
  const Float magic = hn::Set(f, 12582912.0f);
  const Float shifted = hn::Add(y, magic);
  const Float r = hn::Sub(y, hn::Sub(shifted, magic));
  Float p = hn::Set(f, 0.0013264727f);
  p = hn::MulAdd(p, r, hn::Set(f, 0.009671513f));
  p = hn::MulAdd(p, r, hn::Set(f, 0.055507336f));
  p = hn::MulAdd(p, r, hn::Set(f, 0.24022243f));
  p = hn::MulAdd(p, r, hn::Set(f, 0.693147f));
  p = hn::MulAdd(p, r, hn::Set(f, 1.0f));
  // Multiplies by 2^n in the exponent field. At y == -127 this gives exactly 0.
  const auto bits = hn::Add(hn::BitCast(i, p), hn::ShiftLeft<23>(hn::BitCast(i, shifted)));
  return {hn::BitCast(f, bits), y};
}

// Elements per block: 16 KiB of float32, half of an L1.
constexpr int64_t kBlock = 4096;

// Maximum of `count` elements, a multiple of a pair; NaNs are passed over (their exponentials are not).
template <class Elements>
HWY_INLINE float BlockMax(const typename Elements::T* HWY_RESTRICT x, int64_t count) {
  const FloatTag f;
  const int64_t n = PairLanes();
  Float m0 = hn::Set(f, -std::numeric_limits<float>::infinity());
  Float m1 = m0;
  for (int64_t i = 0; i < count; i += n) {
    const Pair v = Elements::Load(x + i);
    m0 = MaxOrSecond(v.first, m0);
    m1 = MaxOrSecond(v.second, m1);
  }
  return hn::GetLane(hn::MaxOfLanes(f, hn::Max(m0, m1)));
}

struct BlockSums {
  double sum;
  double weighted;
};

// Sums relative to `max`, while the next block is fetched.
template <class Elements>
HWY_INLINE BlockSums SumBlock(const typename Elements::T* HWY_RESTRICT x, int64_t count, float max, float scale) {
  const FloatTag f;
  const int64_t n = PairLanes();
  const Float vmax = hn::Set(f, max);
  const Float vscale = hn::Set(f, scale);
  Float sum0 = hn::Zero(f), sum1 = sum0, weighted0 = sum0, weighted1 = sum0;
  for (int64_t i = 0; i < count; i += n) {
    PrefetchPair(x + i, kBlock);
    const Pair v = Elements::Load(x + i);
    const Exponential e0 = Exp2(hn::Mul(hn::Sub(v.first, vmax), vscale));
    const Exponential e1 = Exp2(hn::Mul(hn::Sub(v.second, vmax), vscale));
    sum0 = hn::Add(sum0, e0.value);
    sum1 = hn::Add(sum1, e1.value);
    weighted0 = hn::MulAdd(e0.value, e0.y, weighted0);
    weighted1 = hn::MulAdd(e1.value, e1.y, weighted1);
  }
  return {SumLanes(hn::Add(sum0, sum1)), SumLanes(hn::Add(weighted0, weighted1))};
}

template <class Elements>
HWY_INLINE void AddBlock(const typename Elements::T* x, int64_t count, float scale, RowSums* total) {
  const float max = BlockMax<Elements>(x, count);
  if (max > total->max) {
    if (total->max > -std::numeric_limits<float>::infinity()) {
      const double shift = (static_cast<double>(total->max) - max) * scale;
      const double factor = std::exp2(shift);
      total->weighted = factor == 0 ? 0 * total->sum : factor * (total->weighted + shift * total->sum);
      total->sum *= factor;
    }
    total->max = max;
  }
  // Where everything so far is -inf, any finite reference gives exponentials of 0, and keeps NaN.
  const float reference = total->max == -std::numeric_limits<float>::infinity() ? 0 : total->max;
  const BlockSums sums = SumBlock<Elements>(x, count, reference, scale);
  // A NaN's own bits may make its exponential a number (see Exp2), but not its product with y.
  total->sum += sums.weighted != sums.weighted ? sums.weighted : sums.sum;
  total->weighted += sums.weighted;
}

template <class Elements>
RowSums ReduceRow(const void* row, int64_t vocab, float temperature) {
  using T = typename Elements::T;
  const T* x = static_cast<const T*>(row);
  const float scale = static_cast<float>(kLog2E / temperature);
  RowSums total = {-std::numeric_limits<float>::infinity(), 0, 0};
  const int64_t whole = vocab / PairLanes() * PairLanes();
  for (int64_t begin = 0; begin < whole; begin += kBlock) {
    AddBlock<Elements>(x + begin, std::min(kBlock, whole - begin), scale, &total);
  }
  if (whole < vocab) {
    HWY_ALIGN T tail[2 * hn::MaxLanes(FloatTag())];
    Elements::FillNegativeInfinity(tail);
    std::memcpy(tail, x + whole, (vocab - whole) * sizeof(T));
    AddBlock<Elements>(tail, PairLanes(), scale, &total);
  }
  return total;
}

template <class Elements>
HWY_INLINE Pair GradientPair(Pair v, Float max, Float scale, Float constant, Float slope) {
  const Exponential e0 = Exp2(hn::Mul(hn::Sub(v.first, max), scale));
  const Exponential e1 = Exp2(hn::Mul(hn::Sub(v.second, max), scale));
  return {hn::Mul(e0.value, hn::MulAdd(slope, e0.y, constant)), hn::Mul(e1.value, hn::MulAdd(slope, e1.y, constant))};
}

// dlogits may be the row itself: an element is read before it is written.
template <class Elements>
void WriteGradient(const void* row, int64_t vocab, const GradientCoefficients& coefficients, void* dlogits) {
  using T = typename Elements::T;
  const FloatTag f;
  const T* x = static_cast<const T*>(row);
  T* out = static_cast<T*>(dlogits);
  const Float max = hn::Set(f, coefficients.max);
  const Float scale = hn::Set(f, coefficients.scale);
  const Float constant = hn::Set(f, coefficients.constant);
  const Float slope = hn::Set(f, coefficients.slope);
  const int64_t n = PairLanes();
  int64_t i = 0;
  for (; i + n <= vocab; i += n) {
    Elements::Store(GradientPair<Elements>(Elements::Load(x + i), max, scale, constant, slope), out + i);
  }
  if (i < vocab) {
    HWY_ALIGN T tail[2 * hn::MaxLanes(FloatTag())];
    Elements::FillNegativeInfinity(tail);
    std::memcpy(tail, x + i, (vocab - i) * sizeof(T));
    Elements::Store(GradientPair<Elements>(Elements::Load(tail), max, scale, constant, slope), tail);
    std::memcpy(out + i, tail, (vocab - i) * sizeof(T));
  }
}

// The roofs: the same loads and stores with next to no arithmetic. `count` is a multiple of 1024.
double ReadAll(const float* data, int64_t count) {
  const FloatTag f;
  Float a = hn::Zero(f), b = a, c = a, d = a;
  const int64_t n = hn::Lanes(f);
  for (int64_t i = 0; i < count; i += 4 * n) {
    PrefetchPair(data + i, kBlock);
    PrefetchPair(data + i + 2 * n, kBlock);
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

#endif  // PLAIT_SRC_ROW_KERNELS_INL_H_
