// The vector kernels, one table per SIMD target.
#ifndef PLAIT_SRC_KERNELS_H_
#define PLAIT_SRC_KERNELS_H_

#include <cstdint>

#include "row_math.h"
#include "token_kernels.h"

namespace plait {

// Elements that a row is worked on at a time: 16 KiB of float32, half of an L1.
constexpr int64_t kRowBlock = 4096;

// The exponentials of a row of float32 in the place of its gradient: 2^(y_j) in the units of their kernel, relative to
// the maximum of their block, of which the last is what follows the row's whole vectors.
constexpr int64_t kKeptBlocks = 256;
constexpr int64_t kMostKept = kKeptBlocks * kRowBlock;  // the longest row
struct KeptExponentials {
  float* exponentials;
  float maxima[kKeptBlocks + 1];
};

using ReduceRowFunction = RowSums (*)(const void* row, int64_t vocab, float temperature);
using WriteGradientFunction = void (*)(const void* row, int64_t vocab, const GradientCoefficients& coefficients,
                                       void* dlogits);
using ReduceAndKeepFunction = RowSums (*)(const float* row, int64_t vocab, float temperature, KeptExponentials* kept);
using WriteKeptGradientFunction = void (*)(const KeptExponentials& kept, int64_t vocab,
                                           const GradientCoefficients& coefficients);

struct Kernels {
  const char* target;
  // Indexed by plait_dtype: float32, bfloat16, float16.
  ReduceRowFunction reduce[3];
  WriteGradientFunction write_gradient[3];
  // float32 alone. kept->exponentials may be the row, which it then replaces; the coefficients have no slope.
  ReduceAndKeepFunction reduce_and_keep;
  WriteKeptGradientFunction write_kept_gradient;
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
