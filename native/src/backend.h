// What a backend implements: the functions of plait.h with their scalar arguments already checked. The CPU backend
// lives in this folder; the CUDA backend fills the same table from its plugin.
#ifndef PLAIT_SRC_BACKEND_H_
#define PLAIT_SRC_BACKEND_H_

#include "plait.h"

namespace plait {

// Where a call runs.
struct Placement {
  int32_t device;  // PLAIT_CPU or a CUDA ordinal
  void* stream;    // cudaStream_t; null on the CPU
};

struct RowStatsOutputs {
  float* logp;
  float* entropy;
  float* logsumexp;
  float* state;
};

struct MergeArguments {
  const float* states;
  int64_t parts;
  int64_t tokens;
  const float* temperatures;
  float temperature;
};

struct ObjectiveArguments {
  const plait_token_batch& batch;
  const plait_objective& objective;
  const plait_normalizers* normalizers;  // or null
  void* workspace;
};

struct ObjectiveOutputs {
  float* c;
  float* h;
  float* token_loss;
  plait_metrics* metrics;
};

struct StepOutputs {
  void* dlogits;
  int64_t dlogits_stride;
  float* logp;
  float* entropy;
  float* token_loss;
  plait_metrics* metrics;
};

struct AdvantageArguments {
  int64_t n;
  const float* rewards;
  const uint8_t* roles;
  const float* weights;
  int64_t groups;
  const int64_t* offsets;
  const int64_t* ids;
  const plait_advantage_options& options;
  void* workspace;
};

struct AdvantageOutputs {
  float* advantages;
  float* group_mean;
  float* group_std;
};

struct TokenAdvantageArguments {
  int64_t tokens;
  int64_t sequences;
  const int64_t* offsets;
  const uint8_t* roles;
  const float* rewards;
  const float* values;
  float gamma;
  float lambda;
  bool restart;
  float* advantages;
  float* returns;
};

struct WhitenArguments {
  int64_t tokens;
  const uint8_t* roles;
  const float* x;
  bool sample;
  bool shift;
  float floor;
  float epsilon;
  float* out;
};

struct RatioArguments {
  int64_t tokens;
  int64_t sequences;
  const int64_t* offsets;
  const uint8_t* roles;
  const float* logp;
  const float* old_logp;
  int32_t level;
  float clip_low;
  float clip_high;
  float log_ratio_limit;
};

struct RatioOutputs {
  float* ratio;
  float* sequence_ratio;
  uint8_t* flags;
};

struct Backend {
  // Refuses memory that kernels on the device cannot reach. Null: they reach all.
  plait_status (*check_memory)(int32_t device, const char* name, const void* begin);
  plait_status (*row_stats)(const Placement& at, const plait_logits& logits, const RowStatsOutputs& out,
                            int64_t* bad_targets);
  plait_status (*row_stats_merge)(const Placement& at, const MergeArguments& in, const RowStatsOutputs& out);
  plait_status (*logits_grad)(const Placement& at, const plait_logits& logits, const float* state, const float* c,
                              const float* h, void* dlogits, int64_t dlogits_stride, int64_t* bad_targets);
  plait_status (*token_objective)(const Placement& at, const ObjectiveArguments& in, const float* logp,
                                  const float* entropy, const ObjectiveOutputs& out);
  plait_status (*policy_step)(const Placement& at, const plait_logits& logits, const ObjectiveArguments& in,
                              const StepOutputs& out);
  plait_status (*group_advantage)(const Placement& at, const AdvantageArguments& in, const AdvantageOutputs& out);
  plait_status (*token_advantage)(const Placement& at, const TokenAdvantageArguments& in);
  plait_status (*whiten)(const Placement& at, const WhitenArguments& in);
  plait_status (*importance_ratio)(const Placement& at, const RatioArguments& in, const RatioOutputs& out);
};

extern const Backend kCpuBackend;

// The backend of `device`, or null with the reason recorded.
const Backend* FindBackend(int32_t device);

}  // namespace plait

#endif  // PLAIT_SRC_BACKEND_H_
