// group_advantage: rewards to advantages in float64, a warp per group.
//
// Bytes: n rewards, read three times, of which two find them in a cache. Groups given by ids may lie anywhere, so a
// warp then looks through all ids: n * groups of them, from L2, which for the sizes that groups come in (thousands)
// takes some microseconds and needs neither sorting nor workspace.
#include "group_advantage.h"

#include "kernels.h"
#include "launch.h"
#include "moments.cuh"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

struct GroupArguments {
  int64_t n;
  const float* rewards;
  const uint8_t* roles;
  const float* weights;
  int64_t groups;
  const int64_t* offsets;
  const int64_t* ids;
  plait_advantage_options options;
  Moments* moments;  // of the groups, then of the batch
  AdvantageOutputs out;

  __device__ bool IsScored(int64_t i) const { return rewards[i] == rewards[i] && GivenRole(roles, i) != PLAIT_IGNORED; }
  __device__ bool IsCounted(int64_t i) const {
    return IsScored(i) && (options.statistics == PLAIT_STATISTICS_ALL || GivenRole(roles, i) == PLAIT_ROLLOUT);
  }
  __device__ void Add(int64_t i, Moments* m) const {
    AddReward(rewards[i], m);
    if (weights) AddWeight(rewards[i], weights[i], m);
  }
};

// The first pass's moments of all lanes, in all lanes.
__device__ void SumLanes(Moments* m) {
  m->count = WarpSum(m->count);
  m->sum = WarpSum(m->sum);
  m->weight = WarpSum(m->weight);
  m->weighted_sum = WarpSum(m->weighted_sum);
  for (int step = kWarp / 2; step > 0; step /= 2) {
    m->min = fmin(m->min, __shfl_xor_sync(kFullWarp, m->min, step));
    m->max = fmax(m->max, __shfl_xor_sync(kFullWarp, m->max, step));
  }
}

// Calls visit(i) for this lane's rewards of a group.
template <class Visit>
__device__ void VisitGroup(const GroupArguments& in, int64_t group, const Visit& visit) {
  const TokenRange range = in.ids ? TokenRange{0, in.n} : RangeOf(in.offsets, in.n, group);
  for (int64_t i = range.begin + LaneOf(threadIdx.x); i < range.end; i += kWarp) {
    if (!in.ids || in.ids[i] == group) visit(i);
  }
}

__device__ float AdvantageOfMember(const GroupArguments& in, int64_t i, const Moments& group, const Moments& batch) {
  if (!in.IsScored(i)) return 0;
  const bool counted = in.IsCounted(i);
  // The CPU refuses the call; here nobody waits for the answer.
  const bool refused = in.options.singleton == PLAIT_SINGLETON_REFUSE && UsesGroup(in.options) && group.count == 1;
  if (refused && counted) return NAN;
  return static_cast<float>(AdvantageOf(in.rewards[i], AffineOf(counted, in.options, group, batch)));
}

__global__ void __launch_bounds__(kBlockThreads, 2) GroupAdvantageKernel(const __grid_constant__ GroupArguments in) {
  const int64_t group = static_cast<int64_t>(blockIdx.x) * (kBlockThreads / kWarp) + WarpOf(threadIdx.x);
  if (group >= in.groups) return;
  Moments moments = EmptyMoments();
  VisitGroup(in, group, [&](int64_t i) {
    if (in.IsCounted(i)) in.Add(i, &moments);
  });
  SumLanes(&moments);
  FinishMean(&moments);
  VisitGroup(in, group, [&](int64_t i) {
    if (in.IsCounted(i)) AddSquare(in.rewards[i], &moments);
  });
  moments.squares = WarpSum(moments.squares);
  FinishStd(in.options.sample_std != 0, &moments);
  const Moments batch = UsesBatch(in.options) ? in.moments[in.groups] : EmptyMoments();
  VisitGroup(in, group, [&](int64_t i) { in.out.advantages[i] = AdvantageOfMember(in, i, moments, batch); });
  if (LaneOf(threadIdx.x) != 0) return;
  if (in.out.group_mean) in.out.group_mean[group] = static_cast<float>(moments.mean);
  if (in.out.group_std) in.out.group_std[group] = static_cast<float>(moments.std);
}

__device__ bool IsGrouped(const GroupArguments& in, int64_t i) {
  return !in.ids || (in.ids[i] >= 0 && in.ids[i] < in.groups);
}

// The batch's moments; one block.
__global__ void __launch_bounds__(kRankThreads, 1) BatchMomentsKernel(const __grid_constant__ GroupArguments in) {
  const auto visit = [&](const auto& body) {
    for (int64_t i = threadIdx.x; i < in.n; i += blockDim.x) {
      if (in.IsCounted(i) && IsGrouped(in, i)) body(in.rewards[i]);
    }
  };
  const Moments moments = BlockMoments(in.options.sample_std != 0, reinterpret_cast<double*>(SharedMemory()), visit);
  if (threadIdx.x == 0) in.moments[in.groups] = moments;
}

// Rewards whose id names no group: nobody else writes them.
__global__ void __launch_bounds__(kBlockThreads) MarkUngroupedKernel(const __grid_constant__ GroupArguments in) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < in.n && !IsGrouped(in, i)) in.out.advantages[i] = NAN;
}

}  // namespace

plait_status GroupAdvantage(const Placement& at, const AdvantageArguments& in, const AdvantageOutputs& out) {
  const DeviceScope scope(at.device);
  const GroupArguments arguments = {in.n,       in.rewards, in.roles,
                                    in.weights, in.groups,  in.offsets,
                                    in.ids,     in.options, static_cast<Moments*>(in.workspace),
                                    out};
  if (UsesBatch(in.options)) {
    PLAIT_TRY(
        Launch(at, "batch_moments", {1, kRankThreads, BlockSumsBytes<2>(kRankThreads)}, BatchMomentsKernel, arguments));
  }
  if (in.ids) {
    PLAIT_TRY(
        Launch(at, "mark_ungrouped", {Blocks(in.n, kBlockThreads), kBlockThreads}, MarkUngroupedKernel, arguments));
  }
  return Launch(at, "group_advantage", {Blocks(in.groups, kBlockThreads / kWarp), kBlockThreads}, GroupAdvantageKernel,
                arguments);
}

}  // namespace plait::cuda
