// The gradient of a row's logits, vector by vector: exp2(y) * (constant + slope * y), and the target's own.
//
// Vectors are the output's: they begin at its 16-byte boundaries, so that a store is one instruction wherever the row
// begins. Which thread writes which element makes no difference to it.
#ifndef PLAIT_CUDA_SRC_GRADIENT_CUH_
#define PLAIT_CUDA_SRC_GRADIENT_CUH_

#include "elements.cuh"
#include "row_math.h"

namespace plait::cuda {

// What is written to a row.
enum class Fill : int { kGradient, kZero, kNan };

struct RowGradient {
  GradientCoefficients coefficients;
  Fill fill;
  int64_t target;  // column, outside the row if another shard has it
};

__device__ inline Fill FillOf(const GradientCoefficients& coefficients, bool bad_target, float c, float h) {
  if (bad_target) return Fill::kZero;
  if (IsPoisoned(coefficients)) return Fill::kNan;
  return c == 0 && h == 0 ? Fill::kZero : Fill::kGradient;
}

__device__ __forceinline__ float GradientOf(float x, const GradientCoefficients& k) {
  const float y = (x - k.max) * k.scale;
  // Held where the exponential is 0, as 0 * inf would be NaN.
  return Exp2(y) * fmaf(k.slope, fmaxf(y, -127.0f), k.constant);
}

// Where a row of gradients goes.
template <class E>
struct GradientRow {
  char* data;
  int64_t length;
  int lead;  // elements by which the first vector begins before the row

  __device__ GradientRow(void* row, int64_t elements)
      : data(static_cast<char*>(row)),
        length(elements),
        lead(static_cast<int>(reinterpret_cast<uintptr_t>(row) % kVectorBytes / sizeof(typename E::T))) {}

  // The first element of vector u, below 0 if the row begins within it.
  __device__ int64_t First(int64_t u) const { return u * E::kCount - lead; }
  // The vector that holds an element, and one more than the last vector that has elements before `end`.
  __device__ int64_t VectorOf(int64_t element) const { return (element + lead) / E::kCount; }
  __device__ int64_t VectorsBefore(int64_t end) const { return (end + lead + E::kCount - 1) / E::kCount; }

  // Writes the elements of vector u that lie in [begin, end).
  __device__ void Store(int64_t u, int64_t begin, int64_t end, const float (&x)[E::kCount]) const {
    const int64_t first = First(u);
    if (first >= begin && first + E::kCount <= end) {
      __stcs(reinterpret_cast<uint4*>(data + first * static_cast<int64_t>(sizeof(typename E::T))), E::Pack(x));
      return;
    }
#pragma unroll
    for (int k = 0; k < E::kCount; ++k) {
      if (first + k >= begin && first + k < end) StoreElement(data, first + k, E::kDtype, x[k]);
    }
  }

  // Turns logits into their gradients, the target's as if it were any other.
  __device__ static void Differentiate(const GradientCoefficients& coefficients, float (&x)[E::kCount]) {
#pragma unroll
    for (int k = 0; k < E::kCount; ++k) x[k] = GradientOf(x[k], coefficients);
  }

  // Writes the target's own gradient. By the thread that has stored the target's vector, and after that: a comparison
  // per element would cost all of them more than this one store.
  __device__ void StoreTarget(const RowGradient& gradient) const {
    StoreElement(data, gradient.target, E::kDtype, gradient.coefficients.target);
  }

  // Writes zeros or NaNs to vector u.
  __device__ void StoreFill(int64_t u, int64_t begin, int64_t end, Fill fill) const {
    float x[E::kCount];
#pragma unroll
    for (int k = 0; k < E::kCount; ++k) x[k] = fill == Fill::kNan ? NAN : 0.0f;
    Store(u, begin, end, x);
  }
};

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_GRADIENT_CUH_
