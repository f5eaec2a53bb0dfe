// The arithmetic that stage two is written in. A "real" is a float, or, where this file is compiled for a SIMD target,
// a vector of floats too. Exp and Expm1 are polynomials in the same operations for both, so that a lane gives a float's
// bits; no multiply-add is fused.
#if defined(PLAIT_SRC_REAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_REAL_INL_H_
#undef PLAIT_SRC_REAL_INL_H_
#else
#define PLAIT_SRC_REAL_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "host_device.h"

// Highway's files are compiled once per target, each time in a namespace of its own.
#undef PLAIT_BEFORE_REAL_NAMESPACE
#undef PLAIT_AFTER_REAL_NAMESPACE
#undef PLAIT_REAL
#ifdef HWY_TARGET
#include "elements-inl.h"
#include "hwy/highway.h"
#define PLAIT_BEFORE_REAL_NAMESPACE \
  HWY_BEFORE_NAMESPACE();           \
  namespace plait {                 \
  namespace HWY_NAMESPACE {
#define PLAIT_AFTER_REAL_NAMESPACE \
  }                                \
  }                                \
  HWY_AFTER_NAMESPACE();
#define PLAIT_REAL HWY_INLINE
#else
#define PLAIT_BEFORE_REAL_NAMESPACE namespace plait {
#define PLAIT_AFTER_REAL_NAMESPACE }
#define PLAIT_REAL PLAIT_HD inline
#endif

PLAIT_BEFORE_REAL_NAMESPACE

#ifdef HWY_TARGET
namespace hn = hwy::HWY_NAMESPACE;

struct VectorMask {
  hn::Mask<FloatTag> m;
};

struct VectorReal {
  Float v;
  VectorReal() = default;
  HWY_INLINE explicit VectorReal(Float value) : v(value) {}
  HWY_INLINE explicit VectorReal(float value) : v(hn::Set(FloatTag(), value)) {}
  HWY_INLINE explicit VectorReal(int value) : VectorReal(static_cast<float>(value)) {}
};

HWY_INLINE VectorReal operator+(VectorReal a, VectorReal b) { return VectorReal(hn::Add(a.v, b.v)); }
HWY_INLINE VectorReal operator-(VectorReal a, VectorReal b) { return VectorReal(hn::Sub(a.v, b.v)); }
HWY_INLINE VectorReal operator*(VectorReal a, VectorReal b) { return VectorReal(hn::Mul(a.v, b.v)); }
HWY_INLINE VectorReal operator/(VectorReal a, VectorReal b) { return VectorReal(hn::Div(a.v, b.v)); }
HWY_INLINE VectorReal operator-(VectorReal a) { return VectorReal(hn::Neg(a.v)); }
HWY_INLINE VectorMask operator<(VectorReal a, VectorReal b) { return {hn::Lt(a.v, b.v)}; }
HWY_INLINE VectorMask operator>(VectorReal a, VectorReal b) { return {hn::Gt(a.v, b.v)}; }
HWY_INLINE VectorMask operator>=(VectorReal a, VectorReal b) { return {hn::Ge(a.v, b.v)}; }
HWY_INLINE VectorMask operator==(VectorReal a, VectorReal b) { return {hn::Eq(a.v, b.v)}; }
HWY_INLINE VectorReal Select(VectorMask m, VectorReal a, VectorReal b) {
  return VectorReal(hn::IfThenElse(m.m, a.v, b.v));
}
HWY_INLINE VectorMask And(VectorMask a, VectorMask b) { return {hn::And(a.m, b.m)}; }
HWY_INLINE VectorMask Or(VectorMask a, VectorMask b) { return {hn::Or(a.m, b.m)}; }
HWY_INLINE bool All(VectorMask m) { return hn::AllTrue(FloatTag(), m.m); }
HWY_INLINE VectorMask IsNan(VectorReal a) { return {hn::IsNaN(a.v)}; }
HWY_INLINE VectorReal Abs(VectorReal a) { return VectorReal(hn::Abs(a.v)); }

HWY_INLINE VectorReal PowerOfTwo(VectorReal n) {
  const hn::RebindToSigned<FloatTag> i;
  const auto biased = hn::Add(hn::ConvertTo(i, n.v), hn::Set(i, 127));
  return VectorReal(hn::BitCast(FloatTag(), hn::ShiftLeft<23>(biased)));
}
#else
PLAIT_REAL float Select(bool mask, float yes, float no) { return mask ? yes : no; }
PLAIT_REAL bool And(bool a, bool b) { return a && b; }
PLAIT_REAL bool Or(bool a, bool b) { return a || b; }
PLAIT_REAL bool All(bool m) { return m; }
PLAIT_REAL bool IsNan(float x) { return x != x; }

