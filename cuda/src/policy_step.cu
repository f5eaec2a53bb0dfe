// policy_step: logits in, gradient out.
//
// Bytes: T * V elements read and as many written; the floor is the copy bandwidth of the device. In one pass a team
// (row.cuh) holds its row in shared memory, that of a cluster's blocks together if one has not enough, adds it up,
// evaluates its token, and writes its gradient from there: two exponentials per logit. A row that does not fit is read
// again, from its end, while L2 still has it. An objective that needs a token's sequence or batch first takes two
// passes, row_stats and logits_grad, with stage two between them.
#include "batch.h"
#include "device.h"
#include "dispatch.h"
#include "gradient.cuh"
#include "kernels.h"
#include "launch.h"
#include "row.cuh"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

struct PolicyStepArguments {
  BatchArguments batch;
  plait_logits logits;
  RowPlan plan;
  StepOutputs out;
  int64_t first;  // token of the grid
  int64_t count;  // tokens of the grid
};

// What the first warp of a team tells the others, and keeps for itself while the row is on its way.
struct TeamToken {
  Token token;
  RowGradient gradient;
  float target_logit;
};
static_assert(sizeof(TeamToken) <= kTeamBytes);

// Stage two of a row's token: from its sums to its gradient. Writes log-prob and entropy if `writes`.
__device__ RowGradient Evaluate(const PolicyStepArguments& in, int64_t token, const TeamToken& team,
                                const RowSums& sums, float temperature, bool writes) {
  const RowStatistics statistics = StatisticsOf(sums, team.target_logit, temperature);
  const RowState state = StateOf(sums, team.target_logit);
  if (writes) {
    in.out.logp[token] = statistics.logp;
    in.out.entropy[token] = statistics.entropy;
  }
  const bool bad_target = team.target_logit != team.target_logit && IsBadTarget(in.logits, TargetOf(in.logits, token));
  float c = 0, h = 0;
  if (!bad_target) {
    TokenInputs<float> inputs = team.token.inputs;
    Complete(in.batch, statistics.logp, statistics.entropy, &inputs);
    const TokenResult<float> result =
        EvaluateToken(in.batch.objective.rules[team.token.role - 1], team.token.weights, TokenContext(), inputs);
    c = result.c;
    h = result.h;
  }
  RowGradient gradient;
  gradient.coefficients = CoefficientsOf(state, c, h, temperature);
  gradient.fill = FillOf(gradient.coefficients, bad_target, c, h);
  gradient.target = TargetOf(in.logits, token);
  return gradient;
}

// Writes this block's part of the gradient from its slice in shared memory. `gradient` lies there too: the loop has a
// copy of what it needs, and what is needed once costs it no registers.
template <class E, int kTeam>
__device__ void WriteResident(const Slice<E, kTeam>& slice, const GradientRow<E>& out, const RowGradient& gradient) {
  const int64_t begin = slice.begin * E::kCount;
  const int64_t last = (slice.begin + slice.count) * E::kCount;
  const int64_t end = last < out.length ? last : out.length;
  if (begin >= end) return;
  const typename E::T* elements = reinterpret_cast<const typename E::T*>(slice.team.vectors);
  const GradientCoefficients coefficients = gradient.coefficients;
  const int64_t after = out.VectorsBefore(end);
  for (int64_t u = out.VectorOf(begin) + slice.team.thread; u < after; u += kTeam) {
    const int64_t first = out.First(u);
    float x[E::kCount];
    if (out.lead == 0) {
      const uint4 vector = slice.team.vectors[u - slice.begin];
      E::Unpack(vector, x);
    } else {
#pragma unroll
      for (int k = 0; k < E::kCount; ++k) {
        const int64_t j = first + k;
        x[k] = j >= begin && j < end ? LoadElement(elements, j - begin, E::kDtype) : 0;
      }
    }
    out.Differentiate(coefficients, x);
    out.Store(u, begin, end, x);
  }
  if (gradient.target < begin || gradient.target >= end) return;
  const int64_t vector = out.VectorOf(gradient.target) - out.VectorOf(begin);
  if (vector % kTeam == slice.team.thread) out.StoreTarget(gradient);
}

// Writes the gradient from a second reading of the row, from its end: what was read last is likeliest still in L2.
template <class E, int kTeam>
__device__ void WriteAgain(const Slice<E, kTeam>& slice, const GradientRow<E>& out, const RowGradient& gradient) {
  const GradientCoefficients coefficients = gradient.coefficients;
  const int64_t last = out.VectorsBefore(out.length) - 1;
  for (int64_t u = last - slice.team.thread; u >= 0; u -= kTeam) {
    float x[E::kCount];
    E::Unpack(slice.row.Load(out.First(u)), x);
    out.Differentiate(coefficients, x);
    out.Store(u, 0, out.length, x);
  }
  if ((last - out.VectorOf(gradient.target)) % kTeam == slice.team.thread) out.StoreTarget(gradient);
}

template <class E, int kTeam>
__device__ void FillRow(const Team<kTeam>& team, const RowPlan& plan, const GradientRow<E>& out, Fill fill) {
  const int64_t stride = static_cast<int64_t>(plan.cluster) * kTeam;
  for (int64_t u = team.rank * kTeam + team.thread; u < out.VectorsBefore(out.length); u += stride) {
    out.StoreFill(u, 0, out.length, fill);
  }
}

