// The weight of each term of a rule: its coefficient over what its aggregation divides by. Compiled by the CPU and the
// CUDA backend.
#ifndef PLAIT_SRC_TERM_WEIGHTS_H_
#define PLAIT_SRC_TERM_WEIGHTS_H_

#include "host_device.h"
#include "objective.h"

namespace plait {

// Tokens per population of one sequence: index 0 counts all that are not ignored.
struct TokenCounts {
  double tokens[4];
};

// Where the caller gave no count, the batch's own: `tokens` and `sequences` by population.
PLAIT_HD inline void ResolveNormalizers(const double* tokens, const double* sequences, plait_normalizers* normalizers) {
  for (int p = 0; p < 4; ++p) {
    if (normalizers->tokens[p] == 0) normalizers->tokens[p] = tokens[p];
    if (normalizers->sequences[p] == 0) normalizers->sequences[p] = sequences[p];
  }
}

PLAIT_HD inline float TermWeight(const plait_term& term, int role, const plait_normalizers& normalizers,
                                 const TokenCounts& sequence) {
  if (term.coefficient == 0) return 0;
  const int population = term.population == PLAIT_OWN_ROLE ? role : 0;
  double divisor = 1;
  switch (term.aggregation) {
    case PLAIT_TOKEN_MEAN:
      divisor = normalizers.tokens[population];
      break;
    case PLAIT_SEQ_MEAN_TOKEN_MEAN:
      divisor = normalizers.sequences[population] * sequence.tokens[population];
      break;
    case PLAIT_SEQ_MEAN_TOKEN_SUM:
      divisor = normalizers.sequences[population];
      break;
    case PLAIT_CONSTANT_LENGTH:
      divisor = normalizers.length;
      break;
    default:
      divisor = normalizers.sequences[population] * normalizers.length;
      break;
  }
  return divisor > 0 ? static_cast<float>(term.coefficient / divisor) : 0;  // 0: no token has this weight
}

// Of the tokens of one role in one sequence.
PLAIT_HD inline TermWeights TermWeightsOf(const plait_rule& rule, int role, const plait_normalizers& normalizers,
                                          const TokenCounts& sequence) {
  return {TermWeight(rule.policy, role, normalizers, sequence), TermWeight(rule.nll, role, normalizers, sequence),
          TermWeight(rule.kl, role, normalizers, sequence), TermWeight(rule.entropy, role, normalizers, sequence)};
}

}  // namespace plait

#endif  // PLAIT_SRC_TERM_WEIGHTS_H_
