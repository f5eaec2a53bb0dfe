// Stands in for CUDA's header of this name: conversions and maxima, rounding to nearest even.
#ifndef PLAIT_CUDA_TEST_CUDA_BF16_H_
#define PLAIT_CUDA_TEST_CUDA_BF16_H_

#include "dtype.h"
#include "simt.h"

struct __nv_bfloat16 {
  uint16_t bits;
};
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 value) { return plait::FloatFromBfloat16(value.bits); }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {plait::Bfloat16FromFloat(value)}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
inline float2 __bfloat1622float2(__nv_bfloat162 pair) { return {__bfloat162float(pair.x), __bfloat162float(pair.y)}; }
inline float __low2float(__nv_bfloat162 pair) { return __bfloat162float(pair.x); }
inline float __high2float(__nv_bfloat162 pair) { return __bfloat162float(pair.y); }

// The operand that is a number where the other is NaN, and +0 of two zeros.
inline __nv_bfloat16 __hmax(__nv_bfloat16 a, __nv_bfloat16 b) {
  const float x = __bfloat162float(a);
  const float y = __bfloat162float(b);
  if (x != x && y != y) return {0x7FFF};
  if (x != x || x < y) return b;
  if (y != y || y < x) return a;
  return {static_cast<uint16_t>(a.bits & b.bits)};
}
inline __nv_bfloat162 __hmax2(__nv_bfloat162 a, __nv_bfloat162 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }

#endif  // PLAIT_CUDA_TEST_CUDA_BF16_H_
