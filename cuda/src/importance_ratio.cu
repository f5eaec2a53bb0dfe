// importance_ratio: ratios of tokens, a thread each, or of sequences, a block each. Bytes: at most 13 per token.
#include "ratio-inl.h"

#include "kernels.h"
#include "launch.h"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

__device__ void WriteToken(const RatioOutputs& out, int64_t t, const FlaggedRatio<float>& ratio) {
  if (out.ratio) out.ratio[t] = ratio.value;
  if (out.flags) out.flags[t] = static_cast<uint8_t>(ratio.flags);
}

__device__ bool IsCounted(const RatioArguments& in, int64_t t) { return GivenRole(in.roles, t) != PLAIT_IGNORED; }

__device__ RatioBounds BoundsOf(const RatioArguments& in) { return {in.clip_low, in.clip_high, in.log_ratio_limit}; }

__global__ void __launch_bounds__(kBlockThreads)
    TokenRatioKernel(const __grid_constant__ RatioArguments in, const __grid_constant__ RatioOutputs out) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= in.tokens) return;
  WriteToken(out, t,
             IsCounted(in, t) ? TokenRatio(BoundsOf(in), in.logp[t], in.old_logp[t]) : FlaggedRatio<float>{0, 0});
}

__global__ void __launch_bounds__(kBlockThreads)
    SequenceRatioKernel(const __grid_constant__ RatioArguments in, const __grid_constant__ RatioOutputs out) {
  const TokenRange range = RangeOf(in.offsets, in.tokens, blockIdx.x);
  double sums[2] = {0, 0};
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    if (!IsCounted(in, t)) continue;
    sums[0] += ExactLogRatio(in.logp[t], in.old_logp[t]);
    sums[1] += 1;
  }
  BlockSums(sums, reinterpret_cast<double*>(SharedMemory()));
  if (in.level == PLAIT_RATIO_SEQUENCE_MEAN && sums[1] > 0) sums[0] /= sums[1];
  const FlaggedRatio<float> ratio = SequenceRatio(BoundsOf(in), sums[0]);
  if (threadIdx.x == 0 && out.sequence_ratio) out.sequence_ratio[blockIdx.x] = ratio.value;
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    WriteToken(out, t, IsCounted(in, t) ? ratio : FlaggedRatio<float>{0, 0});
  }
}

}  // namespace

plait_status ImportanceRatio(const Placement& at, const RatioArguments& in, const RatioOutputs& out) {
  const DeviceScope scope(at.device);
  if (in.level == PLAIT_RATIO_TOKEN) {
    return Launch(at, "token_ratio", {Blocks(in.tokens, kBlockThreads), kBlockThreads}, TokenRatioKernel, in, out);
  }
  const int64_t sequences = in.offsets ? in.sequences : 1;
  return Launch(at, "sequence_ratio", {sequences, kBlockThreads, BlockSumsBytes<2>(kBlockThreads)}, SequenceRatioKernel,
                in, out);
}

}  // namespace plait::cuda
