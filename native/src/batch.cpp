#include "batch.h"

#include <algorithm>
#include <cmath>

#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait {
namespace {

int64_t WeightsBytes(int64_t sequences) { return std::max<int64_t>(sequences, 1) * 3 * sizeof(TermWeights); }

int64_t BlockCount(int64_t tokens) { return (tokens + kMetricsBlock - 1) / kMetricsBlock; }

// Tokens per population of one sequence, or of the batch: index 0 counts all that are not ignored.
struct Counts {
  double tokens[4] = {0, 0, 0, 0};
};

Counts CountTokens(const plait_token_batch& batch, int64_t begin, int64_t end) {
  int64_t by_role[4] = {0, 0, 0, 0};
  if (batch.roles) {
    for (int64_t t = begin; t < end; ++t) ++by_role[batch.roles[t]];
  } else {
    by_role[PLAIT_ROLLOUT] = end - begin;
  }
  Counts counts;
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) counts.tokens[role] = static_cast<double>(by_role[role]);
  counts.tokens[0] = static_cast<double>(by_role[1] + by_role[2] + by_role[3]);
  return counts;
}

Counts CountSequence(const plait_token_batch& batch, int64_t sequence) {
  return batch.offsets ? CountTokens(batch, batch.offsets[sequence], batch.offsets[sequence + 1])
                       : CountTokens(batch, 0, batch.tokens);
}

// Where the caller gave no count, the batch's own.
plait_normalizers Resolve(const ObjectiveArguments& in) {
  plait_normalizers result = in.normalizers ? *in.normalizers : plait_normalizers{};
  double tokens[4] = {0, 0, 0, 0};
  double sequences[4] = {0, 0, 0, 0};
  for (int64_t i = 0; i < SequenceCount(in.batch); ++i) {
    const Counts counts = CountSequence(in.batch, i);
    for (int p = 0; p < 4; ++p) {
      tokens[p] += counts.tokens[p];
      sequences[p] += counts.tokens[p] > 0;
    }
  }
  for (int p = 0; p < 4; ++p) {
    if (result.tokens[p] == 0) result.tokens[p] = tokens[p];
    if (result.sequences[p] == 0) result.sequences[p] = sequences[p];
  }
  return result;
}

float TermWeight(const plait_term& term, int role, const plait_normalizers& normalizers, const Counts& sequence) {
  if (term.coefficient == 0) return 0;
  const int population = term.population == PLAIT_OWN_ROLE ? role : 0;
  double divisor = 1;
  switch (term.aggregation) {
    case PLAIT_TOKEN_MEAN:
      divisor = normalizers.tokens[population];
      break;
    case PLAIT_SEQ_MEAN_TOKEN_MEAN:
      divisor = normalizers.sequences[population] * sequence.tokens[population];
      break;
    case PLAIT_SEQ_MEAN_TOKEN_SUM:
      divisor = normalizers.sequences[population];
      break;
    case PLAIT_CONSTANT_LENGTH:
      divisor = normalizers.length;
      break;
    default:
      divisor = normalizers.sequences[population] * normalizers.length;
      break;
  }
  return divisor > 0 ? static_cast<float>(term.coefficient / divisor) : 0;  // 0: no token has this weight
}

void AddToken(const TokenResult& token, int role, float logp, float entropy, plait_metrics* sums) {
  sums->tokens[0] += 1;
  sums->tokens[role] += 1;
  sums->policy_loss += token.policy_loss;
  sums->nll_loss += token.nll_loss;
  sums->kl_loss += token.kl_loss;
  sums->entropy_loss += token.entropy_loss;
  sums->loss_magnitude += std::fabs(static_cast<double>(token.policy_loss)) + std::fabs(token.nll_loss) +
                          std::fabs(token.kl_loss) + std::fabs(token.entropy_loss);
  sums->logp_sum += logp;
  sums->entropy_sum += entropy;
  if (token.flags & kHasPolicy) {
    sums->policy_tokens += 1;
    sums->ratio_sum += token.ratio;
    if (!(token.ratio <= sums->ratio_max)) sums->ratio_max = token.ratio;
    sums->clip_low_count += (token.flags & kClippedLow) != 0;
    sums->clip_high_count += (token.flags & kClippedHigh) != 0;
    sums->dual_clip_count += (token.flags & kDualClipped) != 0;
    sums->approx_kl_k1_sum -= token.log_ratio;
    const double log_ratio = token.log_ratio;
    sums->approx_kl_k3_sum += std::expm1(log_ratio) - log_ratio;
  }
  if (token.flags & kHasKl) {
    sums->reference_kl_tokens += 1;
    sums->reference_kl_sum += token.kl;
  }
}

void AddMetrics(const plait_metrics& part, plait_metrics* total) {
  total->policy_loss += part.policy_loss;
  total->nll_loss += part.nll_loss;
  total->kl_loss += part.kl_loss;
  total->entropy_loss += part.entropy_loss;
  total->loss_magnitude += part.loss_magnitude;
  for (int i = 0; i < 4; ++i) total->tokens[i] += part.tokens[i];
  total->policy_tokens += part.policy_tokens;
  total->ratio_sum += part.ratio_sum;
  if (!(part.ratio_max <= total->ratio_max)) total->ratio_max = part.ratio_max;
  total->clip_low_count += part.clip_low_count;
  total->clip_high_count += part.clip_high_count;
  total->dual_clip_count += part.dual_clip_count;
  total->approx_kl_k1_sum += part.approx_kl_k1_sum;
  total->approx_kl_k3_sum += part.approx_kl_k3_sum;
  total->reference_kl_sum += part.reference_kl_sum;
  total->reference_kl_tokens += part.reference_kl_tokens;
  total->entropy_sum += part.entropy_sum;
  total->logp_sum += part.logp_sum;
  total->bad_targets += part.bad_targets;
}

