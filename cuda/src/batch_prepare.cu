// What stage two knows before any log-prob: the sampler correction's weights and rejections, the tokens' roles and
// sequences, and the weight of every term. A block per sequence, then one block for what the batch has in common.
//
// Bytes: some 20 per token, read and written once or twice; with T = 8192 that is nothing beside a launch.
#include "batch.h"
#include "launch.h"
#include "reduce.cuh"
#include "row_plan.h"
#include "sampler-inl.h"
#include "sampler_filter.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

constexpr int kSums = 4;

__device__ bool IsCorrected(const BatchArguments& in, int64_t token) {
  return GivenRole(in.batch.roles, token) == PLAIT_ROLLOUT;
}

__device__ double OmegaOf(const BatchArguments& in, int64_t token) {
  return ExactLogRatio(in.batch.old_logp[token], in.batch.sampler_logp[token]);
}

// The weight of each corrected token of the sequence, before the filter; of the others 1.
__device__ void WeighTokens(const BatchArguments& in, const TokenRange& range, double* shared) {
  const plait_sampler_correction& correction = in.objective.correction;
  float* weights = in.workspace.sampler_weights;
  float of_sequence = 1;
  if (correction.level == PLAIT_CORRECTION_SEQUENCE_SUM || correction.level == PLAIT_CORRECTION_SEQUENCE_MEAN) {
    double sums[2] = {0, 0};
    for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
      if (!IsCorrected(in, t)) continue;
      sums[0] += OmegaOf(in, t);
      sums[1] += 1;
    }
    BlockSums(sums, shared);
    if (correction.level == PLAIT_CORRECTION_SEQUENCE_MEAN && sums[1] > 0) sums[0] /= sums[1];
    of_sequence = SamplerWeight(correction, static_cast<float>(sums[0]));
  }
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    float weight = IsCorrected(in, t) ? of_sequence : 1;
    if (correction.level == PLAIT_CORRECTION_TOKEN && IsCorrected(in, t)) {
      weight = SamplerWeight(correction, LogRatioOf(in.batch.old_logp[t], in.batch.sampler_logp[t]));
    }
    weights[t] = weight;
  }
}

__device__ void Reject(const BatchArguments& in, int64_t token) {
  if (in.objective.correction.filter_action == PLAIT_FILTER_REJECT) {
    in.workspace.gates[token] = kGateRejected;
  } else {
    in.workspace.sampler_weights[token] = 0;
  }
}

// Each thread touches the tokens that it has weighed itself.
__device__ void Filter(const BatchArguments& in, const TokenRange& range, double* shared) {
  const plait_sampler_correction& correction = in.objective.correction;
  if (correction.filter_level == PLAIT_CORRECTION_NONE) return;
  FilterSums sums = EmptyFilterSums();
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    if (!IsCorrected(in, t)) continue;
    const double statistic = FilterStatistic(correction, in.batch.old_logp[t], in.batch.sampler_logp[t]);
    AddToFilter(statistic, &sums);
    if (correction.filter_level == PLAIT_CORRECTION_TOKEN && !PassesFilter(correction, statistic)) Reject(in, t);
  }
  if (correction.filter_level == PLAIT_CORRECTION_TOKEN) return;
  double totals[2] = {sums.sum, sums.count};
  BlockSums(totals, shared);
  sums = {totals[0], BlockMax(sums.max, shared), totals[1]};
  if (sums.count == 0 || PassesFilter(correction, SequenceStatistic(correction, sums))) return;
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    if (IsCorrected(in, t)) Reject(in, t);
  }
}

