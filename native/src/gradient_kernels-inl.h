// The gradient of one row of logits from its coefficients, and from exponentials that were kept; compiled once per SIMD
// target by kernels.cpp.
#if defined(PLAIT_SRC_GRADIENT_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_GRADIENT_KERNELS_INL_H_
#undef PLAIT_SRC_GRADIENT_KERNELS_INL_H_
#else
#define PLAIT_SRC_GRADIENT_KERNELS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstring>

#include "exponential-inl.h"
#include "hwy/highway.h"
#include "kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 2^y * (constant + slope * y), y = (x - max) * scale, for pairs of vectors. Without a slope the constant, which is
// then finite, is a factor of the polynomial.
template <bool kSlope>
class GradientOfPair {
 public:
  explicit HWY_INLINE GradientOfPair(const GradientCoefficients& c)
      : polynomial_(kSlope ? 1 : c.constant),
        max_(hn::Set(FloatTag(), c.max)),
        scale_(hn::Set(FloatTag(), c.scale)),
        lowest_(hn::Set(FloatTag(), LowestDifference(c.scale))),
        constant_(hn::Set(FloatTag(), c.constant)),
        slope_(hn::Set(FloatTag(), c.slope * c.scale)) {}

  HWY_INLINE Pair operator()(Pair v) const { return {OfVector(v.first), OfVector(v.second)}; }

 private:
  HWY_INLINE Float OfVector(Float x) const {
    const Float d = MaxOrSecond(lowest_, hn::Sub(x, max_));
    const ExponentParts y = SplitExponent(d, scale_);
    Float p = polynomial_(y.fraction);
    if constexpr (kSlope) p = hn::Mul(p, hn::MulAdd(slope_, d, constant_));
    return hn::Mul(p, y.power);
  }

  const ScaledPolynomial polynomial_;
  const Float max_, scale_, lowest_, constant_, slope_;
};

// dlogits may be the row itself: an element is read before it is written.
template <class Elements, bool kSlope>
HWY_INLINE void WriteGradientOf(const typename Elements::T* x, int64_t vocab, const GradientCoefficients& coefficients,
                                typename Elements::T* out) {
  using T = typename Elements::T;
  const GradientOfPair<kSlope> gradient(coefficients);
  const int64_t n = PairLanes();
  int64_t i = 0;
  for (; i + n <= vocab; i += n) Elements::Store(gradient(Elements::Load(x + i)), out + i);
  if (i < vocab) {
    HWY_ALIGN T tail[2 * hn::MaxLanes(FloatTag())];
    Elements::FillNegativeInfinity(tail);
    std::memcpy(tail, x + i, (vocab - i) * sizeof(T));
    Elements::Store(gradient(Elements::Load(tail)), tail);
    std::memcpy(out + i, tail, (vocab - i) * sizeof(T));
  }
}

template <class Elements>
void WriteGradient(const void* row, int64_t vocab, const GradientCoefficients& c, void* dlogits) {
  using T = typename Elements::T;
  const T* x = static_cast<const T*>(row);
  T* out = static_cast<T*>(dlogits);
  if (c.slope != 0 || !std::isfinite(c.constant)) {
    WriteGradientOf<Elements, true>(x, vocab, c, out);
  } else {
    WriteGradientOf<Elements, false>(x, vocab, c, out);
  }
}

// 2^y * constant from exponentials that ReduceAndKeepRow left, in place. There is no slope.
void WriteKeptGradient(const KeptExponentials& kept, int64_t vocab, const GradientCoefficients& coefficients) {
  const FloatTag f;
  float* x = kept.exponentials;
  const double scale = coefficients.scale;
  const auto factor_of = [&](int64_t block) {
    const double shift = static_cast<double>(kept.maxima[block]) - coefficients.max;
    return static_cast<float>(coefficients.constant / kUnit * std::exp2(shift * scale));
  };
  const int64_t whole = vocab / PairLanes() * PairLanes();
  int64_t block = 0;
  for (int64_t begin = 0; begin < whole; begin += kRowBlock, ++block) {
    const Float factor = hn::Set(f, factor_of(block));
    const int64_t end = std::min(whole, begin + kRowBlock);
    for (int64_t i = begin; i < end; i += PairLanes()) {
      const Pair e = Float32Elements::Load(x + i);
      Float32Elements::Store({hn::Mul(e.first, factor), hn::Mul(e.second, factor)}, x + i);
    }
  }
  for (int64_t i = whole; i < vocab; ++i) x[i] *= factor_of(block);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_GRADIENT_KERNELS_INL_H_
