// The parts of a token batch that token_objective and policy_step share: the weight of every term, the evaluation of
// one token, and the metrics. All of it is a few floats per token; the vocabulary is not touched here.
#ifndef PLAIT_SRC_BATCH_H_
#define PLAIT_SRC_BATCH_H_

#include "backend.h"
#include "objective.h"

namespace plait {

// Tokens per partial sum of the metrics. Partial sums are added in order, so a sum depends on the tokens alone.
constexpr int64_t kMetricsBlock = 1024;

inline int64_t SequenceCount(const plait_token_batch& batch) { return batch.offsets ? batch.sequences : 1; }

// Workspace: TermWeights of each sequence and role, then a plait_metrics per block of tokens.
int64_t ObjectiveWorkspaceBytes(int64_t tokens, int64_t sequences);

class BatchEvaluator {
 public:
  // Fills the workspace with the weights of every term.
  explicit BatchEvaluator(const ObjectiveArguments& in);

  int Role(int64_t token) const { return in_.batch.roles ? in_.batch.roles[token] : int{PLAIT_ROLLOUT}; }

  // The index of the token's sequence, starting the search at `hint`.
  int64_t SequenceOf(int64_t token, int64_t hint) const;

  // Evaluates a token that is not ignored.
  TokenResult Evaluate(int64_t token, int64_t sequence, float logp, float entropy) const;

  // Evaluates all tokens (those with a bad target, if `logits` is given, as zeros), in blocks on several threads, and
  // writes what `out` asks for.
  void EvaluateAll(const float* logp, const float* entropy, const plait_logits* logits, const ObjectiveOutputs& out);

 private:
  void FillWeights();
  plait_metrics EvaluateBlock(int64_t begin, int64_t end, const float* logp, const float* entropy,
                              const plait_logits* logits, const ObjectiveOutputs& out) const;

  const ObjectiveArguments& in_;
  TermWeights* weights_;     // [sequences][3]
  plait_metrics* partials_;  // [blocks]
};

plait_status CheckBatchValues(const plait_token_batch& batch);

}  // namespace plait

#endif  // PLAIT_SRC_BATCH_H_
