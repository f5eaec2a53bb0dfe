// One row of logits, read once: its sums, and then, if they are asked for, its gradients from shared memory.
//
// A row belongs to a team: a warp, a block, or the blocks of a cluster (row_plan.h). Its vectors are copied to shared
// memory asynchronously, so that the copies of a whole slice are under way at once and cost no register; each thread
// then adds up the vectors that it has copied itself, four at a time, relative to the largest logit that it has seen so
// far: one exponential per logit, one more when four vectors raise the maximum, and no barrier until each thread is
// done. Threads' sums are brought to their warp's maximum and added in double; warps' sums, of all the cluster's
// blocks, to the row's. Which thread has which vector follows from the plan, so a row gives the same bits wherever it
// lies.
#ifndef PLAIT_CUDA_SRC_ROW_CUH_
#define PLAIT_CUDA_SRC_ROW_CUH_

#include <type_traits>

#include "elements.cuh"
#include "logits.h"
#include "reduce.cuh"
#include "row_math.h"
#include "row_plan.h"

namespace plait::cuda {

static_assert(sizeof(RowSums) == kPartialBytes);

// A team's place in the grid, and its shared memory.
template <int kTeam>
struct Team {
  static constexpr bool kIsWarp = kTeam == kWarp;

  int64_t row;    // of the grid's rows
  int thread;     // within the team's part of this block
  unsigned rank;  // of this block in the row's cluster
  RowSums* partials;
  char* scratch;  // kTeamBytes
  uint4* vectors;

  __device__ explicit Team(const RowPlan& plan) {
    char* shared = SharedMemory();
    partials = reinterpret_cast<RowSums*>(shared);
    const int team = kIsWarp ? WarpOf(threadIdx.x) : 0;
    thread = kIsWarp ? LaneOf(threadIdx.x) : static_cast<int>(threadIdx.x);
    rank = kIsWarp ? 0 : ClusterRank();
    row = kIsWarp ? static_cast<int64_t>(blockIdx.x) * kMaxTeams + team
                  : static_cast<int64_t>(blockIdx.x / static_cast<unsigned>(plan.cluster));
    scratch = shared + kMaxPartials * kPartialBytes + team * kTeamBytes;
    vectors = reinterpret_cast<uint4*>(shared + kHeaderBytes) + team * plan.slice;
  }

  // All threads of the team in this block.
  __device__ void Sync() const {
    if (kIsWarp) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }
  // Whether this thread is of the team's first warp, which does what is done once.
  __device__ bool IsFirstWarp() const { return kIsWarp || threadIdx.x < kWarp; }
};

// Sums of the vectors that one thread has seen; in base 2, relative to `max`.
template <class Sum>
struct ThreadSums {
  float max = -INFINITY;
  Sum sum = 0;
  Sum weighted = 0;

  // Brings them to a larger maximum.
  __device__ void Raise(float to, float scale) {
    if (max > -INFINITY) {
      const float shift = (max - to) * scale;
      const float factor = exp2f(shift);
      weighted = factor == 0 ? 0 * sum : factor * (weighted + shift * sum);
      sum *= factor;
    }
    max = to;
  }
};

__device__ __forceinline__ float MultiplyAdd(float a, float b, float c) { return fmaf(a, b, c); }
__device__ __forceinline__ double MultiplyAdd(double a, double b, double c) { return fma(a, b, c); }

// Adds `count` vectors in shared memory, `stride` apart. They are read twice: that is cheaper than the registers.
template <class E, class Sum>
__device__ __forceinline__ void AddVectors(const uint4* v, int stride, int count, float scale, ThreadSums<Sum>* sums) {
  float max = -INFINITY;
#pragma unroll
  for (int i = 0; i < kStepVectors; ++i) {
    if (i < count) max = fmaxf(max, E::Max(v[i * stride]));
  }
  if (max > sums->max) sums->Raise(max, scale);
  // Where everything so far is -inf, any finite reference gives exponentials of 0, and keeps NaN.
  const float reference = sums->max == -INFINITY ? 0 : sums->max;
  Sum sum[2] = {0, 0}, weighted[2] = {0, 0};
#pragma unroll 2
  for (int i = 0; i < count; ++i) {
    const uint4 vector = v[i * stride];  // in one load, whatever is then done with its words
    float x[E::kCount];
    E::Unpack(vector, x);
#pragma unroll
    for (int k = 0; k < E::kCount; ++k) {
      const float y = (x[k] - reference) * scale;
      const float e = Exp2(y);
      sum[k % 2] += e;
      // Held where e is 0, as 0 * -inf would be NaN; a NaN is in e.
      const Sum held = fmaxf(y, -127.0f);
      weighted[k % 2] = MultiplyAdd(static_cast<Sum>(e), held, weighted[k % 2]);
    }
  }
  sums->sum += sum[0] + sum[1];
  sums->weighted += weighted[0] + weighted[1];
}

// A slice of a row, and where its vectors stand in shared memory.
template <class E, int kTeam>
struct Slice {
  static constexpr int kStage = kTeam * kStepVectors;
  // In rows of a warp a thread's few terms would not average out the rounding of their sum.
  using Sums = ThreadSums<std::conditional_t<Team<kTeam>::kIsWarp, double, float>>;

  const Row<E>& row;
  const Team<kTeam>& team;
  int64_t begin;  // first vector
  int count;      // vectors
  int stages;

  __device__ Slice(const Row<E>& r, const Team<kTeam>& t, const RowPlan& plan)
      : row(r), team(t), begin(t.rank * plan.slice), stages(plan.stages) {
    const int64_t left = row.Vectors() - begin;
    count = static_cast<int>(left < 0 ? 0 : left < plan.slice ? left : plan.slice);
  }

