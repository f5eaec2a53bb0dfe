// token_advantage: returns and advantages of tokens, a warp per sequence; and their whitening, one block.
//
// A sequence's recurrence runs from its end, 32 tokens at a time: the lanes fetch them together, and then all of them
// compute the same 32 steps, of which each keeps its own. That is serial arithmetic in float64 with the very bits of
// the CPU, and a few floats per token of memory traffic.
#include "token_advantage.h"

#include "kernels.h"
#include "launch.h"
#include "moments.cuh"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

__global__ void __launch_bounds__(kBlockThreads)
    TokenAdvantageKernel(const __grid_constant__ TokenAdvantageArguments in,
                         const __grid_constant__ int64_t sequences) {
  const int64_t sequence = static_cast<int64_t>(blockIdx.x) * (kBlockThreads / kWarp) + WarpOf(threadIdx.x);
  if (sequence >= sequences) return;
  const TokenRange range = RangeOf(in.offsets, in.tokens, sequence);
  const int lane = LaneOf(threadIdx.x);
  AdvantageState state = {0, 0};
  for (int64_t end = range.end; end > range.begin; end -= kWarp) {
    const int64_t t = end - 1 - lane;  // lane 0 has the last token
    const bool present = t >= range.begin;
    const int counted = present && GivenRole(in.roles, t) != PLAIT_IGNORED;
    const float reward = counted ? in.rewards[t] : 0;
    const float value = counted && in.values ? in.values[t] : 0;
    float advantage = 0, total = 0;
    for (int step = 0; step < kWarp && end - 1 - step >= range.begin; ++step) {
      const double r = __shfl_sync(kFullWarp, reward, step);
      const double v = __shfl_sync(kFullWarp, value, step);
      if (__shfl_sync(kFullWarp, counted, step)) {
        const double a = StepAdvantage(r, v, in.gamma, in.lambda, &state);
        if (step == lane) {
          advantage = static_cast<float>(a);
          total = static_cast<float>(a + v);
        }
      } else if (in.restart) {
        state = {0, 0};
      }
    }
    if (!present) continue;
    in.advantages[t] = advantage;
    if (in.returns) in.returns[t] = total;
  }
}

__global__ void __launch_bounds__(kWideThreads) WhitenKernel(const __grid_constant__ WhitenArguments in) {
  const auto counted = [&](int64_t t) { return GivenRole(in.roles, t) != PLAIT_IGNORED; };
  const auto visit = [&](const auto& body) {
    for (int64_t t = threadIdx.x; t < in.tokens; t += blockDim.x) {
      if (counted(t)) body(in.x[t]);
    }
  };
  const Moments moments = BlockMoments(in.sample, reinterpret_cast<double*>(SharedMemory()), visit);
  const double scale = WhiteningScale(moments, in.floor, in.epsilon);
  for (int64_t t = threadIdx.x; t < in.tokens; t += blockDim.x) {
    in.out[t] = counted(t) ? Whitened(in.x[t], moments, in.shift, scale) : 0;
  }
}

}  // namespace

plait_status TokenAdvantage(const Placement& at, const TokenAdvantageArguments& in) {
  const DeviceScope scope(at.device);
  const int64_t sequences = in.offsets ? in.sequences : 1;
  return Launch(at, "token_advantage", {Blocks(sequences, kBlockThreads / kWarp), kBlockThreads}, TokenAdvantageKernel,
                in, sequences);
}

plait_status Whiten(const Placement& at, const WhitenArguments& in) {
  if (in.tokens == 0) return PLAIT_OK;
  const DeviceScope scope(at.device);
  return Launch(at, "whiten", {1, kWideThreads, BlockSumsBytes<2>(kWideThreads)}, WhitenKernel, in);
}

}  // namespace plait::cuda
