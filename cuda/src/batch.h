// What the kernels of stage two are given: a batch, an objective, and the workspace through which they hand over to
// each other. Passed to them by value.
#ifndef PLAIT_CUDA_SRC_BATCH_H_
#define PLAIT_CUDA_SRC_BATCH_H_

#include "backend.h"
#include "host_device.h"
#include "workspace.h"

namespace plait::cuda {

struct BatchArguments {
  explicit BatchArguments(const ObjectiveArguments& in);

  PLAIT_HD int64_t Sequences() const { return batch.offsets ? batch.sequences : 1; }
  PLAIT_HD bool HasSampler() const { return batch.sampler_logp && batch.old_logp; }

  plait_token_batch batch;
  plait_objective objective;
  plait_normalizers normalizers;  // as given; zeros where the batch's own count
  Workspace workspace;
  bool second_pass;  // whether tokens need their sequence or the batch
  bool corrects;     // whether the sampler correction changes anything
};

// Corrects for the sampler and weighs every term: all that is known without the current policy's log-probs. Afterwards
// the workspace has roles, gates, token_sequences, sampler_weights and weights.
plait_status PrepareBatch(const Placement& at, const BatchArguments& in);

// Sums up sequences, ranks and gates tokens, for an objective of two passes; otherwise nothing. `logits`, or null:
// whose bad targets count as ignored.
plait_status PrepareSecondPass(const Placement& at, const BatchArguments& in, const float* logp, const float* entropy,
                               const plait_logits* logits);

// Adds up how the sampler differs from the trainer into workspace.sampler_partials, if the batch has its log-probs.
plait_status SumSampler(const Placement& at, const BatchArguments& in);

// Evaluates all tokens and writes what `out` asks for.
plait_status EvaluateBatch(const Placement& at, const BatchArguments& in, const float* logp, const float* entropy,
                           const plait_logits* logits, const ObjectiveOutputs& out);

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_BATCH_H_
