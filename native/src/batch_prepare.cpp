// What a token's sequence and batch contribute to it: sums over sequences, entropy selection, covariance.
#include <algorithm>
#include <cmath>

#include "batch.h"
#include "cpu.h"
#include "gates.h"

namespace plait {
namespace {

// By falling value, then by index. NaN comes last: it must not be picked in place of a number.
struct Higher {
  const float* values;

  bool operator()(int64_t a, int64_t b) const {
    const bool nan_a = values[a] != values[a], nan_b = values[b] != values[b];
    if (nan_a != nan_b) return nan_b;
    if (!nan_a && values[a] != values[b]) return values[a] > values[b];
    return a < b;
  }
};

}  // namespace

bool BatchEvaluator::IsCounted(int64_t token, int role, const plait_logits* logits) const {
  return Role(token) == role && !(logits && IsBadTarget(*logits, TargetOf(*logits, token)));
}

void BatchEvaluator::Prepare(const float* logp, const float* entropy, const plait_logits* logits) {
  if (!second_pass_) return;
  SumSequences(logp, entropy, logits);
  for (int role = PLAIT_ROLLOUT; role <= PLAIT_HINT; ++role) {
    const plait_rule& rule = in_.objective.rules[role - 1];
    if (!HasPolicy(rule)) continue;
    if (rule.selection.scope != PLAIT_SCOPE_NONE) SelectByEntropy(role, entropy, logits);
    if (rule.covariance.kind != PLAIT_COVARIANCE_NONE) GateByCovariance(role, logp, logits);
  }
}

void BatchEvaluator::SumSequences(const float* logp, const float* entropy, const plait_logits* logits) {
  const plait_token_batch& batch = in_.batch;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    SequenceSums* sums = workspace_.sums + kRoles * i;
    for (int role = 0; role < kRoles; ++role) sums[role] = {};
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    for (int64_t t = begin; t < end; ++t) {
      const int role = Role(t);
      if (role == PLAIT_IGNORED || !IsCounted(t, role, logits)) continue;
      AddToSequence(in_.objective.rules[role - 1], logp[t], OldLogp(t, logp[t]), entropy ? entropy[t] : 0,
                    AdvantageOf(t, i), workspace_.sampler_weights[t], &sums[role - 1]);
    }
  }
}

// Gates all but the highest of the first `count` tokens of workspace_.order.
void BatchEvaluator::DropLowest(int64_t count, const float* entropy, float drop) {
  int64_t* order = workspace_.order;
  const int64_t kept = KeptCount(count, drop);
  if (kept < count) std::nth_element(order, order + kept, order + count, Higher{entropy});
  for (int64_t i = kept; i < count; ++i) workspace_.gates[order[i]] |= kGateDropped;
}

void BatchEvaluator::SelectByEntropy(int role, const float* entropy, const plait_logits* logits) {
  const plait_token_batch& batch = in_.batch;
  const plait_entropy_selection& selection = in_.objective.rules[role - 1].selection;
  int64_t count = 0;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    for (int64_t t = begin; t < end; ++t) {
      if (IsCounted(t, role, logits)) workspace_.order[count++] = t;
    }
    if (selection.scope == PLAIT_SCOPE_SEQUENCE) {
      DropLowest(count, entropy, selection.drop);
      count = 0;
    }
  }
  if (selection.scope == PLAIT_SCOPE_BATCH) DropLowest(count, entropy, selection.drop);
}

void BatchEvaluator::GateByCovariance(int role, const float* logp, const plait_logits* logits) {
  const plait_token_batch& batch = in_.batch;
  const plait_rule& rule = in_.objective.rules[role - 1];
  double n = 0, advantage_sum = 0, logp_sum = 0;
  // Ordinals count the role's tokens: unlike positions, they are the same in a padded and in a packed batch.
  const auto visit = [&](const auto& body) {
    int64_t sequence = 0, ordinal = 0;
    for (int64_t t = 0; t < batch.tokens; ++t) {
      if (!IsCounted(t, role, logits)) continue;
      sequence = SequenceOf(t, sequence);
      body(t, ordinal++, AdvantageOf(t, sequence));
    }
  };
  visit([&](int64_t t, int64_t, float advantage) {
    n += 1;
    advantage_sum += advantage;
    logp_sum += logp[t];
  });
  const bool clip = rule.covariance.kind == PLAIT_COVARIANCE_CLIP;
  int64_t candidates = 0;
  visit([&](int64_t t, int64_t ordinal, float advantage) {
    const float covariance = CovarianceOf(advantage, advantage_sum / n, logp[t], logp_sum / n);
    workspace_.keys[ordinal] = covariance;
    if (clip && !IsClipCandidate(rule, covariance, logp[t], OldLogp(t, logp[t]), advantage)) return;
    workspace_.order[candidates++] = ordinal;
  });
  const int64_t chosen = std::min(candidates, CovarianceLimit(rule.covariance, n));
  int64_t* order = workspace_.order;
  if (chosen < candidates) {
    const Higher higher = {workspace_.keys};
    const uint64_t seed = rule.covariance.seed;
    std::nth_element(order, order + chosen, order + candidates, [clip, higher, seed](int64_t a, int64_t b) {
      return clip ? CovarianceHash(seed, a) < CovarianceHash(seed, b) : higher(a, b);
    });
  }
  std::sort(order, order + chosen);
  int64_t next = 0;
  visit([&](int64_t t, int64_t ordinal, float) {
    if (next == chosen || order[next] != ordinal) return;
    workspace_.gates[t] |= clip ? kGateDropped : kGateCovarianceKl;
    ++next;
  });
}

}  // namespace plait
