// What a token's sequence and batch contribute to it, for objectives of two passes: sums over sequences, a block each;
// and the tokens that entropy selection and covariance pick, a block per ranking.
//
// A ranking finds the k largest of distinct 64-bit keys by eight passes over their bytes, with counts in shared memory:
// whole numbers, so that the order in which threads add does not matter. Ties of what is ranked are broken within the
// key, by position.
#include "batch.h"
#include "gates.h"
#include "launch.h"
#include "reduce.cuh"
#include "row_plan.h"
#include "tokens.cuh"

namespace plait::cuda {
namespace {

constexpr int kDigits = 256;
constexpr int kSumFields = sizeof(SequenceSums) / sizeof(double);
// A double per warp and field for sums, or a histogram and what is found in it.
constexpr int kSharedBytes = BlockSumsBytes<kSumFields>(kRankThreads) + (kDigits + 4) * static_cast<int>(sizeof(int));

struct SecondPassArguments {
  BatchArguments batch;
  plait_logits logits;
  bool has_logits;
  const float* logp;
  const float* entropy;  // or null: 0
  int role;              // being ranked

  __device__ int RoleOf(int64_t token) const { return CountedRole(batch, has_logits ? &logits : nullptr, token); }
};

__global__ void __launch_bounds__(kBlockThreads) SumSequencesKernel(const __grid_constant__ SecondPassArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  const int64_t sequence = blockIdx.x;
  const TokenRange range = RangeOf(in.batch.batch, sequence);
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
    const plait_rule& rule = in.batch.objective.rules[role - 1];
    SequenceSums sums = {0, 0, 0, 0, 0, 0};
    for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
      if (in.RoleOf(t) != role) continue;
      AddToSequence(rule, in.logp[t], OldLogp(in.batch, t, in.logp[t]), in.entropy ? in.entropy[t] : 0,
                    AdvantageOf(in.batch, t, sequence), in.batch.workspace.sampler_weights[t], &sums);
    }
    double totals[kSumFields] = {sums.count, sums.log_ratio, sums.bounded, sums.drift, sums.entropy, sums.log_weight};
    BlockSums(totals, shared);
    if (threadIdx.x == 0) {
      in.batch.workspace.sums[kRoles * sequence + role - 1] = {totals[0], totals[1], totals[2],
                                                               totals[3], totals[4], totals[5]};
    }
  }
}

// Orders floats as whole numbers; NaN below all, -0 and 0 alike.
__device__ uint32_t Rank(float x) {
  if (x != x) return 0;
  const uint32_t bits = __float_as_uint(x == 0 ? 0.0f : x);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// A key for `x`, of which the token at `position` in the ranking has one to itself: earlier ones rank higher.
__device__ uint64_t KeyOf(float x, int64_t position) {
  return static_cast<uint64_t>(Rank(x)) << 32 | (0xFFFFFFFFu - static_cast<uint32_t>(position));
}

// The least of the `k` largest keys, 1 <= k <= the number of keys. visit(body) calls body(key) for this thread's keys.
template <class Visit>
__device__ uint64_t LeastOfLargest(int64_t k, double* shared, const Visit& visit) {
  unsigned* counts = reinterpret_cast<unsigned*>(shared);
  uint64_t* found = reinterpret_cast<uint64_t*>(counts + kDigits);
  uint64_t prefix = 0, mask = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    for (int i = threadIdx.x; i < kDigits; i += blockDim.x) counts[i] = 0;
    __syncthreads();
    visit([&](uint64_t key) {
      if ((key & mask) == prefix) atomicAdd(&counts[key >> shift & (kDigits - 1)], 1u);
    });
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = kDigits - 1;
      while (digit > 0 && k > counts[digit]) k -= counts[digit--];
      found[0] = static_cast<uint64_t>(digit) << shift;
      found[1] = static_cast<uint64_t>(k);
    }
    __syncthreads();
    prefix |= found[0];
    k = static_cast<int64_t>(found[1]);
    mask |= static_cast<uint64_t>(kDigits - 1) << shift;
    __syncthreads();  // before the counts are cleared
  }
  return prefix;
}

// Drops all but the tokens of highest entropy, in each block's range: a sequence, or the batch.
__global__ void __launch_bounds__(kRankThreads, 1)
    SelectByEntropyKernel(const __grid_constant__ SecondPassArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  const plait_entropy_selection& selection = in.batch.objective.rules[in.role - 1].selection;
  const TokenRange range = selection.scope == PLAIT_SCOPE_SEQUENCE ? RangeOf(in.batch.batch, blockIdx.x)
                                                                   : TokenRange{0, in.batch.batch.tokens};
  const auto visit = [&](const auto& body) {
    for (int64_t t = range.begin + threadIdx.x; t < range.end; t += blockDim.x) {
      if (in.RoleOf(t) == in.role) body(t, KeyOf(in.entropy[t], t - range.begin));
    }
  };
  double counted[1] = {0};
  visit([&](int64_t, uint64_t) { counted[0] += 1; });
  BlockSums(counted, shared);
  const int64_t count = static_cast<int64_t>(counted[0]);
  const int64_t kept = KeptCount(count, selection.drop);
  if (kept == count) return;
  uint64_t least = ~uint64_t{0};  // above every key: a position of 0 would be the last of 2^32
  if (kept > 0) {
    least = LeastOfLargest(kept, shared, [&](const auto& body) { visit([&](int64_t, uint64_t key) { body(key); }); });
  }
  visit([&](int64_t t, uint64_t key) {
    if (key < least || kept == 0) in.batch.workspace.gates[t] |= kGateDropped;
  });
}

