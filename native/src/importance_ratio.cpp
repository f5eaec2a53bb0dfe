// importance_ratio: ratios of tokens or of sequences, and where they leave the clip range.
#include <cmath>

#include "checks.h"
#include "cpu.h"
#include "objective.h"
#include "ratio-inl.h"
#include "runs.h"

namespace plait::cpu {
namespace {

using Ratio = FlaggedRatio<float>;

bool Ignored(const RatioArguments& in, int64_t token) { return in.roles && in.roles[token] == PLAIT_IGNORED; }

void WriteToken(int64_t token, const Ratio& ratio, const RatioOutputs& out) {
  if (out.ratio) out.ratio[token] = ratio.value;
  if (out.flags) out.flags[token] = static_cast<uint8_t>(ratio.flags);
}

void WriteSequence(const RatioArguments& in, int64_t sequence, int64_t begin, int64_t end, const RatioOutputs& out) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t t = begin; t < end; ++t) {
    if (Ignored(in, t)) continue;
    sum += ExactLogRatio(in.logp[t], in.old_logp[t]);
    ++count;
  }
  if (in.level == PLAIT_RATIO_SEQUENCE_MEAN && count > 0) sum /= static_cast<double>(count);
  const Ratio ratio = SequenceRatio({in.clip_low, in.clip_high, in.log_ratio_limit}, sum);
  if (out.sequence_ratio) out.sequence_ratio[sequence] = ratio.value;
  for (int64_t t = begin; t < end; ++t) WriteToken(t, Ignored(in, t) ? Ratio{0, 0} : ratio, out);
}

}  // namespace

plait_status ImportanceRatio(const Placement&, const RatioArguments& in, const RatioOutputs& out) {
  PLAIT_TRY(CheckOffsetValues(in.offsets, in.sequences, in.tokens));
  PLAIT_TRY(CheckRoleValues(in.roles, in.tokens));
  if (in.level == PLAIT_RATIO_TOKEN) {
    const TokenRatiosFunction token_ratios = ActiveKernels().token_ratios;
    VisitRoles(in.roles, 0, in.tokens, PLAIT_ROLLOUT, [&](int64_t begin, int64_t end, int role) {
      if (role != PLAIT_IGNORED) return token_ratios(in, begin, end, out.ratio, out.flags);
      for (int64_t t = begin; t < end; ++t) WriteToken(t, {0, 0}, out);
    });
    return PLAIT_OK;
  }
  if (!in.offsets) {
    WriteSequence(in, 0, 0, in.tokens, out);
    return PLAIT_OK;
  }
  for (int64_t i = 0; i < in.sequences; ++i) WriteSequence(in, i, in.offsets[i], in.offsets[i + 1], out);
  return PLAIT_OK;
}

}  // namespace plait::cpu