PLAIT_REAL float Abs(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits &= 0x7FFFFFFFu;
  std::memcpy(&x, &bits, sizeof(bits));
  return x;
}

PLAIT_REAL float PowerOfTwo(float n) {
  const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return power;
}
#endif

// e^x within 2 units in the last place; 0 below -104, +inf above 88.8, NaN at NaN. Cephes' reduction and polynomial:
// x = n ln 2 + r, with ln 2 in two parts so that n times the first is exact.
template <class Real>
PLAIT_REAL Real Exp(Real x) {
  const auto usual = Abs(x) < Real(87);  // 2^n is then a normal float, and scaling by it exact
  const bool all_usual = All(usual);
  if (!all_usual) x = Select(x > Real(89), Real(89), Select(x < Real(-104), Real(-104), x));
  const Real magic(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Real n = (x * Real(1.44269504f) + magic) - magic;
  const Real r = (x - n * Real(0.693359375f)) - n * Real(-2.12194440e-4f);
  Real p(1.9875691500e-4f);
  p = p * r + Real(1.3981999507e-3f);
  p = p * r + Real(8.3334519073e-3f);
  p = p * r + Real(4.1665795894e-2f);
  p = p * r + Real(1.6666665459e-1f);
  p = p * r + Real(5.0000001201e-1f);
  p = p * (r * r) + r + Real(1);
  if (all_usual) return p * PowerOfTwo(n);
  // 2^n in two factors, as it may be beyond the normal floats itself. NaN stays in p, with n held in range.
  const Real whole = Select(IsNan(n), Real(0), n);
  const Real half = (whole * Real(0.5f) + magic) - magic;
  return p * PowerOfTwo(half) * PowerOfTwo(whole - half);
}

// (e^x - 1 - x) / x^2 by its Taylor series to x^9: below 1e-8 relative for |x| <= 1.
template <class Real>
PLAIT_REAL Real Expm1Series(Real x) {
  Real p(2.5052108e-8f);
  p = p * x + Real(2.7557319e-7f);
  p = p * x + Real(2.7557319e-6f);
  p = p * x + Real(2.4801587e-5f);
  p = p * x + Real(1.9841270e-4f);
  p = p * x + Real(1.3888889e-3f);
  p = p * x + Real(8.3333333e-3f);
  p = p * x + Real(4.1666667e-2f);
  p = p * x + Real(1.6666667e-1f);
  return p * x + Real(0.5f);
}

// e^x - 1 without cancellation near 0.
template <class Real>
PLAIT_REAL Real Expm1(Real x) {
  const Real near = Expm1Series(x) * (x * x) + x;
  const auto is_near = Abs(x) < Real(0.5f);
  if (All(is_near)) return near;  // saves the exponential, which log-ratios seldom need
  return Select(is_near, near, Exp(x) - Real(1));
}

// e^x - 1 - x, about x^2 / 2 near 0, where the difference would have no digit left.
template <class Real>
PLAIT_REAL Real Expm1MinusX(Real x) {
  const Real near = Expm1Series(x) * (x * x);
  const auto is_near = Abs(x) < Real(1);
  if (All(is_near)) return near;
  return Select(is_near, near, (Exp(x) - Real(1)) - x);
}

template <class Real>
PLAIT_REAL Real ClampSymmetric(Real x, float limit) {
  return Select(x > Real(limit), Real(limit), Select(x < Real(-limit), Real(-limit), x));
}

// Whether ClampSymmetric changes x; not for NaN.
template <class Real>
PLAIT_REAL auto IsClamped(Real x, float limit) {
  return Abs(x) > Real(limit);
}

// -1, 0 or 1; NaN at NaN.
template <class Real>
PLAIT_REAL Real Sign(Real x) {
  return Select(x > Real(0), Real(1), Select(x < Real(0), Real(-1), x));
}

// a - b, 0 where they are equal: also where both are -inf.
template <class Real>
PLAIT_REAL Real LogRatioOf(Real a, Real b) {
  return Select(a == b, Real(0), a - b);
}

PLAIT_AFTER_REAL_NAMESPACE

#endif  // PLAIT_SRC_REAL_INL_H_