// Finds the tokens that the covariance rule treats apart. One block.
__global__ void __launch_bounds__(kRankThreads, 1)
    GateByCovarianceKernel(const __grid_constant__ SecondPassArguments in) {
  double* shared = reinterpret_cast<double*>(SharedMemory());
  const BatchArguments& batch = in.batch;
  const Workspace& workspace = batch.workspace;
  const plait_rule& rule = batch.objective.rules[in.role - 1];
  const bool clip = rule.covariance.kind == PLAIT_COVARIANCE_CLIP;
  const auto advantage_of = [&](int64_t t) { return AdvantageOf(batch, t, workspace.token_sequences[t]); };
  double sums[3] = {0, 0, 0};
  for (int64_t t = threadIdx.x; t < batch.batch.tokens; t += blockDim.x) {
    if (in.RoleOf(t) != in.role) continue;
    sums[0] += 1;
    sums[1] += advantage_of(t);
    sums[2] += in.logp[t];
  }
  BlockSums(sums, shared);
  const double n = sums[0], mean_advantage = sums[1] / n, mean_logp = sums[2] / n;
  // The ordinal of each candidate among the role's tokens, -1 for the rest. Ordinals, unlike positions, are the same in
  // a padded and in a packed batch.
  int64_t before = 0;
  double candidates[1] = {0};
  for (int64_t base = 0; base < batch.batch.tokens; base += blockDim.x) {
    const int64_t t = base + threadIdx.x;
    const bool counted = t < batch.batch.tokens && in.RoleOf(t) == in.role;
    int total = 0;
    const int64_t ordinal = before + BlockRank(counted, &total, shared);
    before += total;
    if (t >= batch.batch.tokens) continue;
    bool candidate = counted;
    if (counted) {
      const float covariance = CovarianceOf(advantage_of(t), mean_advantage, in.logp[t], mean_logp);
      workspace.keys[t] = covariance;
      const float old_logp = OldLogp(batch, t, in.logp[t]);
      candidate = !clip || IsClipCandidate(rule, covariance, in.logp[t], old_logp, advantage_of(t));
    }
    workspace.order[t] = candidate ? ordinal : -1;
    candidates[0] += candidate;
  }
  BlockSums(candidates, shared);
  const int64_t limit = CovarianceLimit(rule.covariance, n);
  const int64_t chosen = candidates[0] < limit ? static_cast<int64_t>(candidates[0]) : limit;
  if (chosen == 0) return;
  // Each thread reads what it has written itself. The hash is a bijection, so no two tokens tie.
  const auto visit = [&](const auto& body) {
    for (int64_t t = threadIdx.x; t < batch.batch.tokens; t += blockDim.x) {
      const int64_t ordinal = workspace.order[t];
      if (ordinal < 0) continue;
      body(t, clip ? ~CovarianceHash(rule.covariance.seed, ordinal) : KeyOf(workspace.keys[t], ordinal));
    }
  };
  const uint64_t least =
      LeastOfLargest(chosen, shared, [&](const auto& body) { visit([&](int64_t, uint64_t key) { body(key); }); });
  visit([&](int64_t t, uint64_t key) {
    if (key >= least) workspace.gates[t] |= clip ? kGateDropped : kGateCovarianceKl;
  });
}

}  // namespace

plait_status PrepareSecondPass(const Placement& at, const BatchArguments& in, const float* logp, const float* entropy,
                               const plait_logits* logits) {
  if (!in.second_pass) return PLAIT_OK;
  SecondPassArguments arguments = {in, logits ? *logits : plait_logits{}, logits != nullptr, logp, entropy, 0};
  PLAIT_TRY(Launch(at, "sum_sequences", {in.Sequences(), kBlockThreads, kSharedBytes}, SumSequencesKernel, arguments));
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
    const plait_rule& rule = in.objective.rules[role - 1];
    if (!HasPolicy(rule)) continue;
    arguments.role = role;
    if (rule.selection.scope != PLAIT_SCOPE_NONE) {
      const int64_t blocks = rule.selection.scope == PLAIT_SCOPE_SEQUENCE ? in.Sequences() : 1;
      PLAIT_TRY(
          Launch(at, "select_by_entropy", {blocks, kRankThreads, kSharedBytes}, SelectByEntropyKernel, arguments));
    }
    if (rule.covariance.kind != PLAIT_COVARIANCE_NONE) {
      PLAIT_TRY(Launch(at, "gate_by_covariance", {1, kRankThreads, kSharedBytes}, GateByCovarianceKernel, arguments));
    }
  }
  return PLAIT_OK;
}

}  // namespace plait::cuda
