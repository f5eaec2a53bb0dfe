// The CPU backend's kernel families, one source file each, and the parts that they share.
#ifndef PLAIT_SRC_CPU_H_
#define PLAIT_SRC_CPU_H_

#include "backend.h"
#include "kernels.h"
#include "logits.h"

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

// Writes one row of the gradient from the row of logits, which it may be, or from the exponentials that were kept of it
// in its place; h is 0 then. Bad targets give zeros.
void WriteGradientRow(const Kernels& kernels, const plait_logits& logits, int64_t token, const RowState& state, float c,
                      float h, void* dlogits, int64_t dlogits_stride, const KeptExponentials* kept = nullptr);

int64_t CountBadTargets(const plait_logits& logits);

}  // namespace plait::cpu

#endif  // PLAIT_SRC_CPU_H_
