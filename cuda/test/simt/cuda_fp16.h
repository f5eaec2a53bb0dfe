// Stands in for CUDA's header of this name: conversions and maxima, rounding to nearest even.
#ifndef PLAIT_CUDA_TEST_CUDA_FP16_H_
#define PLAIT_CUDA_TEST_CUDA_FP16_H_

#include "dtype.h"
#include "simt.h"

struct __half {
  uint16_t bits;
};
struct alignas(4) __half2 {
  __half x, y;
};

inline float __half2float(__half value) { return plait::FloatFromFloat16(value.bits); }
inline __half __float2half_rn(float value) { return {plait::Float16FromFloat(value)}; }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
inline float2 __half22float2(__half2 pair) { return {__half2float(pair.x), __half2float(pair.y)}; }
inline float __low2float(__half2 pair) { return __half2float(pair.x); }
inline float __high2float(__half2 pair) { return __half2float(pair.y); }

// The operand that is a number where the other is NaN, and +0 of two zeros.
inline __half __hmax(__half a, __half b) {
  const float x = __half2float(a);
  const float y = __half2float(b);
  if (x != x && y != y) return {0x7FFF};
  if (x != x || x < y) return b;
  if (y != y || y < x) return a;
  return {static_cast<uint16_t>(a.bits & b.bits)};
}
inline __half2 __hmax2(__half2 a, __half2 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }

#endif  // PLAIT_CUDA_TEST_CUDA_FP16_H_
