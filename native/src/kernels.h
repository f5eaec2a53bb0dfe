// The vector kernels, one table per SIMD target.
#ifndef PLAIT_SRC_KERNELS_H_
#define PLAIT_SRC_KERNELS_H_

#include <cstdint>

#include "row_math.h"
#include "token_kernels.h"

namespace plait {

using ReduceRowFunction = RowSums (*)(const void* row, int64_t vocab, float temperature);
using WriteGradientFunction = void (*)(const void* row, int64_t vocab, const GradientCoefficients& coefficients,
                                       void* dlogits);

struct Kernels {
  const char* target;
  // Indexed by plait_dtype: float32, bfloat16, float16.
  ReduceRowFunction reduce[3];
  WriteGradientFunction write_gradient[3];
  EvaluateRunFunction evaluate_run;
  WeighTokensFunction weigh_tokens;
  AddSamplerRunFunction add_sampler_run;
  TokenRatiosFunction token_ratios;
  double (*read)(const float* data, int64_t count);
  void (*scale)(float* data, int64_t count, float factor);
};

// The kernels in use. Cheap; read once per call, so that a call never mixes targets.
const Kernels& ActiveKernels();

// Makes the target `name`, or the best one for nullptr, the active one; false if this machine does not have it.
bool SelectKernels(const char* name);

}  // namespace plait

#endif  // PLAIT_SRC_KERNELS_H_
