// policy_step: logits in, gradient out.
//
// In one pass a row is reduced, its token evaluated, and its gradient written while the row is still in the core's L2
// (608 KB at V = 151936 in float32), so that its second reading costs no memory traffic: T * V elements read and as
// many written, two exponentials per logit. A row of float32 without an entropy term needs its exponentials alone for
// the gradient: they are kept in the gradient's place, and scaled once the token is evaluated, so there is one per
// logit. An objective that needs a token's sequence or batch first takes two passes, with stage two between them and
// the rows' states in the workspace. The metrics are a last, tiny pass over a few floats per token.
#include <cstring>

#include "batch.h"
#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait::cpu {
namespace {

class Step {
 public:
  Step(const plait_logits& logits, const ObjectiveArguments& in, const StepOutputs& out)
      : logits_(logits),
        objective_(in.objective),
        out_(out),
        evaluator_(in),
        kernels_(ActiveKernels()),
        two_passes_(*SecondPass(in.objective)) {}

  void Run() {
    if (two_passes_) {
      VisitTokens(RowBytes(logits_), [this](int64_t t, int64_t*) { Reduce(t, &evaluator_.states()[t], nullptr); });
      evaluator_.Prepare(out_.logp, out_.entropy, &logits_);
      VisitTokens(2 * RowBytes(logits_), [this](int64_t t, int64_t* sequence) {
        WriteGradient(t, evaluator_.states()[t], sequence, nullptr);
      });
    } else {
      VisitTokens(2 * RowBytes(logits_), [this](int64_t t, int64_t* sequence) {
        RowState state;
        KeptExponentials kept;
        const bool keep = KeepsExponentials(t);
        Reduce(t, &state, keep ? &kept : nullptr);
        WriteGradient(t, state, sequence, keep ? &kept : nullptr);
      });
    }
    evaluator_.EvaluateAll(out_.logp, out_.entropy, &logits_, {nullptr, nullptr, out_.token_loss, out_.metrics});
  }

 private:
  template <class Body>
  void VisitTokens(int64_t bytes, const Body& body) {
    ParallelFor(logits_.tokens, bytes, [&](int64_t begin, int64_t end) {
      int64_t sequence = 0;
      for (int64_t t = begin; t < end; ++t) body(t, &sequence);
    });
  }

  // Whether the gradient of a token's row is a multiple of its exponentials, and there is room for them.
  bool KeepsExponentials(int64_t t) const {
    const int32_t role = evaluator_.Role(t);
    return logits_.dtype == PLAIT_FLOAT32 && logits_.vocab <= kMostKept && role != PLAIT_IGNORED &&
           objective_.rules[role - 1].entropy.coefficient == 0;
  }

  void* GradientRow(int64_t t) const {
    return RowAt(out_.dlogits, RowOf(logits_, t), out_.dlogits_stride, logits_.dtype);
  }

  // Statistics of a token's row, whose exponentials may be kept where its gradient will be; an ignored row is not read.
  void Reduce(int64_t t, RowState* state, KeptExponentials* kept) {
    if (evaluator_.Role(t) == PLAIT_IGNORED) {
      out_.logp[t] = out_.entropy[t] = 0;
      return;
    }
    const void* row = RowAt(logits_.data, RowOf(logits_, t), logits_.row_stride, logits_.dtype);
    const float temperature = TemperatureOf(logits_, t);
    const float target = TargetLogit(logits_, row, TargetOf(logits_, t));
    RowSums sums;
    if (kept) {
      kept->exponentials = static_cast<float*>(GradientRow(t));
      sums = kernels_.reduce_and_keep(static_cast<const float*>(row), logits_.vocab, temperature, kept);
    } else {
      sums = kernels_.reduce[logits_.dtype](row, logits_.vocab, temperature);
    }
    const RowStatistics statistics = StatisticsOf(sums, target, temperature);
    out_.logp[t] = statistics.logp;
    out_.entropy[t] = statistics.entropy;
    *state = StateOf(sums, target);
  }

  void WriteGradient(int64_t t, const RowState& state, int64_t* sequence, const KeptExponentials* kept) {
    if (evaluator_.Role(t) == PLAIT_IGNORED) {
      std::memset(GradientRow(t), 0, RowBytes(logits_));
      return;
    }
    TokenResult<float> result;
    if (state.target == state.target) {  // a bad target's row becomes zero whatever c and h
      *sequence = evaluator_.SequenceOf(t, *sequence);
      result = evaluator_.Evaluate(t, *sequence, out_.logp[t], out_.entropy[t]);
    }
    WriteGradientRow(kernels_, logits_, t, state, result.c, result.h, out_.dlogits, out_.dlogits_stride, kept);
  }

  const plait_logits& logits_;
  const plait_objective& objective_;
  const StepOutputs& out_;
  BatchEvaluator evaluator_;
  const Kernels& kernels_;
  const bool two_passes_;
};

}  // namespace

plait_status PolicyStep(const Placement&, const plait_logits& logits, const ObjectiveArguments& in,
                        const StepOutputs& out) {
  PLAIT_TRY(CheckTemperatureValues(logits.temperatures, logits.tokens));
  PLAIT_TRY(CheckRowIndexValues(logits));
  PLAIT_TRY(CheckBatchValues(in.batch));
  Step(logits, in, out).Run();
  return PLAIT_OK;
}

}  // namespace plait::cpu