  __device__ int StageCount() const { return (count + kStage - 1) / kStage; }
  // The vectors of a stage that are this thread's: how many, and the first in shared memory; kTeam apart.
  __device__ int Own(int stage) const {
    const int left = count - stage * kStage - team.thread;
    return left <= 0 ? 0 : left >= kStage ? kStepVectors : (left + kTeam - 1) / kTeam;
  }
  __device__ uint4* Place(int stage) const { return team.vectors + (stage % stages) * kStage + team.thread; }

  // Starts copying this thread's vectors of a stage.
  __device__ void Fetch(int stage) const {
    const int own = Own(stage);
    uint4* to = Place(stage);
    const int64_t first = (begin + stage * kStage + team.thread) * E::kCount;
    if (row.shift == 0) {
      for (int i = 0; i < own; ++i) {
        const int64_t at = first + static_cast<int64_t>(i) * kTeam * E::kCount;
        if (row.IsWhole(at)) {
          CopyAsync16(to + i * kTeam, row.Aligned(at));
        } else {
          to[i * kTeam] = row.Load(at);
        }
      }
      return;
    }
    // Two at a time: more under way would cost all kernels registers, for the sake of odd rows.
    for (int i = 0; i < own; i += 2) {
      const int64_t at = first + static_cast<int64_t>(i) * kTeam * E::kCount;
      const bool both = i + 1 < own;
      const uint4 a = row.Load(at);
      uint4 b = a;
      if (both) b = row.Load(at + static_cast<int64_t>(kTeam) * E::kCount);
      to[i * kTeam] = a;
      if (both) to[(i + 1) * kTeam] = b;
    }
  }

  __device__ void Add(int stage, float scale, Sums* sums) const {
    const int own = Own(stage);
    if (own > 0) AddVectors<E>(Place(stage), kTeam, own, scale, sums);
  }

  // Starts the first copies: of a resident slice all of them, in one group; else a group per stage.
  __device__ void Begin(bool resident) const {
    const int total = StageCount();
    if (resident) {
      for (int stage = 0; stage < total; ++stage) Fetch(stage);
      CopyAsyncCommit();
      return;
    }
    for (int stage = 0; stage < stages; ++stage) {
      if (stage < total) Fetch(stage);
      CopyAsyncCommit();
    }
  }

  // This thread's sums of the whole slice, once begun. Where it is not resident, a thread fills a stage again as soon
  // as it has added it up, without asking the others: each reads what it has copied itself.
  __device__ Sums AddAll(bool resident, float scale) const {
    Sums sums;
    const int total = StageCount();
    if (resident) {
      CopyAsyncWait<0>();
      for (int stage = 0; stage < total; ++stage) Add(stage, scale, &sums);
      return sums;
    }
    for (int stage = 0; stage < total; ++stage) {
      WaitForOldest();
      Add(stage, scale, &sums);
      if (stage + stages < total) Fetch(stage + stages);
      CopyAsyncCommit();
    }
    CopyAsyncWait<0>();
    return sums;
  }

  __device__ void WaitForOldest() const {
    static_assert(kMaxRing == 3);
    if (stages == 1) {
      CopyAsyncWait<0>();
    } else if (stages == 2) {
      CopyAsyncWait<1>();
    } else {
      CopyAsyncWait<2>();
    }
  }
};

// The sums of a warp's threads, in all its lanes.
template <class Sum>
__device__ RowSums SumWarp(ThreadSums<Sum> sums, float scale) {
  const float max = WarpMax(sums.max);
  if (max > sums.max) sums.Raise(max, scale);
  return {max, WarpSum(static_cast<double>(sums.sum)), WarpSum(static_cast<double>(sums.weighted))};
}

// The sums of `count` parts, at most two per lane; in all lanes.
__device__ inline RowSums SumPartials(const RowSums* partials, int count, float scale) {
  const int lane = LaneOf(threadIdx.x);
  const RowSums none = {-INFINITY, 0, 0};
  RowSums a = lane < count ? partials[lane] : none;
  RowSums b = lane + kWarp < count ? partials[lane + kWarp] : none;
  const float max = WarpMax(fmaxf(a.max, b.max));
  a = Rebase(a, max, scale);
  b = Rebase(b, max, scale);
  return {max, WarpSum(a.sum + b.sum), WarpSum(a.weighted + b.weighted)};
}

// Adds up the row, whose slices have begun. The result is in all lanes of the first warp, if `wanted` there; elsewhere
// it is undefined. Afterwards all blocks of the row have read all that they read of it: it may be overwritten.
template <class E, int kTeam>
__device__ RowSums SumRow(const Slice<E, kTeam>& slice, const RowPlan& plan, float scale, bool wanted) {
  const Team<kTeam>& team = slice.team;
  if (plan.cluster > 1) ClusterArrive();  // a block must have begun before another writes to its shared memory
  const RowSums warp = SumWarp(slice.AddAll(plan.resident, scale), scale);
  if (Team<kTeam>::kIsWarp) return warp;
  constexpr int kWarps = kTeam / kWarp;
  const int lane = LaneOf(threadIdx.x);
  RowSums* mine = team.partials + team.rank * kWarps + WarpOf(threadIdx.x);
  if (plan.cluster > 1) {
    ClusterWait();
    if (lane < plan.cluster) *ClusterShared(mine, lane) = warp;  // into every block, this one too
    ClusterArrive();
    ClusterWait();
  } else {
    if (lane == 0) *mine = warp;
    __syncthreads();
  }
  return wanted && team.IsFirstWarp() ? SumPartials(team.partials, plan.cluster * kWarps, scale) : warp;
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_ROW_CUH_
