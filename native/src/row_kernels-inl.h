// The sums over a row of logits that its statistics follow from; compiled once per SIMD target by kernels.cpp.
//
// The row is walked in blocks that stay in L1: a block's maximum, then its sums relative to the largest maximum so far,
// so there is one exponential per logit and memory is read once. Equal logits round alike, which no average undoes, so
// chains of sums are short: runs of pairs, the runs of a block, and the blocks in double. The order depends on V alone,
// not on alignment. A last part shorter than a pair of vectors is copied to a buffer padded with -inf, which
// contributes exactly nothing.
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

#include "exponential-inl.h"
#include "hwy/highway.h"
#include "kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

// What is known of a block before its sums: its maximum, NaNs passed over, and a bound below its elements, which is
// -inf unless it comes at no cost.
struct BlockRange {
  float max;
  float low;
};
template <class T>
constexpr bool kHasLow = sizeof(T) == 2;

// `count` is a multiple of a pair.
template <class Elements>
HWY_INLINE BlockRange RangeOfFloats(const typename Elements::T* x, int64_t count) {
  const FloatTag f;
  Float m0 = hn::Set(f, kNegativeInfinity);
  Float m1 = m0;
  for (int64_t i = 0; i < count; i += PairLanes()) {
    const Pair v = Elements::Load(x + i);
    m0 = MaxOrSecond(v.first, m0);
    m1 = MaxOrSecond(v.second, m1);
  }
  return {hn::GetLane(hn::MaxOfLanes(f, hn::Max(m0, m1))), kNegativeInfinity};
}

#if HWY_TARGET != HWY_SCALAR
// 16-bit elements need not be converted: where any sign is clear, the largest is the largest signed integer, and the
// most negative the largest unsigned one. NaNs are beyond the infinities.
template <class Elements>
HWY_INLINE BlockRange RangeOf16Bits(const uint16_t* x, int64_t count) {
  const hn::Repartition<uint16_t, FloatTag> u;
  const hn::Repartition<int16_t, FloatTag> i;
  auto largest = hn::Set(i, std::numeric_limits<int16_t>::min()), largest1 = largest;
  auto most_negative = hn::Zero(u), most_negative1 = most_negative;
  int64_t j = 0;
  for (; j + 2 * PairLanes() <= count; j += 2 * PairLanes()) {
    const auto v = hn::LoadU(u, x + j);
    const auto w = hn::LoadU(u, x + j + PairLanes());
    largest = hn::Max(largest, hn::BitCast(i, v));
    most_negative = hn::Max(most_negative, v);
    largest1 = hn::Max(largest1, hn::BitCast(i, w));
    most_negative1 = hn::Max(most_negative1, w);
  }
  if (j < count) {
    const auto v = hn::LoadU(u, x + j);
    largest = hn::Max(largest, hn::BitCast(i, v));
    most_negative = hn::Max(most_negative, v);
  }
  largest = hn::Max(largest, largest1);
  most_negative = hn::Max(most_negative, most_negative1);
  HWY_ALIGN int16_t signed_lanes[hn::MaxLanes(hn::Repartition<int16_t, FloatTag>())];
  HWY_ALIGN uint16_t lanes[hn::MaxLanes(hn::Repartition<uint16_t, FloatTag>())];
  hn::Store(largest, i, signed_lanes);
  hn::Store(most_negative, u, lanes);
  const int16_t max = *std::max_element(signed_lanes, signed_lanes + PairLanes());
  const uint16_t low = *std::max_element(lanes, lanes + PairLanes());
  constexpr uint16_t kInfinity = Elements::kNegativeInfinityBits & 0x7FFF;
  if (max < 0 || max > kInfinity || low > Elements::kNegativeInfinityBits) return RangeOfFloats<Elements>(x, count);
  // Without a sign anywhere the largest unsigned is just the largest, and 0 a bound.
  return {Elements::ToFloat(static_cast<uint16_t>(max)), low < 0x8000 ? 0 : Elements::ToFloat(low)};
}
#endif

template <class Elements>
HWY_INLINE BlockRange RangeOf(const typename Elements::T* x, int64_t count) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kHasLow<typename Elements::T>) return RangeOf16Bits<Elements>(x, count);
#endif
  return RangeOfFloats<Elements>(x, count);
}

// Pairs that are added up before their sum is added to the block's.
constexpr int64_t kRun = 16;

// In units of kUnit, and `weighted` by d instead of y.
struct BlockSums {
  double sum;
  double weighted;
};

