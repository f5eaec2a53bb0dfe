// token_objective: stage two alone, a few floats per token in and out; and the metrics of all objectives.
//
// Bytes: some 40 per token. A block evaluates 256 tokens, and adds up their metrics by way of shared memory: a thread
// per token writes what the token has to say, one value per row of a table, and four threads per metric add up the row
// that belongs to it. As sums in registers, the metrics would spill.
#include <cstddef>

#include "batch.h"
#include "kernels.h"
#include "launch.h"
#include "metric_rows.cuh"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

struct EvaluateArguments {
  BatchArguments batch;
  plait_logits logits;
  bool has_logits;
  const float* logp;
  const float* entropy;  // or null: 0
  ObjectiveOutputs out;
};

// Evaluates one token, writes its outputs, and says in `column` what it adds to the metrics.
__device__ void EvaluateOne(const EvaluateArguments& in, int64_t t, MetricColumn column) {
  const BatchArguments& batch = in.batch;
  const int role = batch.workspace.roles[t];
  const bool bad_target = in.has_logits && IsBadTarget(in.logits, TargetOf(in.logits, t));
  TokenResult<float> result;
  if (role == PLAIT_IGNORED || bad_target) {
    column.Ignore(role != PLAIT_IGNORED);
  } else {
    Token token = LoadToken(batch, t);
    Complete(batch, in.logp[t], in.entropy ? in.entropy[t] : 0, &token.inputs);
    const plait_rule& rule = batch.objective.rules[role - 1];
    result = EvaluateToken(rule, token.weights, ContextOfToken(batch, token), token.inputs);
    column.Describe(rule, role, token.inputs, result);
  }
  if (in.out.c) in.out.c[t] = result.c;
  if (in.out.h) in.out.h[t] = result.h;
  if (in.out.token_loss) {
    in.out.token_loss[t] = result.policy_loss + result.nll_loss + result.kl_loss + result.entropy_loss;
  }
}

__global__ void __launch_bounds__(kBlockThreads, 2) EvaluateKernel(const __grid_constant__ EvaluateArguments in) {
  static_assert(kDeviceMetricsBlock == kBlockThreads && kBlockThreads == kMetricTokens);
  const int thread = static_cast<int>(threadIdx.x);
  const MetricTable table(SharedMemory());
  const MetricColumn column = table.Column(thread);
  const int64_t t = static_cast<int64_t>(blockIdx.x) * kBlockThreads + thread;
  if (t < in.batch.batch.tokens) {
    EvaluateOne(in, t, column);
  } else {
    column.Ignore(false);
  }
  if (!in.out.metrics) return;
  __syncthreads();
  MetricSum sum(thread);
  sum.Add(table);
  sum.Write(reinterpret_cast<double*>(&in.batch.workspace.partials[blockIdx.x]));
}

// Adds up the blocks' sums, in their order; a thread per field.
__global__ void __launch_bounds__(kBlockThreads)
    SumMetricsKernel(const __grid_constant__ BatchArguments in, const __grid_constant__ int64_t blocks,
                     const __grid_constant__ int64_t sampler_blocks, plait_metrics* metrics) {
  static_assert(kMetricFields <= kBlockThreads);
  const int field = static_cast<int>(threadIdx.x);
  double* total = reinterpret_cast<double*>(SharedMemory());
  if (field < kMetricFields) {
    double value = EmptyMetric(field);
    for (int64_t b = 0; b < blocks; ++b) {
      AddMetric(field, reinterpret_cast<const double*>(&in.workspace.partials[b])[field], &value);
    }
    for (int64_t b = 0; b < sampler_blocks; ++b) {
      AddMetric(field, reinterpret_cast<const double*>(&in.workspace.sampler_partials[b])[field], &value);
    }
    total[field] = value;
  }
  __syncthreads();
  if (field == 0) FinishMetrics(reinterpret_cast<plait_metrics*>(total));
  __syncthreads();
  if (field < kMetricFields) reinterpret_cast<double*>(metrics)[field] = total[field];
}

}  // namespace

plait_status EvaluateBatch(const Placement& at, const BatchArguments& in, const float* logp, const float* entropy,
                           const plait_logits* logits, const ObjectiveOutputs& out) {
  const int64_t blocks = Workspace::DeviceBlocks(in.batch.tokens);
  const EvaluateArguments arguments = {in, logits ? *logits : plait_logits{}, logits != nullptr, logp, entropy, out};
  PLAIT_TRY(Launch(at, "evaluate_tokens", {blocks, kBlockThreads, MetricTable::kBytes}, EvaluateKernel, arguments));
  if (!out.metrics) return PLAIT_OK;
  const int64_t sampler_blocks = in.HasSampler() ? Workspace::SequenceBlocks(in.Sequences()) : 0;
  PLAIT_TRY(SumSampler(at, in));
  return Launch(at, "sum_metrics", {1, kBlockThreads, static_cast<int>(sizeof(plait_metrics))}, SumMetricsKernel, in,
                blocks, sampler_blocks, out.metrics);
}

plait_status TokenObjective(const Placement& at, const ObjectiveArguments& in, const float* logp, const float* entropy,
                            const ObjectiveOutputs& out) {
  const DeviceScope scope(at.device);
  const BatchArguments batch(in);
  PLAIT_TRY(PrepareBatch(at, batch));
  PLAIT_TRY(PrepareSecondPass(at, batch, logp, entropy, nullptr));
  return EvaluateBatch(at, batch, logp, entropy, nullptr, out);
}

}  // namespace plait::cuda
