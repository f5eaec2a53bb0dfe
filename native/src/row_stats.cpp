// row_stats: log-prob, entropy and logsumexp of each row in one read of the logits.
//
// Bytes: T * V elements read, at most 7 floats per row written. The floor is the machine's read bandwidth; at two bytes
// an element the exponentials (one per logit) come near it. Rows are independent, so threads share nothing.
#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait::cpu {
namespace {

void WriteRow(const RowStatsOutputs& out, int64_t token, const RowSums& sums, float target, float temperature) {
  RowStatistics statistics = StatisticsOf(sums, target, temperature);
  if (target != target) statistics.entropy = statistics.logsumexp = NAN;
  if (out.logp) out.logp[token] = statistics.logp;
  if (out.entropy) out.entropy[token] = statistics.entropy;
  if (out.logsumexp) out.logsumexp[token] = statistics.logsumexp;
  if (out.state) reinterpret_cast<RowState*>(out.state)[token] = StateOf(sums, target);
}

}  // namespace

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
  const RowState* states = reinterpret_cast<const RowState*>(in.states);
  for (int64_t t = 0; t < in.tokens; ++t) {
    const float temperature = in.temperatures ? in.temperatures[t] : in.temperature;
    RowSums sums = SumsOf(states[t]);
    float target = states[t].target;
    for (int64_t part = 1; part < in.parts; ++part) {
      const RowState& state = states[part * in.tokens + t];
      sums = Merge(sums, SumsOf(state), temperature);
      // At most one shard has the target; a bad one is NaN in all of them.
      target = state.target > target || state.target != state.target ? state.target : target;
    }
    WriteRow(out, t, sums, target, temperature);
  }
  return PLAIT_OK;
}

}  // namespace plait::cpu