plait_metrics EmptyMetrics() {
  plait_metrics metrics = {};
  metrics.ratio_max = -INFINITY;
  return metrics;
}

}  // namespace

int64_t ObjectiveWorkspaceBytes(int64_t tokens, int64_t sequences) {
  return WeightsBytes(sequences) + BlockCount(tokens) * static_cast<int64_t>(sizeof(plait_metrics));
}

BatchEvaluator::BatchEvaluator(const ObjectiveArguments& in)
    : in_(in),
      weights_(static_cast<TermWeights*>(in.workspace)),
      partials_(reinterpret_cast<plait_metrics*>(static_cast<char*>(in.workspace) + WeightsBytes(in.batch.sequences))) {
  FillWeights();
}

void BatchEvaluator::FillWeights() {
  const plait_normalizers normalizers = Resolve(in_);
  for (int64_t i = 0; i < SequenceCount(in_.batch); ++i) {
    const Counts counts = CountSequence(in_.batch, i);
    for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
      const plait_rule& rule = in_.objective.rules[role - 1];
      weights_[3 * i + role - 1] = {
          TermWeight(rule.policy, role, normalizers, counts), TermWeight(rule.nll, role, normalizers, counts),
          TermWeight(rule.kl, role, normalizers, counts), TermWeight(rule.entropy, role, normalizers, counts)};
    }
  }
}

int64_t BatchEvaluator::SequenceOf(int64_t token, int64_t hint) const {
  const int64_t* offsets = in_.batch.offsets;
  if (!offsets) return 0;
  if (offsets[hint] <= token && token < offsets[hint + 1]) return hint;
  return std::upper_bound(offsets, offsets + in_.batch.sequences + 1, token) - offsets - 1;
}

TokenResult BatchEvaluator::Evaluate(int64_t token, int64_t sequence, float logp, float entropy) const {
  const plait_token_batch& batch = in_.batch;
  const int rule = Role(token) - 1;
  TokenInputs in;
  in.logp = logp;
  in.entropy = entropy;
  in.old_logp = batch.old_logp ? batch.old_logp[token] : logp;
  in.ref_logp = batch.ref_logp ? batch.ref_logp[token] : logp;
  in.advantage = batch.advantages ? batch.advantages[batch.advantage_per_sequence ? sequence : token] : 0;
  return EvaluateToken(in_.objective.rules[rule], weights_[3 * sequence + rule], in);
}

plait_metrics BatchEvaluator::EvaluateBlock(int64_t begin, int64_t end, const float* logp, const float* entropy,
                                            const plait_logits* logits, const ObjectiveOutputs& out) const {
  plait_metrics sums = EmptyMetrics();
  int64_t sequence = 0;
  for (int64_t t = begin; t < end; ++t) {
    TokenResult token;
    const int role = Role(t);
    const bool ignored = role == PLAIT_IGNORED;
    const bool bad = !ignored && logits && cpu::IsBadTarget(*logits, cpu::TargetOf(*logits, t));
    sums.bad_targets += bad;
    float loss = 0;
    if (!ignored && !bad) {
      sequence = SequenceOf(t, sequence);
      token = Evaluate(t, sequence, logp[t], entropy ? entropy[t] : 0);
      loss = token.policy_loss + token.nll_loss + token.kl_loss + token.entropy_loss;
      AddToken(token, role, logp[t], entropy ? entropy[t] : 0, &sums);
    }
    if (out.c) out.c[t] = token.c;
    if (out.h) out.h[t] = token.h;
    if (out.token_loss) out.token_loss[t] = loss;
  }
  return sums;
}

void BatchEvaluator::EvaluateAll(const float* logp, const float* entropy, const plait_logits* logits,
                                 const ObjectiveOutputs& out) {
  const int64_t blocks = BlockCount(in_.batch.tokens);
  constexpr int64_t kTokenCost = 512;  // in bytes of row work, about what evaluating a token takes
  ParallelFor(blocks, kMetricsBlock * kTokenCost, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t last = std::min(in_.batch.tokens, (b + 1) * kMetricsBlock);
      partials_[b] = EvaluateBlock(b * kMetricsBlock, last, logp, entropy, logits, out);
    }
  });
  if (!out.metrics) return;
  plait_metrics total = EmptyMetrics();
  for (int64_t b = 0; b < blocks; ++b) AddMetrics(partials_[b], &total);
  total.loss = total.policy_loss + total.nll_loss + total.kl_loss + total.entropy_loss;
  *out.metrics = total;
}

plait_status CheckBatchValues(const plait_token_batch& batch) {
  PLAIT_TRY(CheckOffsetValues(batch.offsets, batch.sequences, batch.tokens));
  return CheckRoleValues(batch.roles, batch.tokens);
}

}  // namespace plait
