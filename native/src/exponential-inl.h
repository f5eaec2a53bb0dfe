// 2^y of vectors of floats, y = d * scale, in two factors: a polynomial of the fraction and a power of two. What a
// kernel multiplies its results by goes into the polynomial's coefficients, so it costs nothing per element. Compiled
// per SIMD target.
#if defined(PLAIT_SRC_EXPONENTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_EXPONENTIAL_INL_H_
#undef PLAIT_SRC_EXPONENTIAL_INL_H_
#else
#define PLAIT_SRC_EXPONENTIAL_INL_H_
#endif

#include "elements-inl.h"
#include "hwy/highway.h"
#include "row_math.h"

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

// Differences d below this one have 2^(d * scale) = 0; at it, the power of two is exactly 0.
inline float LowestDifference(float scale) { return -127 / scale; }

struct ExponentParts {
  Float fraction;  // r = y - n in [-1/2, 1/2]
  Float power;     // 2^n, 0 for n = -127
};

// For LowestDifference(scale) <= d and d * scale < 128. A NaN stays one in `fraction`.
HWY_INLINE ExponentParts SplitExponent(Float d, Float scale) {
  const FloatTag f;
  const hn::RebindToSigned<FloatTag> i;
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits; with the bias of an exponent added too,
  // they need but be shifted to its place.
  const Float magic = hn::Set(f, 12582912.0f + 127);
  const Float shifted = hn::MulAdd(d, scale, magic);
  const Float n = hn::Sub(shifted, magic);
  return {hn::MulSub(d, scale, n), hn::BitCast(f, hn::ShiftLeft<23>(hn::BitCast(i, shifted)))};
}

// 2^r on [-1/2, 1/2]: exactly 1 at 0, and off by 1.7e-7 of 2^r at most. kUnit has few digits, so that sums of equal
// exponentials are exact.
constexpr float kUnit = 754;
constexpr float kCoefficients[] = {1, 0.693147f, 0.24022243f, 0.055507336f, 0.009671513f, 1 / kUnit};

// 2^r times kUnit: a leading coefficient of 1 saves an instruction.
HWY_INLINE Float MonicPolynomial(Float r) {
  const FloatTag f;
  Float p = hn::Add(r, hn::Set(f, kUnit * kCoefficients[4]));
  p = hn::MulAdd(p, r, hn::Set(f, kUnit * kCoefficients[3]));
  p = hn::MulAdd(p, r, hn::Set(f, kUnit * kCoefficients[2]));
  p = hn::MulAdd(p, r, hn::Set(f, kUnit * kCoefficients[1]));
  return hn::MulAdd(p, r, hn::Set(f, kUnit));
}

// 2^r times a finite factor.
class ScaledPolynomial {
 public:
  explicit HWY_INLINE ScaledPolynomial(float factor) {
    for (int k = 0; k <= kDegree; ++k) c_[k] = hn::Set(FloatTag(), factor * kCoefficients[k]);
  }

  HWY_INLINE Float operator()(Float r) const {
    Float p = hn::MulAdd(c_[kDegree], r, c_[kDegree - 1]);
    for (int k = kDegree - 2; k >= 0; --k) p = hn::MulAdd(p, r, c_[k]);
    return p;
  }

 private:
  static constexpr int kDegree = 5;
  Float c_[kDegree + 1];
};

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_EXPONENTIAL_INL_H_
