// Where the statistics of a row go. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_ROW_OUTPUTS_H_
#define PLAIT_SRC_ROW_OUTPUTS_H_

#include "backend.h"
#include "host_device.h"
#include "logits.h"
#include "row_math.h"

namespace plait {

PLAIT_HD inline void WriteRow(const RowStatsOutputs& out, int64_t token, const RowSums& sums, float target,
                              float temperature) {
  const RowStatistics statistics = StatisticsOf(sums, target, temperature);
  if (out.logp) out.logp[token] = statistics.logp;
  if (out.entropy) out.entropy[token] = statistics.entropy;
  if (out.logsumexp) out.logsumexp[token] = statistics.logsumexp;
  if (out.state) reinterpret_cast<RowState*>(out.state)[token] = StateOf(sums, target);
}

// The statistics of a token's whole row from its shards' states, which are all read before anything is written.
PLAIT_HD inline void MergeStates(const MergeArguments& in, int64_t token, const RowStatsOutputs& out) {
  const RowState* states = reinterpret_cast<const RowState*>(in.states);
  const float temperature = UsableTemperature(in.temperatures ? in.temperatures[token] : in.temperature);
  RowSums sums = SumsOf(states[token]);
  float target = states[token].target;
  for (int64_t part = 1; part < in.parts; ++part) {
    const RowState& state = states[part * in.tokens + token];
    sums = Merge(sums, SumsOf(state), temperature);
    // At most one shard has the target; a bad one is NaN in all of them.
    target = state.target > target || state.target != state.target ? state.target : target;
  }
  WriteRow(out, token, sums, target, temperature);
}

}  // namespace plait

#endif  // PLAIT_SRC_ROW_OUTPUTS_H_
