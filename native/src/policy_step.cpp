// policy_step: logits in, gradient out, each row read from memory once and written once.
//
// Bytes: T * V elements read and as many written. A row is reduced, its token evaluated, and its gradient written while
// the row is still in the core's L2 (608 KB at V = 151936 in float32), so the second pass costs no memory traffic; two
// exponentials per logit. The metrics are a third, tiny pass over a few floats per token.
#include <cstring>

#include "batch.h"
#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait::cpu {
namespace {

void StepRow(const RowKernels& kernels, const plait_logits& logits, const BatchEvaluator& evaluator, int64_t token,
             int64_t* sequence, const StepOutputs& out) {
  const int64_t row_number = RowOf(logits, token);
  if (evaluator.Role(token) == PLAIT_IGNORED) {
    std::memset(RowAt(out.dlogits, row_number, out.dlogits_stride, logits.dtype), 0, RowBytes(logits));
    out.logp[token] = out.entropy[token] = 0;
    return;
  }
  const void* row = RowAt(logits.data, row_number, logits.row_stride, logits.dtype);
  const float temperature = TemperatureOf(logits, token);
  const float target = TargetLogit(logits, row, TargetOf(logits, token));
  const RowSums sums = kernels.reduce[logits.dtype](row, logits.vocab, temperature);
  const RowStatistics statistics = StatisticsOf(sums, target, temperature);
  out.logp[token] = statistics.logp;
  out.entropy[token] = target == target ? statistics.entropy : NAN;
  *sequence = evaluator.SequenceOf(token, *sequence);
  const TokenResult result = evaluator.Evaluate(token, *sequence, statistics.logp, statistics.entropy);
  WriteGradientRow(kernels, logits, token, StateOf(sums, target), result.c, result.h, out.dlogits, out.dlogits_stride);
}

}  // namespace

plait_status PolicyStep(void*, const plait_logits& logits, const ObjectiveArguments& in, const StepOutputs& out) {
  PLAIT_TRY(CheckTemperatureValues(logits.temperatures, logits.tokens));
  PLAIT_TRY(CheckRowIndexValues(logits));
  PLAIT_TRY(CheckBatchValues(in.batch));
  BatchEvaluator evaluator(in);
  const RowKernels& kernels = ActiveRowKernels();
  ParallelFor(logits.tokens, 2 * RowBytes(logits), [&](int64_t begin, int64_t end) {
    int64_t sequence = 0;
    for (int64_t t = begin; t < end; ++t) StepRow(kernels, logits, evaluator, t, &sequence, out);
  });
  evaluator.EvaluateAll(out.logp, out.entropy, &logits, {nullptr, nullptr, out.token_loss, out.metrics});
  return PLAIT_OK;
}

}  // namespace plait::cpu
