// The vector kernels that touch a row of logits, one table per SIMD target.
#ifndef PLAIT_SRC_ROW_KERNELS_H_
#define PLAIT_SRC_ROW_KERNELS_H_

#include <cstdint>

#include "row_math.h"

namespace plait {

using ReduceRowFunction = RowSums (*)(const void* row, int64_t vocab, float temperature);
using WriteGradientFunction = void (*)(const void* row, int64_t vocab, const GradientCoefficients& coefficients,
                                       void* dlogits);

struct RowKernels {
  const char* target;
  // Indexed by plait_dtype: float32, bfloat16, float16.
  ReduceRowFunction reduce[3];
  WriteGradientFunction write_gradient[3];
  double (*read)(const float* data, int64_t count);
  void (*scale)(float* data, int64_t count, float factor);
};

// The kernels in use. Cheap; read once per call, so that a call never mixes targets.
const RowKernels& ActiveRowKernels();

// Makes the target `name`, or the best one for nullptr, the active one; false if this machine does not have it.
bool SelectRowKernels(const char* name);

}  // namespace plait

#endif  // PLAIT_SRC_ROW_KERNELS_H_
