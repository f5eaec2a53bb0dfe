// A row's elements as 16-byte vectors, for each dtype, wherever the row begins.
//
// Vector v of a row holds its elements v * kCount and up, whatever the row's address: what a thread adds up, and in
// which order, must not depend on where the row lies. On an aligned row a vector is one load; otherwise it is cut out
// of the two aligned ones that it straddles, of which the second is the neighbouring lane's first and so in the L1
// cache.
#ifndef PLAIT_CUDA_SRC_ELEMENTS_CUH_
#define PLAIT_CUDA_SRC_ELEMENTS_CUH_

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>

#include "dtype.h"
#include "target.cuh"

namespace plait::cuda {

constexpr int kVectorBytes = 16;

__device__ __forceinline__ uint32_t WordOf(const uint4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

struct Float32 {
  using T = float;
  static constexpr int kCount = 4;
  static constexpr int32_t kDtype = PLAIT_FLOAT32;

  static __device__ __forceinline__ void Unpack(const uint4& v, float (&x)[kCount]) {
    x[0] = __uint_as_float(v.x);
    x[1] = __uint_as_float(v.y);
    x[2] = __uint_as_float(v.z);
    x[3] = __uint_as_float(v.w);
  }
  static __device__ __forceinline__ uint4 Pack(const float (&x)[kCount]) {
    return make_uint4(__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3]));
  }
  static __device__ __forceinline__ float Max(const uint4& v) {
    return fmaxf(fmaxf(__uint_as_float(v.x), __uint_as_float(v.y)), fmaxf(__uint_as_float(v.z), __uint_as_float(v.w)));
  }
};

// 16-bit elements, two to a word. `Two` is the device's pair of them, and Pair how it is made and taken apart.
template <class Pair, int32_t kType>
struct HalfWidth {
  using T = uint16_t;
  using Two = typename Pair::Two;
  static constexpr int kCount = 8;
  static constexpr int32_t kDtype = kType;

  static __device__ __forceinline__ Two TwoOf(uint32_t word) {
    Two two;
    memcpy(&two, &word, sizeof(two));
    return two;
  }
  static __device__ __forceinline__ uint32_t WordOfTwo(float low, float high) {
    const Two two = Pair::Round(low, high);
    uint32_t word;
    memcpy(&word, &two, sizeof(word));
    return word;
  }
  static __device__ __forceinline__ void Unpack(const uint4& v, float (&x)[kCount]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) Pair::Widen(WordOf(v, i), &x[2 * i], &x[2 * i + 1]);
  }
  static __device__ __forceinline__ uint4 Pack(const float (&x)[kCount]) {
    return make_uint4(WordOfTwo(x[0], x[1]), WordOfTwo(x[2], x[3]), WordOfTwo(x[4], x[5]), WordOfTwo(x[6], x[7]));
  }
  static __device__ __forceinline__ float Max(const uint4& v) {
    const Two max = __hmax2(__hmax2(TwoOf(v.x), TwoOf(v.y)), __hmax2(TwoOf(v.z), TwoOf(v.w)));
    return fmaxf(__low2float(max), __high2float(max));
  }
};

struct Bfloat16Pair {
  using Two = __nv_bfloat162;
  static __device__ __forceinline__ Two Round(float low, float high) { return __floats2bfloat162_rn(low, high); }
  static __device__ __forceinline__ void Widen(uint32_t word, float* low, float* high) {
    *low = __uint_as_float(word << 16);
    *high = __uint_as_float(word & 0xFFFF0000u);
  }
};

struct Float16Pair {
  using Two = __half2;
  static __device__ __forceinline__ Two Round(float low, float high) { return __floats2half2_rn(low, high); }
  static __device__ __forceinline__ void Widen(uint32_t word, float* low, float* high) {
    Two two;
    memcpy(&two, &word, sizeof(two));
    const float2 both = __half22float2(two);
    *low = both.x;
    *high = both.y;
  }
};

using Bfloat16 = HalfWidth<Bfloat16Pair, PLAIT_BFLOAT16>;
using Float16 = HalfWidth<Float16Pair, PLAIT_FLOAT16>;

// A row of `length` elements. `shift`: bytes from the last 16-byte boundary to its first element.
template <class E>
struct Row {
  const char* data;
  int64_t length;
  int shift;

  __device__ Row(const void* row, int64_t elements)
      : data(static_cast<const char*>(row)),
        length(elements),
        shift(static_cast<int>(reinterpret_cast<uintptr_t>(row) % kVectorBytes)) {}

  __device__ int64_t Vectors() const { return (length + E::kCount - 1) / E::kCount; }
  __device__ bool IsWhole(int64_t first) const { return first >= 0 && first + E::kCount <= length; }

  // The kCount elements from `first` on, where the row has all of them and is aligned there.
  __device__ const uint4* Aligned(int64_t first) const {
    return reinterpret_cast<const uint4*>(data + first * static_cast<int64_t>(sizeof(typename E::T)));
  }

  // The kCount elements from `first` on, wherever they lie; -inf beyond the row.
  __device__ uint4 Load(int64_t first) const {
    const char* at = data + first * static_cast<int64_t>(sizeof(typename E::T));
    const int offset = static_cast<int>(reinterpret_cast<uintptr_t>(at) % kVectorBytes);
    if (IsWhole(first) && offset == 0) return *reinterpret_cast<const uint4*>(at);
    const char* end = data + length * static_cast<int64_t>(sizeof(typename E::T));
    if (at - offset >= data && at - offset + 2 * kVectorBytes <= end) return LoadTwo(at - offset, offset);
    return Gather(first);
  }

 private:
  static __device__ uint4 LoadTwo(const char* aligned, int offset) {
    const uint4 a = reinterpret_cast<const uint4*>(aligned)[0];
    const uint4 b = reinterpret_cast<const uint4*>(aligned)[1];
    const bool two = offset & 8, one = offset & 4;  // words to drop; selects, as an array would go to local memory
    const uint32_t c0 = two ? a.z : a.x, c1 = two ? a.w : a.y, c2 = two ? b.x : a.z, c3 = two ? b.y : a.w;
    const uint32_t c4 = two ? b.z : b.x, c5 = two ? b.w : b.y;
    const uint32_t d0 = one ? c1 : c0, d1 = one ? c2 : c1, d2 = one ? c3 : c2, d3 = one ? c4 : c3, d4 = one ? c5 : c4;
    const unsigned bits = 8 * (offset & 3);
    return make_uint4(__funnelshift_r(d0, d1, bits), __funnelshift_r(d1, d2, bits), __funnelshift_r(d2, d3, bits),
                      __funnelshift_r(d3, d4, bits));
  }

  // At the ends of a row.
  __device__ uint4 Gather(int64_t first) const {
    float x[E::kCount];
#pragma unroll
    for (int k = 0; k < E::kCount; ++k) {
      const int64_t j = first + k;
      x[k] = j >= 0 && j < length ? LoadElement(data, j, E::kDtype) : -INFINITY;
    }
    return E::Pack(x);
  }
};

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_ELEMENTS_CUH_
