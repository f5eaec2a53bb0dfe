// Correction for a sampler whose probabilities differ from the trainer's: constant weights and rejected tokens.
#ifndef PLAIT_SRC_SAMPLER_CORRECTION_H_
#define PLAIT_SRC_SAMPLER_CORRECTION_H_

#include "backend.h"
#include "workspace.h"

namespace plait {

// Fills workspace.sampler_weights and sets kGateRejected in workspace.gates, of rollout tokens; the rest get weight 1.
// Without a correction, all get weight 1 and no gate.
void CorrectForSampler(const ObjectiveArguments& in, Workspace* workspace);

}  // namespace plait

#endif  // PLAIT_SRC_SAMPLER_CORRECTION_H_
