#include "batch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "checks.h"
#include "cpu.h"
#include "kernels.h"
#include "metrics.h"
#include "parallel.h"
#include "runs.h"
#include "sampler_correction.h"
#include "term_weights.h"

namespace plait {
namespace {

TokenCounts CountTokens(const BatchEvaluator& batch, int64_t begin, int64_t end) {
  int64_t by_role[4] = {0, 0, 0, 0};
  VisitRoles(batch.roles(), begin, end, PLAIT_IGNORED,
             [&](int64_t first, int64_t last, int role) { by_role[role] += last - first; });
  TokenCounts counts;
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) counts.tokens[role] = static_cast<double>(by_role[role]);
  counts.tokens[0] = static_cast<double>(by_role[1] + by_role[2] + by_role[3]);
  return counts;
}

TokenCounts CountSequence(const BatchEvaluator& evaluator, const plait_token_batch& batch, int64_t sequence) {
  return batch.offsets ? CountTokens(evaluator, batch.offsets[sequence], batch.offsets[sequence + 1])
                       : CountTokens(evaluator, 0, batch.tokens);
}

// Where the caller gave no count, the batch's own.
plait_normalizers Resolve(const BatchEvaluator& evaluator, const ObjectiveArguments& in) {
  plait_normalizers result = in.normalizers ? *in.normalizers : plait_normalizers{};
  double tokens[4] = {0, 0, 0, 0};
  double sequences[4] = {0, 0, 0, 0};
  for (int64_t i = 0; i < SequenceCount(in.batch); ++i) {
    const TokenCounts counts = CountSequence(evaluator, in.batch, i);
    for (int p = 0; p < 4; ++p) {
      tokens[p] += counts.tokens[p];
      sequences[p] += counts.tokens[p] > 0;
    }
  }
  ResolveNormalizers(tokens, sequences, &result);
  return result;
}

}  // namespace

const char* SecondPass(const plait_objective& objective) {
  thread_local char name[64];
  static const char* const kRoleNames[kRoles] = {"rollout", "demonstration", "hint"};
  for (int role = 0; role < kRoles; ++role) {
    const char* field = SecondPassField(objective.rules[role]);
    if (!field) continue;
    std::snprintf(name, sizeof(name), "%s.%s", kRoleNames[role], field);
    return name;
  }
  return "";
}

BatchEvaluator::BatchEvaluator(const ObjectiveArguments& in)
    : in_(in),
      workspace_(in.workspace, in.batch.tokens, in.batch.sequences),
      second_pass_(*SecondPass(in.objective) != '\0') {
  CorrectForSampler(in, &workspace_);
  FillRoles();
  FillWeights();
}

void BatchEvaluator::FillRoles() {
  const int64_t tokens = in_.batch.tokens;
  if (in_.batch.roles) {
    std::copy(in_.batch.roles, in_.batch.roles + tokens, workspace_.roles);
  } else {
    std::fill(workspace_.roles, workspace_.roles + tokens, static_cast<unsigned char>(PLAIT_ROLLOUT));
  }
  if (!UsesSampler(in_.objective)) return;
  for (int64_t t = 0; t < tokens; ++t) {
    if (workspace_.gates[t] & kGateRejected) workspace_.roles[t] = PLAIT_IGNORED;
  }
}

void BatchEvaluator::FillWeights() {
  const plait_normalizers normalizers = Resolve(*this, in_);
  for (int64_t i = 0; i < SequenceCount(in_.batch); ++i) {
    const TokenCounts counts = CountSequence(*this, in_.batch, i);
    for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
      const plait_rule& rule = in_.objective.rules[role - 1];
      workspace_.weights[kRoles * i + role - 1] = TermWeightsOf(rule, role, normalizers, counts);
    }
  }
}

int64_t BatchEvaluator::SequenceOf(int64_t token, int64_t hint) const {
  const int64_t* offsets = in_.batch.offsets;
  if (!offsets) return 0;
  if (offsets[hint] <= token && token < offsets[hint + 1]) return hint;
  return std::upper_bound(offsets, offsets + in_.batch.sequences + 1, token) - offsets - 1;
}

float BatchEvaluator::AdvantageOf(int64_t token, int64_t sequence) const {
  const plait_token_batch& batch = in_.batch;
  return batch.advantages ? batch.advantages[batch.advantage_per_sequence ? sequence : token] : 0;
}

SequenceContext BatchEvaluator::ContextOf(int role, int64_t sequence) const {
  if (!second_pass_) return TokenContext();
  return plait::ContextOf(in_.objective.rules[role - 1], workspace_.sums[kRoles * sequence + role - 1]);
}