__global__ void __launch_bounds__(kBlockThreads, 2) PrepareSequencesKernel(const __grid_constant__ BatchArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  const Workspace& workspace = in.workspace;
  const int64_t sequence = blockIdx.x;
  const TokenRange range = RangeOf(in.batch, sequence);
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    workspace.token_sequences[t] = sequence;
    workspace.gates[t] = 0;
    if (!in.corrects) workspace.sampler_weights[t] = 1;
  }
  if (in.corrects) {
    WeighTokens(in, range, shared);
    Filter(in, range, shared);
  }
  double counts[kSums] = {0, 0, 0, 0};  // by role, 0 unused
  double corrected[2] = {0, 0};
  for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
    const bool rejected = workspace.gates[t] & kGateRejected;
    const int role = rejected ? PLAIT_IGNORED : GivenRole(in.batch.roles, t);
    workspace.roles[t] = static_cast<unsigned char>(role);
    counts[PLAIT_ROLLOUT] += role == PLAIT_ROLLOUT;
    counts[PLAIT_DEMONSTRATION] += role == PLAIT_DEMONSTRATION;
    counts[PLAIT_HINT] += role == PLAIT_HINT;
    if (!IsCorrected(in, t) || rejected) continue;
    corrected[0] += workspace.sampler_weights[t];
    corrected[1] += 1;
  }
  BlockSums(counts, shared);
  BlockSums(corrected, shared);
  if (threadIdx.x != 0) return;
  counts[0] = counts[1] + counts[2] + counts[3];
  for (int p = 0; p < 4; ++p) workspace.counts[sequence].tokens[p] = counts[p];
  workspace.corrected[sequence] = {corrected[0], corrected[1]};
}

// Sums over the sequences, and from them every sequence's weights.
__global__ void __launch_bounds__(kBlockThreads) ResolveBatchKernel(const __grid_constant__ BatchArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  const Workspace& workspace = in.workspace;
  double tokens[4] = {0, 0, 0, 0}, sequences[4] = {0, 0, 0, 0}, corrected[2] = {0, 0};
  for (int64_t i = threadIdx.x; i < in.Sequences(); i += blockDim.x) {
    for (int p = 0; p < 4; ++p) {
      tokens[p] += workspace.counts[i].tokens[p];
      sequences[p] += workspace.counts[i].tokens[p] > 0;
    }
    corrected[0] += workspace.corrected[i].sum;
    corrected[1] += workspace.corrected[i].count;
  }
  BlockSums(tokens, shared);
  BlockSums(sequences, shared);
  BlockSums(corrected, shared);
  plait_normalizers normalizers = in.normalizers;
  ResolveNormalizers(tokens, sequences, &normalizers);
  if (threadIdx.x == 0) workspace.corrected[in.Sequences()] = {corrected[0], corrected[1]};
  for (int64_t i = threadIdx.x; i < in.Sequences(); i += blockDim.x) {
    for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
      workspace.weights[kRoles * i + role - 1] =
          TermWeightsOf(in.objective.rules[role - 1], role, normalizers, workspace.counts[i]);
    }
  }
}

// Divides the weights by their mean over the corrected tokens.
__global__ void __launch_bounds__(kBlockThreads) NormaliseKernel(const __grid_constant__ BatchArguments in) {
  const int64_t t = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const WeightSums sums = in.workspace.corrected[in.Sequences()];
  if (t >= in.batch.tokens || !(sums.sum > 0) || !IsCorrected(in, t)) return;
  float& weight = in.workspace.sampler_weights[t];
  weight = static_cast<float>(weight * sums.count / sums.sum);
}

}  // namespace

BatchArguments::BatchArguments(const ObjectiveArguments& in)
    : batch(in.batch),
      objective(in.objective),
      normalizers(in.normalizers ? *in.normalizers : plait_normalizers{}),
      workspace(in.workspace, in.batch.tokens, in.batch.sequences),
      second_pass(false),
      corrects(UsesSampler(in.objective)) {
  for (const plait_rule& rule : objective.rules) second_pass = second_pass || SecondPassField(rule);
}

plait_status PrepareBatch(const Placement& at, const BatchArguments& in) {
  constexpr int kShared = BlockSumsBytes<kSums>(kBlockThreads);
  // Tokens that wrong offsets leave out stay ignored, and nothing looks up what nothing has written.
  if (in.batch.offsets) PLAIT_TRY(Clear(at, in.workspace.roles, in.batch.tokens));
  PLAIT_TRY(Launch(at, "prepare_sequences", {in.Sequences(), kBlockThreads, kShared}, PrepareSequencesKernel, in));
  PLAIT_TRY(Launch(at, "resolve_batch", {1, kBlockThreads, kShared}, ResolveBatchKernel, in));
  if (!in.corrects || !in.objective.correction.normalise) return PLAIT_OK;
  return Launch(at, "normalise_weights", {Blocks(in.batch.tokens, kBlockThreads), kBlockThreads}, NormaliseKernel, in);
}

}  // namespace plait::cuda
