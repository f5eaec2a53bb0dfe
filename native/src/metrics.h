// Summing up plait_metrics.
#ifndef PLAIT_SRC_METRICS_H_
#define PLAIT_SRC_METRICS_H_

#include "backend.h"
#include "metrics_math.h"
#include "workspace.h"

namespace plait {

// Adds how the sampler differs from the trainer, if the batch has its log-probs.
void AddSamplerMetrics(const ObjectiveArguments& in, const Workspace& workspace, plait_metrics* total);

}  // namespace plait

#endif  // PLAIT_SRC_METRICS_H_
