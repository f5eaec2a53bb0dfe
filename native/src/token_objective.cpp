// token_objective: stage two alone, a few floats per token in and out.
#include "batch.h"
#include "cpu.h"
#include "status.h"

namespace plait::cpu {

plait_status TokenObjective(const Placement&, const ObjectiveArguments& in, const float* logp, const float* entropy,
                            const ObjectiveOutputs& out) {
  PLAIT_TRY(CheckBatchValues(in.batch));
  BatchEvaluator evaluator(in);
  evaluator.Prepare(logp, entropy, nullptr);
  evaluator.EvaluateAll(logp, entropy, nullptr, out);
  return PLAIT_OK;
}

}  // namespace plait::cpu
