// The vector kernel that evaluates many tokens, one per SIMD target.
#ifndef PLAIT_SRC_TOKEN_KERNELS_H_
#define PLAIT_SRC_TOKEN_KERNELS_H_

#include <cstdint>

#include "objective.h"

namespace plait {

// Consecutive tokens of one role in one sequence. Arrays start at the run's first token.
struct TokenRun {
  const plait_rule* rule;
  TermWeights weights;
  SequenceContext context;
  int role;
  int64_t count;
  const float* logp;
  const float* entropy;     // or null: 0
  const float* old_logp;    // or null: logp
  const float* ref_logp;    // or null: logp
  const float* advantages;  // or null: `advantage`
  float advantage;
  const float* sampler_weights;
  const unsigned char* gates;
  float* c;  // these three or null
  float* h;
  float* token_loss;
};

// Evaluates the run and adds its metrics.
using EvaluateRunFunction = void (*)(const TokenRun& run, plait_metrics* sums);

}  // namespace plait

#endif  // PLAIT_SRC_TOKEN_KERNELS_H_
