// The vector kernels over many tokens, one set per SIMD target.
#ifndef PLAIT_SRC_TOKEN_KERNELS_H_
#define PLAIT_SRC_TOKEN_KERNELS_H_

#include <cstdint>

#include "backend.h"
#include "metrics_math.h"
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

// The bounded weight of each of `count` tokens from its own omega.
using WeighTokensFunction = void (*)(const plait_sampler_correction& correction, const float* old_logp,
                                     const float* sampler_logp, int64_t count, float* weights);

// Adds the metrics of `count` rollout tokens of one sequence.
using AddSamplerRunFunction = void (*)(const plait_sampler_correction& correction, const float* old_logp,
                                       const float* sampler_logp, const float* weights, int64_t count,
                                       SamplerSums* sums, plait_metrics* to);

// Ratios and flags, or either, of the tokens [begin, end), of which none is ignored.
using TokenRatiosFunction = void (*)(const RatioArguments& in, int64_t begin, int64_t end, float* ratios,
                                     uint8_t* flags);

// Evaluates the run and adds its metrics.
using EvaluateRunFunction = void (*)(const TokenRun& run, plait_metrics* sums);

}  // namespace plait

#endif  // PLAIT_SRC_TOKEN_KERNELS_H_
