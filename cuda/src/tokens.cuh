// A token of a prepared batch, as stage two sees it.
#ifndef PLAIT_CUDA_SRC_TOKENS_CUH_
#define PLAIT_CUDA_SRC_TOKENS_CUH_

#include "batch.h"
#include "logits.h"
#include "objective-inl.h"
#include "target.cuh"

namespace plait::cuda {

struct TokenRange {
  int64_t begin;
  int64_t end;
};

// The tokens of a sequence, within the batch whatever the offsets are.
__device__ inline TokenRange RangeOf(const int64_t* offsets, int64_t tokens, int64_t sequence) {
  if (!offsets) return {0, tokens};
  const int64_t begin = offsets[sequence], end = offsets[sequence + 1];
  if (begin < 0 || begin > end || end > tokens) return {0, 0};
  return {begin, end};
}

__device__ inline TokenRange RangeOf(const plait_token_batch& batch, int64_t sequence) {
  return RangeOf(batch.offsets, batch.tokens, sequence);
}

// As given; what is no role counts as ignored.
__device__ inline int GivenRole(const unsigned char* roles, int64_t token) {
  const int role = roles ? roles[token] : static_cast<int>(PLAIT_ROLLOUT);
  return role > PLAIT_HINT ? PLAIT_IGNORED : role;
}

// As prepared: ignored if the sampler correction rejects the token, or its target is bad. `logits` may be null.
__device__ inline int CountedRole(const BatchArguments& in, const plait_logits* logits, int64_t token) {
  const int role = in.workspace.roles[token];
  return logits && IsBadTarget(*logits, TargetOf(*logits, token)) ? PLAIT_IGNORED : role;
}

__device__ inline float AdvantageOf(const BatchArguments& in, int64_t token, int64_t sequence) {
  const plait_token_batch& batch = in.batch;
  return batch.advantages ? batch.advantages[batch.advantage_per_sequence ? sequence : token] : 0;
}

__device__ inline float OldLogp(const BatchArguments& in, int64_t token, float logp) {
  return in.batch.old_logp ? in.batch.old_logp[token] : logp;
}

// All that EvaluateToken takes beside its rule; logp and entropy, and what is theirs where the batch has no other, are
// still to be filled in.
struct Token {
  TokenInputs<float> inputs;
  TermWeights weights;
  int64_t sequence;
  int role;
};

__device__ inline Token LoadToken(const BatchArguments& in, int64_t token) {
  const Workspace& workspace = in.workspace;
  Token result;
  result.role = workspace.roles[token];
  result.sequence = workspace.token_sequences[token];
  result.weights = workspace.weights[kRoles * result.sequence + result.role - 1];
  result.inputs.old_logp = OldLogp(in, token, 0);
  result.inputs.ref_logp = in.batch.ref_logp ? in.batch.ref_logp[token] : 0;
  result.inputs.advantage = AdvantageOf(in, token, result.sequence);
  result.inputs.sampler_weight = workspace.sampler_weights[token];
  result.inputs.dropped = workspace.gates[token] & kGateDropped ? 1 : 0;
  result.inputs.covariance_kl = workspace.gates[token] & kGateCovarianceKl ? 1 : 0;
  return result;
}

__device__ inline void Complete(const BatchArguments& in, float logp, float entropy, TokenInputs<float>* inputs) {
  inputs->logp = logp;
  inputs->entropy = entropy;
  if (!in.batch.old_logp) inputs->old_logp = logp;
  if (!in.batch.ref_logp) inputs->ref_logp = logp;
}

__device__ inline SequenceContext ContextOfToken(const BatchArguments& in, const Token& token) {
  if (!in.second_pass) return TokenContext();
  return ContextOf(in.objective.rules[token.role - 1], in.workspace.sums[kRoles * token.sequence + token.role - 1]);
}

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_TOKENS_CUH_
