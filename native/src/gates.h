// Which tokens a rule's entropy selection and covariance treatment pick: the scalar part. Compiled by the CPU and the
// CUDA backend.
#ifndef PLAIT_SRC_GATES_H_
#define PLAIT_SRC_GATES_H_

#include <cmath>
#include <cstdint>

#include "objective-inl.h"

namespace plait {

// How many of `count` tokens a selection keeps. In float32, as `drop` itself is: 0.7f * 10 is 7 there, and below it in
// float64.
PLAIT_HD inline int64_t KeptCount(int64_t count, float drop) {
  return count - static_cast<int64_t>(std::floor(static_cast<float>(count) * drop));
}

// How many of the role's n tokens the covariance rule picks at most.
PLAIT_HD inline int64_t CovarianceLimit(const plait_covariance& covariance, double n) {
  const int64_t limit = static_cast<int64_t>(std::floor(covariance.fraction * n));
  return limit > 1 ? limit : 1;
}

// Decorrelates a seed and a token's ordinal (SplitMix64). A bijection of the ordinal, so that no two tokens tie.
PLAIT_HD inline uint64_t CovarianceHash(uint64_t seed, int64_t ordinal) {
  uint64_t x = (seed << 32 ^ static_cast<uint64_t>(ordinal)) + 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

PLAIT_HD inline float CovarianceOf(float advantage, double mean_advantage, float logp, double mean_logp) {
  return static_cast<float>((advantage - mean_advantage) * (logp - mean_logp));
}

// Whether PLAIT_COVARIANCE_CLIP may pick a token: unclipped, and its covariance within the bounds.
PLAIT_HD inline bool IsClipCandidate(const plait_rule& rule, float covariance, float logp, float old_logp,
                                     float advantage) {
  TokenResult<float> token;
  token.ratio = Exp(LogRatio(logp, old_logp));
  ClippedPolicy(rule, advantage, &token);
  if (token.clipped_low + token.clipped_high > 0) return false;
  return covariance > rule.covariance.low && covariance < rule.covariance.high;
}

}  // namespace plait

#endif  // PLAIT_SRC_GATES_H_
