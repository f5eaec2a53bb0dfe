// row_stats: log-prob, entropy and logsumexp of each row in one read of the logits.
//
// Bytes: T * V elements read, at most 7 floats per row written. The floor is the read bandwidth of the device. A row is
// a team's (row.cuh); of large rows the blocks of a cluster take a part each.
#include "device.h"
#include "dispatch.h"
#include "kernels.h"
#include "launch.h"
#include "row.cuh"
#include "row_outputs.h"

namespace plait::cuda {
namespace {

struct RowStatsArguments {
  plait_logits logits;
  RowPlan plan;
  RowStatsOutputs out;
  const unsigned char* roles;  // or null: none is ignored
  unsigned long long* bad_targets;
  int64_t first;  // token of the grid
  int64_t count;  // tokens of the grid
};

__device__ void WriteNothing(const RowStatsOutputs& out, int64_t token) {
  if (out.logp) out.logp[token] = 0;
  if (out.entropy) out.entropy[token] = 0;
  if (out.logsumexp) out.logsumexp[token] = 0;
  if (out.state) reinterpret_cast<RowState*>(out.state)[token] = {0, 1, 0, 0};
}

template <class E, int kTeam>
__global__ void __launch_bounds__(Bounds<kTeam>::kThreads, Bounds<kTeam>::kBlocks)
    RowStatsKernel(const __grid_constant__ RowStatsArguments in) {
  const Team<kTeam> team(in.plan);
  if (team.row >= in.count) return;
  const int64_t token = in.first + team.row;
  const bool is_first = team.thread == 0 && team.rank == 0;
  if (in.roles && (in.roles[token] == PLAIT_IGNORED || in.roles[token] > PLAIT_HINT)) {
    if (is_first) WriteNothing(in.out, token);
    return;
  }
  const int64_t row_number = RowOf(in.logits, token);
  const bool is_row = row_number >= 0 && row_number < in.logits.rows;
  const Row<E> row(RowAt(in.logits.data, is_row ? row_number : 0, in.logits.row_stride, E::kDtype), in.logits.vocab);
  const Slice<E, kTeam> slice(row, team, in.plan);
  if (is_row) slice.Begin(in.plan.resident);  // before anything that would wait for memory
  const float temperature = TemperatureOf(in.logits, token);
  const int64_t target = TargetOf(in.logits, token);
  if (is_first && in.bad_targets && IsBadTarget(in.logits, target)) atomicAdd(in.bad_targets, 1ull);
  if (!is_row) {
    if (is_first) WriteRow(in.out, token, {NAN, NAN, NAN}, NAN, temperature);
    return;
  }
  const RowSums sums = SumRow(slice, in.plan, static_cast<float>(kLog2E / temperature), team.rank == 0);
  if (!is_first) return;
  WriteRow(in.out, token, sums, TargetLogit(in.logits, row.data, target), temperature);
}

__global__ void RowStatsMergeKernel(const __grid_constant__ MergeArguments in,
                                    const __grid_constant__ RowStatsOutputs out) {
  const int64_t token = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (token < in.tokens) MergeStates(in, token, out);
}

}  // namespace

plait_status RowStatsOf(const Placement& at, const plait_logits& logits, const unsigned char* roles,
                        const RowStatsOutputs& out, int64_t* bad_targets) {
  PLAIT_TRY(Clear(at, bad_targets, sizeof(*bad_targets)));
  RowPlan plan;
  PLAIT_TRY(PlanRows(at.device, logits, &plan));
  return InGrids(logits.tokens, plan.cluster, [&](int64_t first, int64_t count) {
    const LaunchShape shape = {Blocks(count, plan.rows_per_block) * plan.cluster, plan.threads(), plan.shared_bytes,
                               plan.cluster};
    const RowStatsArguments arguments = {logits, plan, out, roles, reinterpret_cast<unsigned long long*>(bad_targets),
                                         first,  count};
    return VisitDtype(logits.dtype, [&](auto e) {
      return VisitTeam(plan.team, [&](auto team) {
        return Launch(at, "row_stats", shape, RowStatsKernel<decltype(e), team>, arguments);
      });
    });
  });
}

plait_status RowStats(const Placement& at, const plait_logits& logits, const RowStatsOutputs& out,
                      int64_t* bad_targets) {
  const DeviceScope scope(at.device);
  return RowStatsOf(at, logits, nullptr, out, bad_targets);
}

plait_status RowStatsMerge(const Placement& at, const MergeArguments& in, const RowStatsOutputs& out) {
  const DeviceScope scope(at.device);
  return Launch(at, "row_stats_merge", {Blocks(in.tokens, kBlockThreads), kBlockThreads}, RowStatsMergeKernel, in, out);
}

plait_status PrepareRowStats(int32_t device) {
  return VisitAll([&](auto e, auto team) {
    return AllowSharedMemory(device, "row_stats", reinterpret_cast<const void*>(RowStatsKernel<decltype(e), team>));
  });
}

}  // namespace plait::cuda
