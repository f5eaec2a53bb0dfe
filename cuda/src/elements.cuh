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
  static constexpr uint32_t kNegativeInfinity = 0xFF800000u;

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

struct Bfloat16 {
  using T = uint16_t;
  static constexpr int kCount = 8;
  static constexpr int32_t kDtype = PLAIT_BFLOAT16;
  static constexpr uint32_t kNegativeInfinity = 0xFF80FF80u;

  static __device__ __forceinline__ __nv_bfloat162 Two(uint32_t word) {
    __nv_bfloat162 two;
    memcpy(&two, &word, sizeof(two));
    return two;
  }
  static __device__ __forceinline__ void Unpack(const uint4& v, float (&x)[kCount]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t word = WordOf(v, i);
      x[2 * i] = __uint_as_float(word << 16);
      x[2 * i + 1] = __uint_as_float(word & 0xFFFF0000u);
    }
  }
  static __device__ __forceinline__ uint32_t PackTwo(float low, float high) {
    const __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
    uint32_t word;
    memcpy(&word, &two, sizeof(word));
    return word;
  }
  static __device__ __forceinline__ uint4 Pack(const float (&x)[kCount]) {
    return make_uint4(PackTwo(x[0], x[1]), PackTwo(x[2], x[3]), PackTwo(x[4], x[5]), PackTwo(x[6], x[7]));
  }
  static __device__ __forceinline__ float Max(const uint4& v) {
    const __nv_bfloat162 max = __hmax2(__hmax2(Two(v.x), Two(v.y)), __hmax2(Two(v.z), Two(v.w)));
    return fmaxf(__low2float(max), __high2float(max));
  }
};

struct Float16 {
  using T = uint16_t;
  static constexpr int kCount = 8;
  static constexpr int32_t kDtype = PLAIT_FLOAT16;
  static constexpr uint32_t kNegativeInfinity = 0xFC00FC00u;

  static __device__ __forceinline__ __half2 Two(uint32_t word) {
    __half2 two;
    memcpy(&two, &word, sizeof(two));
    return two;
  }
  static __device__ __forceinline__ void Unpack(const uint4& v, float (&x)[kCount]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 both = __half22float2(Two(WordOf(v, i)));
      x[2 * i] = both.x;
      x[2 * i + 1] = both.y;
    }
  }
  static __device__ __forceinline__ uint32_t PackTwo(float low, float high) {
    const __half2 two = __floats2half2_rn(low, high);
    uint32_t word;
    memcpy(&word, &two, sizeof(word));
    return word;
  }
  static __device__ __forceinline__ uint4 Pack(const float (&x)[kCount]) {
    return make_uint4(PackTwo(x[0], x[1]), PackTwo(x[2], x[3]), PackTwo(x[4], x[5]), PackTwo(x[6], x[7]));
  }
  static __device__ __forceinline__ float Max(const uint4& v) {
    const __half2 max = __hmax2(__hmax2(Two(v.x), Two(v.y)), __hmax2(Two(v.z), Two(v.w)));
    return fmaxf(__low2float(max), __high2float(max));
  }
};

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
