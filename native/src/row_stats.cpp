// row_stats: log-prob, entropy and logsumexp of each row in one read of the logits.
//
// Bytes: T * V elements read, at most 7 floats per row written. The floor is the machine's read bandwidth; at two bytes
// an element the exponentials (one per logit) come near it. Rows are independent, so threads share nothing.
#include "checks.h"
#include "cpu.h"
#include "parallel.h"
#include "row_outputs.h"

namespace plait::cpu {
int64_t CountBadTargets(const plait_logits& logits) {
  int64_t count = 0;
  for (int64_t t = 0; t < logits.tokens; ++t) count += IsBadTarget(logits, TargetOf(logits, t));
  return count;
}

plait_status RowStats(const Placement&, const plait_logits& logits, const RowStatsOutputs& out, int64_t* bad_targets) {
  PLAIT_TRY(CheckTemperatureValues(logits.temperatures, logits.tokens));
  PLAIT_TRY(CheckRowIndexValues(logits));
  const ReduceRowFunction reduce = ActiveKernels().reduce[logits.dtype];
  ParallelFor(logits.tokens, RowBytes(logits), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const void* row = RowAt(logits.data, RowOf(logits, t), logits.row_stride, logits.dtype);
      const float temperature = TemperatureOf(logits, t);
      const float target = TargetLogit(logits, row, TargetOf(logits, t));
      WriteRow(out, t, reduce(row, logits.vocab, temperature), target, temperature);
    }
  });
  if (bad_targets) *bad_targets = CountBadTargets(logits);
  return PLAIT_OK;
}

plait_status RowStatsMerge(const Placement&, const MergeArguments& in, const RowStatsOutputs& out) {
  PLAIT_TRY(CheckTemperatureValues(in.temperatures, in.tokens));
  for (int64_t t = 0; t < in.tokens; ++t) MergeStates(in, t, out);
  return PLAIT_OK;
}

}  // namespace plait::cpu