template <class E, int kTeam>
__global__ void __launch_bounds__(Bounds<kTeam>::kThreads, Bounds<kTeam>::kBlocks)
    PolicyStepKernel(const __grid_constant__ PolicyStepArguments in) {
  const Team<kTeam> team(in.plan);
  if (team.row >= in.count) return;
  const int64_t token = in.first + team.row;
  const bool is_ignored = in.batch.workspace.roles[token] == PLAIT_IGNORED;
  const bool is_first = team.thread == 0 && team.rank == 0;
  const int64_t row_number = RowOf(in.logits, token);
  const bool is_row = row_number >= 0 && row_number < in.logits.rows;
  if (is_ignored || !is_row) {
    if (is_first) in.out.logp[token] = in.out.entropy[token] = is_ignored ? 0 : NAN;
    if (is_row) {
      FillRow(team, in.plan,
              GradientRow<E>(RowAt(in.out.dlogits, row_number, in.out.dlogits_stride, E::kDtype), in.logits.vocab),
              Fill::kZero);
    }
    return;
  }
  const Row<E> row(RowAt(in.logits.data, row_number, in.logits.row_stride, E::kDtype), in.logits.vocab);
  const Slice<E, kTeam> slice(row, team, in.plan);
  slice.Begin(in.plan.resident);
  TeamToken& shared = *reinterpret_cast<TeamToken*>(team.scratch);
  if (team.thread == 0) {
    // While the row is on its way; and the target's logit before any block can have overwritten it.
    shared.target_logit = TargetLogit(in.logits, row.data, TargetOf(in.logits, token));
    shared.token = LoadToken(in.batch, token);
  }
  const float temperature = TemperatureOf(in.logits, token);
  const RowSums sums = SumRow(slice, in.plan, static_cast<float>(kLog2E / temperature), true);
  if (team.thread == 0) shared.gradient = Evaluate(in, token, shared, sums, temperature, is_first);
  team.Sync();
  const RowGradient& gradient = shared.gradient;
  const GradientRow<E> out(RowAt(in.out.dlogits, row_number, in.out.dlogits_stride, E::kDtype), in.logits.vocab);
  if (gradient.fill != Fill::kGradient) {
    FillRow(team, in.plan, out, gradient.fill);
  } else if (in.plan.resident) {
    WriteResident(slice, out, gradient);
  } else {
    WriteAgain(slice, out, gradient);
  }
}

plait_status OnePass(const Placement& at, const plait_logits& logits, const BatchArguments& batch,
                     const StepOutputs& out) {
  RowPlan plan;
  PLAIT_TRY(PlanRows(at.device, logits, &plan));
  return InGrids(logits.tokens, plan.cluster, [&](int64_t first, int64_t count) {
    const LaunchShape shape = {Blocks(count, plan.rows_per_block) * plan.cluster, plan.threads(), plan.shared_bytes,
                               plan.cluster};
    const PolicyStepArguments arguments = {batch, logits, plan, out, first, count};
    return VisitDtype(logits.dtype, [&](auto e) {
      return VisitTeam(plan.team, [&](auto team) {
        return Launch(at, "policy_step", shape, PolicyStepKernel<decltype(e), team>, arguments);
      });
    });
  });
}

plait_status TwoPasses(const Placement& at, const plait_logits& logits, const BatchArguments& batch,
                       const StepOutputs& out) {
  const Workspace& workspace = batch.workspace;
  float* state = reinterpret_cast<float*>(workspace.states);
  PLAIT_TRY(RowStatsOf(at, logits, workspace.roles, {out.logp, out.entropy, nullptr, state}, nullptr));
  PLAIT_TRY(PrepareSecondPass(at, batch, out.logp, out.entropy, &logits));
  PLAIT_TRY(EvaluateBatch(at, batch, out.logp, out.entropy, &logits,
                          {workspace.c, workspace.h, out.token_loss, out.metrics}));
  return LogitsGradOf(at, logits, state, workspace.c, workspace.h, out.dlogits, out.dlogits_stride, nullptr);
}

}  // namespace

plait_status PolicyStep(const Placement& at, const plait_logits& logits, const ObjectiveArguments& in,
                        const StepOutputs& out) {
  const DeviceScope scope(at.device);
  const BatchArguments batch(in);
  PLAIT_TRY(PrepareBatch(at, batch));
  if (batch.second_pass) return TwoPasses(at, logits, batch, out);
  PLAIT_TRY(OnePass(at, logits, batch, out));
  if (!out.token_loss && !out.metrics) return PLAIT_OK;
  return EvaluateBatch(at, batch, out.logp, out.entropy, &logits, {nullptr, nullptr, out.token_loss, out.metrics});
}

plait_status PreparePolicyStep(int32_t device) {
  return VisitAll([&](auto e, auto team) {
    return AllowSharedMemory(device, "policy_step", reinterpret_cast<const void*>(PolicyStepKernel<decltype(e), team>));
  });
}

}  // namespace plait::cuda
