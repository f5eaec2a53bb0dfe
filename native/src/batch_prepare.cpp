// What a token's sequence and batch contribute to it: sums over sequences, entropy selection, covariance.
#include <algorithm>
#include <cmath>

#include "batch.h"
#include "cpu.h"

namespace plait {
namespace {

// Decorrelates a seed and an ordinal (SplitMix64). A bijection of the ordinal, so that no two tokens tie.
uint64_t Hash(uint64_t seed, uint64_t ordinal) {
  uint64_t x = (seed << 32 ^ ordinal) + 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

}  // namespace

bool BatchEvaluator::IsCounted(int64_t token, int role, const plait_logits* logits) const {
  return Role(token) == role && !(logits && cpu::IsBadTarget(*logits, cpu::TargetOf(*logits, token)));
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
      const plait_rule& rule = in_.objective.rules[role - 1];
      const float old_logp = OldLogp(t, logp[t]);
      const float log_ratio = TokenLogRatio(rule, logp[t], old_logp);
      SequenceSums& sum = sums[role - 1];
      sum.count += 1;
      sum.log_ratio += rule.behaviour == PLAIT_BEHAVIOUR_CERTAIN ? logp[t] : ExactLogRatio(logp[t], old_logp);
      sum.bounded += BoundedLogRatio(rule, log_ratio, AdvantageOf(t, i));
      sum.drift -= ExactLogRatio(logp[t], old_logp);
      sum.entropy += entropy ? entropy[t] : 0;
      if (rule.sampler_correction)
        sum.log_weight += std::log(std::max(1e-8, static_cast<double>(workspace_.sampler_weights[t])));
    }
  }
}

// Gates all but the highest of the first `count` tokens of workspace_.order.
void BatchEvaluator::DropLowest(int64_t count, const float* entropy, float drop) {
  // In float32, as drop itself is: 0.7f * 10 is 7 there, and below it in float64.
  const int64_t dropped = static_cast<int64_t>(std::floor(static_cast<float>(count) * drop));
  int64_t* order = workspace_.order;
  // By falling entropy, then by position. NaN comes last: it must not be learned from in place of a number.
  const auto before = [entropy](int64_t a, int64_t b) {
    const bool nan_a = entropy[a] != entropy[a], nan_b = entropy[b] != entropy[b];
    if (nan_a != nan_b) return nan_b;
    if (!nan_a && entropy[a] != entropy[b]) return entropy[a] > entropy[b];
    return a < b;
  };
  const int64_t kept = count - dropped;
  if (kept < count) std::nth_element(order, order + kept, order + count, before);
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
    const float covariance = static_cast<float>((advantage - advantage_sum / n) * (logp[t] - logp_sum / n));
    workspace_.keys[ordinal] = covariance;
    if (clip) {
      TokenResult<float> token;
      token.ratio = Exp(LogRatio(logp[t], OldLogp(t, logp[t])));
      ClippedPolicy(rule, advantage, &token);
      if (token.clipped_low + token.clipped_high > 0) return;
      if (!(covariance > rule.covariance.low && covariance < rule.covariance.high)) return;
    }
    workspace_.order[candidates++] = ordinal;
  });
  const int64_t limit = std::max<int64_t>(1, static_cast<int64_t>(std::floor(rule.covariance.fraction * n)));
  const int64_t chosen = std::min(candidates, limit);
  int64_t* order = workspace_.order;
  if (chosen < candidates) {
    const float* keys = workspace_.keys;
    const uint64_t seed = rule.covariance.seed;
    std::nth_element(order, order + chosen, order + candidates, [clip, keys, seed](int64_t a, int64_t b) {
      if (clip) return Hash(seed, static_cast<uint64_t>(a)) < Hash(seed, static_cast<uint64_t>(b));
      return keys[a] != keys[b] ? keys[a] > keys[b] : a < b;
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
