// The CPU backend's kernel families, one source file each, and the parts that they share.
#ifndef PLAIT_SRC_CPU_H_
#define PLAIT_SRC_CPU_H_

#include "backend.h"
#include "dtype.h"
#include "kernels.h"

namespace plait::cpu {

plait_status RowStats(const Placement& at, const plait_logits& logits, const RowStatsOutputs& out,
                      int64_t* bad_targets);
plait_status RowStatsMerge(const Placement& at, const MergeArguments& in, const RowStatsOutputs& out);
plait_status LogitsGrad(const Placement& at, const plait_logits& logits, const float* state, const float* c,
                        const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets);
plait_status TokenObjective(const Placement& at, const ObjectiveArguments& in, const float* logp, const float* entropy,
                            const ObjectiveOutputs& out);
plait_status PolicyStep(const Placement& at, const plait_logits& logits, const ObjectiveArguments& in,
                        const StepOutputs& out);
plait_status GroupAdvantage(const Placement& at, const AdvantageArguments& in, const AdvantageOutputs& out);
plait_status TokenAdvantage(const Placement& at, const TokenAdvantageArguments& in);
plait_status Whiten(const Placement& at, const WhitenArguments& in);
plait_status ImportanceRatio(const Placement& at, const RatioArguments& in, const RatioOutputs& out);

// The three things that a kernel needs to know of a token's row.
inline int64_t RowOf(const plait_logits& logits, int64_t token) {
  return logits.row_index ? logits.row_index[token] : token;
}

inline float TemperatureOf(const plait_logits& logits, int64_t token) {
  return logits.temperatures ? logits.temperatures[token] : logits.temperature;
}

inline int64_t TargetOf(const plait_logits& logits, int64_t token) {
  return logits.target_dtype == PLAIT_INT32 ? static_cast<const int32_t*>(logits.targets)[token]
                                            : static_cast<const int64_t*>(logits.targets)[token];
}

inline bool IsBadTarget(const plait_logits& logits, int64_t target) {
  return target < 0 || target >= logits.vocab_total;
}

inline const void* RowAt(const void* data, int64_t row, int64_t stride, int32_t dtype) {
  return static_cast<const char*>(data) + row * stride * ElementBytes(dtype);
}

inline void* RowAt(void* data, int64_t row, int64_t stride, int32_t dtype) {
  return static_cast<char*>(data) + row * stride * ElementBytes(dtype);
}

inline int64_t RowBytes(const plait_logits& logits) { return logits.vocab * ElementBytes(logits.dtype); }

// The raw logit of the target: NaN if the target is bad, -inf if another shard has it.
inline float TargetLogit(const plait_logits& logits, const void* row, int64_t target) {
  if (IsBadTarget(logits, target)) return NAN;
  const int64_t column = target - logits.vocab_begin;
  if (column < 0 || column >= logits.vocab) return -INFINITY;
  return LoadElement(row, column, logits.dtype);
}

// Writes one row of the gradient from the row of logits, which it may be. Bad targets give zeros.
void WriteGradientRow(const Kernels& kernels, const plait_logits& logits, int64_t token, const RowState& state, float c,
                      float h, void* dlogits, int64_t dlogits_stride);

int64_t CountBadTargets(const plait_logits& logits);

}  // namespace plait::cpu

#endif  // PLAIT_SRC_CPU_H_
