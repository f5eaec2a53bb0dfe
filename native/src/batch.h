// The parts of a token batch that token_objective and policy_step share: the weight of every term, what a token's
// sequence and batch contribute, the evaluation of one token, and the metrics. All of it is a few floats per token; the
// vocabulary is not touched here.
#ifndef PLAIT_SRC_BATCH_H_
#define PLAIT_SRC_BATCH_H_

#include "backend.h"
#include "objective-inl.h"
#include "token_kernels.h"
#include "workspace.h"

namespace plait {

inline int64_t SequenceCount(const plait_token_batch& batch) { return batch.offsets ? batch.sequences : 1; }

// The field of the objective that needs a second pass over the logits, or "".
const char* SecondPass(const plait_objective& objective);

class BatchEvaluator {
 public:
  // Corrects for the sampler and weighs every term: all that is known without the current policy's log-probs.
  explicit BatchEvaluator(const ObjectiveArguments& in);

  // PLAIT_IGNORED for tokens that the sampler correction rejects.
  int Role(int64_t token) const { return workspace_.roles[token]; }
  const unsigned char* roles() const { return workspace_.roles; }

  // Sums up sequences, ranks and gates tokens: what the objective needs of the log-probs before any token is evaluated.
  // Without effect for an objective of one pass.
  void Prepare(const float* logp, const float* entropy, const plait_logits* logits);

  // The index of the token's sequence, starting the search at `hint`.
  int64_t SequenceOf(int64_t token, int64_t hint) const;

  // Evaluates a token that is not ignored.
  TokenResult<float> Evaluate(int64_t token, int64_t sequence, float logp, float entropy) const;

  // Evaluates all tokens (those with a bad target, if `logits` is given, as zeros), in blocks on several threads, and
  // writes what `out` asks for.
  void EvaluateAll(const float* logp, const float* entropy, const plait_logits* logits, const ObjectiveOutputs& out);

  RowState* states() { return workspace_.states; }

 private:
  float AdvantageOf(int64_t token, int64_t sequence) const;
  float OldLogp(int64_t token, float logp) const { return in_.batch.old_logp ? in_.batch.old_logp[token] : logp; }
  SequenceContext ContextOf(int role, int64_t sequence) const;
  void FillRoles();
  void FillWeights();
  void SumSequences(const float* logp, const float* entropy, const plait_logits* logits);
  void SelectByEntropy(int role, const float* entropy, const plait_logits* logits);
  void DropLowest(int64_t count, const float* entropy, float drop);
  void GateByCovariance(int role, const float* logp, const plait_logits* logits);
  bool IsCounted(int64_t token, int role, const plait_logits* logits) const;
  plait_metrics EvaluateBlock(int64_t begin, int64_t end, const float* logp, const float* entropy,
                              const plait_logits* logits, const ObjectiveOutputs& out) const;
  int64_t EndOfRun(int64_t begin, int64_t end, int64_t sequence, const plait_logits* logits) const;
  TokenRun RunOf(int64_t begin, int64_t end, int64_t sequence, const float* logp, const float* entropy,
                 const ObjectiveOutputs& out) const;

  const ObjectiveArguments& in_;
  Workspace workspace_;
  bool second_pass_;
};

plait_status CheckBatchValues(const plait_token_batch& batch);

}  // namespace plait

#endif  // PLAIT_SRC_BATCH_H_
