// The CUDA backend's kernel families, one source file each, and what they do for each other. A function enqueues on a
// stream and returns.
#ifndef PLAIT_CUDA_SRC_KERNELS_H_
#define PLAIT_CUDA_SRC_KERNELS_H_

#include "backend.h"
#include "row_math.h"

namespace plait::cuda {

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

// row_stats of the tokens whose role, if `roles` is given, is not ignored; the others get zeros, and a state of which
// logits_grad with c = h = 0 makes zeros.
plait_status RowStatsOf(const Placement& at, const plait_logits& logits, const unsigned char* roles,
                        const RowStatsOutputs& out, int64_t* bad_targets);

// logits_grad on the current device.
plait_status LogitsGradOf(const Placement& at, const plait_logits& logits, const float* state, const float* c,
                          const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets);

// What the kernels of a family need of a device before their first launch.
plait_status PrepareRowStats(int32_t device);
plait_status PreparePolicyStep(int32_t device);

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_KERNELS_H_