TokenResult<float> BatchEvaluator::Evaluate(int64_t token, int64_t sequence, float logp, float entropy) const {
  const plait_token_batch& batch = in_.batch;
  const int role = Role(token);
  TokenInputs<float> in;
  in.logp = logp;
  in.entropy = entropy;
  in.old_logp = OldLogp(token, logp);
  in.ref_logp = batch.ref_logp ? batch.ref_logp[token] : logp;
  in.advantage = AdvantageOf(token, sequence);
  in.sampler_weight = workspace_.sampler_weights[token];
  in.dropped = workspace_.gates[token] & kGateDropped ? 1 : 0;
  in.covariance_kl = workspace_.gates[token] & kGateCovarianceKl ? 1 : 0;
  return EvaluateToken(in_.objective.rules[role - 1], workspace_.weights[kRoles * sequence + role - 1],
                       ContextOf(role, sequence), in);
}

int64_t BatchEvaluator::EndOfRun(int64_t begin, int64_t end, int64_t sequence, const plait_logits* logits) const {
  const int role = Role(begin);
  if (in_.batch.offsets) end = std::min(end, in_.batch.offsets[sequence + 1]);
  end = EndOfRole(workspace_.roles, begin, end);
  if (!logits) return end;
  int64_t t = begin + 1;
  while (t < end && IsCounted(t, role, logits)) ++t;
  return t;
}

TokenRun BatchEvaluator::RunOf(int64_t begin, int64_t end, int64_t sequence, const float* logp, const float* entropy,
                               const ObjectiveOutputs& out) const {
  const plait_token_batch& batch = in_.batch;
  const auto from = [begin](auto* array) { return array ? array + begin : array; };
  TokenRun run;
  run.role = Role(begin);
  run.rule = &in_.objective.rules[run.role - 1];
  run.weights = workspace_.weights[kRoles * sequence + run.role - 1];
  run.context = ContextOf(run.role, sequence);
  run.count = end - begin;
  run.logp = logp + begin;
  run.entropy = from(entropy);
  run.old_logp = from(batch.old_logp);
  run.ref_logp = from(batch.ref_logp);
  run.advantages = batch.advantage_per_sequence ? nullptr : from(batch.advantages);
  run.advantage = batch.advantage_per_sequence ? AdvantageOf(begin, sequence) : 0;
  run.sampler_weights = workspace_.sampler_weights + begin;
  run.gates = workspace_.gates + begin;
  run.c = from(out.c);
  run.h = from(out.h);
  run.token_loss = from(out.token_loss);
  return run;
}

plait_metrics BatchEvaluator::EvaluateBlock(int64_t begin, int64_t end, const float* logp, const float* entropy,
                                            const plait_logits* logits, const ObjectiveOutputs& out) const {
  const EvaluateRunFunction evaluate_run = ActiveKernels().evaluate_run;
  plait_metrics sums = EmptyMetrics();
  int64_t sequence = 0;
  for (int64_t t = begin; t < end;) {
    const int role = Role(t);
    if (role == PLAIT_IGNORED || !IsCounted(t, role, logits)) {
      sums.bad_targets += role != PLAIT_IGNORED;
      if (out.c) out.c[t] = 0;
      if (out.h) out.h[t] = 0;
      if (out.token_loss) out.token_loss[t] = 0;
      ++t;
      continue;
    }
    sequence = SequenceOf(t, sequence);
    const int64_t last = EndOfRun(t, end, sequence, logits);
    evaluate_run(RunOf(t, last, sequence, logp, entropy, out), &sums);
    t = last;
  }
  return sums;
}

void BatchEvaluator::EvaluateAll(const float* logp, const float* entropy, const plait_logits* logits,
                                 const ObjectiveOutputs& out) {
  const int64_t blocks = Workspace::Blocks(in_.batch.tokens);
  constexpr int64_t kTokenCost = 64;  // in bytes of row work, about what evaluating a token takes
  ParallelFor(blocks, kMetricsBlock * kTokenCost, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t last = std::min(in_.batch.tokens, (b + 1) * kMetricsBlock);
      workspace_.partials[b] = EvaluateBlock(b * kMetricsBlock, last, logp, entropy, logits, out);
    }
  });
  if (!out.metrics) return;
  plait_metrics total = EmptyMetrics();
  for (int64_t b = 0; b < blocks; ++b) AddMetrics(workspace_.partials[b], &total);
  AddSamplerMetrics(in_, workspace_, &total);
  FinishMetrics(&total);
  *out.metrics = total;
}

plait_status CheckBatchValues(const plait_token_batch& batch) {
  PLAIT_TRY(CheckOffsetValues(batch.offsets, batch.sequences, batch.tokens));
  return CheckRoleValues(batch.roles, batch.tokens);
}

}  // namespace plait
