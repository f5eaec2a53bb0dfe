#include "metrics.h"

#include "batch.h"
#include "kernels.h"
#include "runs.h"

namespace plait {
namespace {

int64_t CountRejected(const unsigned char* gates, int64_t begin, int64_t end) {
  int64_t rejected = 0;
  for (int64_t t = begin; t < end; ++t) rejected += (gates[t] & kGateRejected) != 0;
  return rejected;
}

}  // namespace

void AddSamplerMetrics(const ObjectiveArguments& in, const Workspace& workspace, plait_metrics* total) {
  const plait_token_batch& batch = in.batch;
  const plait_sampler_correction& correction = in.objective.correction;
  if (!batch.sampler_logp || !batch.old_logp) return;
  const AddSamplerRunFunction add_sampler_run = ActiveKernels().add_sampler_run;
  for (int64_t i = 0; i < SequenceCount(batch); ++i) {
    const int64_t begin = batch.offsets ? batch.offsets[i] : 0;
    const int64_t end = batch.offsets ? batch.offsets[i + 1] : batch.tokens;
    int64_t count = 0;
    SamplerSums sums = {};
    VisitRoles(batch.roles, begin, end, PLAIT_ROLLOUT, [&](int64_t first, int64_t last, int role) {
      if (role != PLAIT_ROLLOUT) return;
      add_sampler_run(correction, batch.old_logp + first, batch.sampler_logp + first, workspace.sampler_weights + first,
                      last - first, &sums, total);
      count += last - first;
    });
    if (count == 0) continue;
    AddSamplerSequence(sums, static_cast<double>(count),
                       static_cast<double>(CountRejected(workspace.gates, begin, end)), correction.high, total);
  }
}

}  // namespace plait
