// How the sampler differs from the trainer: a block adds up kSequenceBlock sequences, one after the other.
#include "batch.h"
#include "launch.h"
#include "metrics_math.h"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

// One thread's, and then the block's, sums over the rollout tokens of a sequence.
enum SamplerRow : int {
  kOldLogp,
  kSamplerLogp,
  kLogRatio,
  kAbsolute,
  kK3,
  kRatio,
  kSquare,
  kWeight,
  kWeightSquare,
  kAbove,
  kBelow,
  kClamped,
  kClampedSquare,
  kCount,
  kRejected,
  kSamplerRows
};

// The extremes of omega. A NaN stays.
struct OmegaRange {
  double max = -INFINITY;
  double min = INFINITY;
};

__device__ void AddToken(const BatchArguments& in, int64_t t, double (&rows)[kSamplerRows], OmegaRange* range) {
  const plait_sampler_correction& correction = in.objective.correction;
  const float old_logp = in.batch.old_logp[t], sampler_logp = in.batch.sampler_logp[t];
  const float omega = LogRatioOf(old_logp, sampler_logp);
  const float ratio = Exp(ClampSymmetric(omega, correction.log_limit));
  const double weight = in.workspace.sampler_weights[t];
  rows[kOldLogp] += old_logp;
  rows[kSamplerLogp] += sampler_logp;
  rows[kLogRatio] += omega;
  rows[kAbsolute] += Abs(omega);
  rows[kK3] += Expm1MinusX(omega);
  rows[kRatio] += ratio;
  rows[kSquare] += static_cast<double>(ratio) * ratio;
  rows[kWeight] += weight;
  rows[kWeightSquare] += weight * weight;
  rows[kCount] += 1;
  rows[kRejected] += (in.workspace.gates[t] & kGateRejected) != 0;
  Maximise(omega, &range->max);
  Minimise(omega, &range->min);
  if (!(correction.high < INFINITY)) return;
  const float high = correction.high, low = 1 / high;
  rows[kAbove] += ratio > high;
  rows[kBelow] += ratio < low;
  const float raised = ratio < low ? low : ratio;
  const double clamped = raised > high ? high : raised;
  rows[kClamped] += clamped;
  rows[kClampedSquare] += clamped * clamped;
}

// The block's range, in all threads.
__device__ OmegaRange RangeOfBlock(OmegaRange range, double* shared) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const double max = __shfl_xor_sync(kFullWarp, range.max, step);
    const double min = __shfl_xor_sync(kFullWarp, range.min, step);
    Maximise(max, &range.max);
    Minimise(min, &range.min);
  }
  if (LaneOf(threadIdx.x) == 0) {
    shared[2 * WarpOf(threadIdx.x)] = range.max;
    shared[2 * WarpOf(threadIdx.x) + 1] = range.min;
  }
  __syncthreads();
  for (int w = 0; w < WarpOf(blockDim.x); ++w) {
    Maximise(shared[2 * w], &range.max);
    Minimise(shared[2 * w + 1], &range.min);
  }
  __syncthreads();
  return range;
}

__device__ void AddTotals(const plait_sampler_correction& correction, const double (&rows)[kSamplerRows],
                          const OmegaRange& range, plait_metrics* to) {
  to->sampler_tokens += rows[kCount];
  to->sampler_log_ratio_sum += rows[kLogRatio];
  to->sampler_abs_sum += rows[kAbsolute];
  to->sampler_k3_sum += rows[kK3];
  to->sampler_ratio_sum += rows[kRatio];
  to->sampler_square_sum += rows[kSquare];
  to->sampler_weight_sum += rows[kWeight];
  to->sampler_weight_square_sum += rows[kWeightSquare];
  const float max = static_cast<float>(range.max), min = static_cast<float>(range.min);
  Maximise(max < -min ? -min : max, &to->sampler_abs_max);
  Maximise(Exp(ClampSymmetric(max, correction.log_limit)), &to->sampler_ratio_max);
  Minimise(Exp(ClampSymmetric(min, correction.log_limit)), &to->sampler_ratio_min);
  if (correction.high < INFINITY) {
    to->sampler_bound_tokens += rows[kCount];
    to->sampler_above_count += rows[kAbove];
    to->sampler_below_count += rows[kBelow];
    to->sampler_clamped_sum += rows[kClamped];
    to->sampler_clamped_square_sum += rows[kClampedSquare];
  }
  AddSamplerSequence({rows[kOldLogp], rows[kSamplerLogp], rows[kRatio]}, rows[kCount], rows[kRejected], correction.high,
                     to);
}

__global__ void __launch_bounds__(kBlockThreads, 2) SumSamplerKernel(const __grid_constant__ BatchArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  plait_metrics* partial = &in.workspace.sampler_partials[blockIdx.x];
  if (threadIdx.x == 0) *partial = EmptyMetrics();
  const int64_t first = blockIdx.x * kSequenceBlock;
  for (int64_t i = first; i < first + kSequenceBlock && i < in.Sequences(); ++i) {
    const TokenRange tokens = RangeOf(in.batch, i);
    double rows[kSamplerRows] = {};
    OmegaRange range;
    for (int64_t t = tokens.begin + threadIdx.x; t < tokens.end; t += blockDim.x) {
      if (GivenRole(in.batch.roles, t) == PLAIT_ROLLOUT) AddToken(in, t, rows, &range);
    }
    BlockSums(rows, shared);
    range = RangeOfBlock(range, shared);
    if (threadIdx.x == 0 && rows[kCount] > 0) AddTotals(in.objective.correction, rows, range, partial);
  }
}

}  // namespace

plait_status SumSampler(const Placement& at, const BatchArguments& in) {
  if (!in.HasSampler()) return PLAIT_OK;
  return Launch(at, "sum_sampler",
                {Workspace::SequenceBlocks(in.Sequences()), kBlockThreads, BlockSumsBytes<kSamplerRows>(kBlockThreads)},
                SumSamplerKernel, in);
}

}  // namespace plait::cuda