// Sums of 2^(d * scale) and of that times d, d = x - max, while the next block is fetched. kClamp: some d may lie below
// the lowest difference. kKeep: the exponentials are stored in `kept`, which may be x.
template <class Elements, bool kClamp, bool kKeep>
HWY_INLINE BlockSums SumBlock(const typename Elements::T* x, int64_t count, float max, float scale, float* kept) {
  const FloatTag f;
  const Float vmax = hn::Set(f, max);
  const Float vscale = hn::Set(f, scale);
  const Float lowest = hn::Set(f, LowestDifference(scale));
  Float sum = hn::Zero(f), weighted = sum;
  for (int64_t begin = 0; begin < count; begin += kRun * PairLanes()) {
    const int64_t end = std::min(count, begin + kRun * PairLanes());
    Float sum0 = hn::Zero(f), sum1 = sum0, weighted0 = sum0, weighted1 = sum0;
    for (int64_t i = begin; i < end; i += PairLanes()) {
      PrefetchPair(x + i, kRowBlock);
      const Pair v = Elements::Load(x + i);
      Float d0 = hn::Sub(v.first, vmax);
      Float d1 = hn::Sub(v.second, vmax);
      if constexpr (kClamp) {
        d0 = MaxOrSecond(lowest, d0);
        d1 = MaxOrSecond(lowest, d1);
      }
      const ExponentParts y0 = SplitExponent(d0, vscale);
      const ExponentParts y1 = SplitExponent(d1, vscale);
      const Float e0 = hn::Mul(MonicPolynomial(y0.fraction), y0.power);
      const Float e1 = hn::Mul(MonicPolynomial(y1.fraction), y1.power);
      if constexpr (kKeep) Elements::Store({e0, e1}, kept + i);
      sum0 = hn::Add(sum0, e0);
      sum1 = hn::Add(sum1, e1);
      weighted0 = hn::MulAdd(e0, d0, weighted0);
      weighted1 = hn::MulAdd(e1, d1, weighted1);
    }
    sum = hn::Add(sum, hn::Add(sum0, sum1));
    weighted = hn::Add(weighted, hn::Add(weighted0, weighted1));
  }
  return {SumLanes(sum), SumLanes(weighted)};
}

// A row's sums, block by block, in the units of BlockSums.
template <class Elements, bool kKeep>
class RowReduction {
 public:
  using T = typename Elements::T;

  explicit HWY_INLINE RowReduction(float temperature) : scale_(static_cast<float>(kLog2E / temperature)) {}

  // Adds a block; returns the maximum that its exponentials are relative to. Not inline, as the last block of a row
  // that is not made of whole pairs would have a copy of its own.
  HWY_NOINLINE float Add(const T* x, int64_t count, float* kept) {
    const BlockRange range = RangeOf<Elements>(x, count);
    if (range.max > max_) Rebase(range.max);
    // Where everything so far is -inf, any finite reference gives exponentials of 0, and keeps NaN.
    const float reference = max_ == kNegativeInfinity ? 0 : max_;
    const bool clamp = !(range.low - reference > LowestDifference(scale_));
    BlockSums sums;
    if (kHasLow<T> && !clamp) {
      sums = SumBlock<Elements, !kHasLow<T>, kKeep>(x, count, reference, scale_, kept);
    } else {
      sums = SumBlock<Elements, true, kKeep>(x, count, reference, scale_, kept);
    }
    sum_ += sums.sum;
    weighted_ += sums.weighted;
    return max_;
  }

  RowSums Total() const { return {max_, sum_ / kUnit, weighted_ / kUnit * scale_}; }

 private:
  // Makes the sums relative to a larger maximum.
  void Rebase(float max) {
    if (max_ > kNegativeInfinity) {
      const double shift = static_cast<double>(max_) - max;
      const double factor = std::exp2(shift * scale_);
      weighted_ = factor == 0 ? 0 * sum_ : factor * (weighted_ + shift * sum_);
      sum_ *= factor;
    }
    max_ = max;
  }

  const float scale_;
  float max_ = kNegativeInfinity;
  double sum_ = 0;
  double weighted_ = 0;
};

template <class Elements, bool kKeep>
HWY_INLINE RowSums Reduce(const void* row, int64_t vocab, float temperature, KeptExponentials* kept) {
  using T = typename Elements::T;
  const T* x = static_cast<const T*>(row);
  float* out = kKeep ? kept->exponentials : nullptr;
  RowReduction<Elements, kKeep> reduction(temperature);
  const int64_t whole = vocab / PairLanes() * PairLanes();
  int64_t block = 0;
  for (int64_t begin = 0; begin < whole; begin += kRowBlock, ++block) {
    const float max = reduction.Add(x + begin, std::min(kRowBlock, whole - begin), kKeep ? out + begin : nullptr);
    if constexpr (kKeep) kept->maxima[block] = max;
  }
  if (whole < vocab) {
    HWY_ALIGN T tail[2 * hn::MaxLanes(FloatTag())];
    HWY_ALIGN float tail_kept[2 * hn::MaxLanes(FloatTag())];
    Elements::FillNegativeInfinity(tail);
    std::memcpy(tail, x + whole, (vocab - whole) * sizeof(T));
    const float max = reduction.Add(tail, PairLanes(), tail_kept);
    if constexpr (kKeep) {
      kept->maxima[block] = max;
      std::memcpy(out + whole, tail_kept, (vocab - whole) * sizeof(float));
    }
  }
  return reduction.Total();
}

template <class Elements>
RowSums ReduceRow(const void* row, int64_t vocab, float temperature) {
  return Reduce<Elements, false>(row, vocab, temperature, nullptr);
}

RowSums ReduceAndKeepRow(const float* row, int64_t vocab, float temperature, KeptExponentials* kept) {
  return Reduce<Float32Elements, true>(row, vocab, temperature, kept);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_ROW_KERNELS_INL_H_
