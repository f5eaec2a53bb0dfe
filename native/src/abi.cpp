// The kernel functions of plait.h: each checks its arguments, finds the backend and passes them on.
#include "backend.h"
#include "batch.h"
#include "checks.h"
#include "group_advantage.h"

using namespace plait;

namespace {

// Finds the backend of `device`, or returns from the function.
#define PLAIT_BACKEND(device)                         \
  const Backend* const backend = FindBackend(device); \
  if (!backend) return PLAIT_UNAVAILABLE

constexpr Presence kRequired = Presence::kRequired;
constexpr Presence kOptional = Presence::kOptional;

plait_status AddStatistics(AddressRanges* ranges, int64_t tokens, const RowStatsOutputs& out, Presence state) {
  PLAIT_TRY(AddOutput(ranges, "logp", out.logp, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(ranges, "entropy", out.entropy, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(ranges, "logsumexp", out.logsumexp, tokens, sizeof(float), kOptional));
  return AddOutput(ranges, "state", out.state, PLAIT_STATE_FLOATS * tokens, sizeof(float), state);
}

plait_status CheckMetrics(AddressRanges* ranges, plait_metrics* metrics) {
  PLAIT_TRY(CheckOptionalArray("metrics", metrics, sizeof(double)));
  ranges->AddOutput("metrics", metrics, sizeof(plait_metrics));
  return PLAIT_OK;
}

plait_status CheckObjectiveArguments(const plait_token_batch* batch, const plait_objective* objective,
                                     const plait_normalizers* normalizers, plait_metrics* metrics, void* workspace,
                                     int64_t workspace_bytes, AddressRanges* ranges) {
  PLAIT_TRY(CheckObjective(objective));
  PLAIT_TRY(CheckNormalizers(normalizers, *objective));
  ranges->AddStructure("objective", objective);
  ranges->AddStructure("normalizers", normalizers);
  PLAIT_TRY(CheckBatch(batch, *objective, ranges));
  PLAIT_TRY(CheckMetrics(ranges, metrics));
  return CheckWorkspace(workspace, workspace_bytes, Workspace::Bytes(batch->tokens, batch->sequences), ranges);
}

}  // namespace

extern "C" int32_t plait_row_stats(int32_t device, void* stream, const plait_logits* logits, float* logp,
                                   float* entropy, float* logsumexp, float* state, int64_t* bad_targets) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  const RowStatsOutputs out = {logp, entropy, logsumexp, state};
  PLAIT_TRY(CheckLogits(logits, nullptr, &ranges));
  PLAIT_TRY(AddStatistics(&ranges, logits->tokens, out, kOptional));
  PLAIT_TRY(AddOutput(&ranges, "bad_targets", bad_targets, 1, sizeof(int64_t), kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->row_stats({device, stream}, *logits, out, bad_targets);
}

extern "C" int32_t plait_row_stats_merge(int32_t device, void* stream, const float* states, int64_t parts,
                                         int64_t tokens, const float* temperatures, float temperature, float* logp,
                                         float* entropy, float* logsumexp, float* state) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  const RowStatsOutputs out = {logp, entropy, logsumexp, state};
  if (parts < 1) PLAIT_REFUSE("parts: expected >= 1, got %lld", static_cast<long long>(parts));
  PLAIT_TRY(CheckPacking(tokens, 0, nullptr, &ranges));
  int64_t rows = 0;
  if (__builtin_mul_overflow(parts, tokens, &rows) || rows > INT64_MAX / 16) {
    PLAIT_REFUSE("parts: expected parts * tokens to fit memory, got %lld", static_cast<long long>(parts));
  }
  if (!temperatures) PLAIT_TRY(CheckTemperature("temperature", temperature));
  PLAIT_TRY(AddInput(&ranges, "temperatures", temperatures, tokens, sizeof(float), kOptional));
  PLAIT_TRY(CheckArray("states", states, rows, sizeof(float)));
  // `state` may be the first shard's own: a token's states are all read before its merged one is written.
  const int64_t first = state == states ? tokens : 0;
  ranges.AddInput("states", states + PLAIT_STATE_FLOATS * first,
                  (rows - first) * static_cast<int64_t>(PLAIT_STATE_FLOATS * sizeof(float)));
  PLAIT_TRY(AddStatistics(&ranges, tokens, out, kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->row_stats_merge({device, stream}, {states, parts, tokens, temperatures, temperature}, out);
}

extern "C" int32_t plait_logits_grad(int32_t device, void* stream, const plait_logits* logits, const float* state,
                                     const float* c, const float* h, void* dlogits, int64_t dlogits_stride,
                                     int64_t* bad_targets) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckLogits(logits, dlogits, &ranges));
  PLAIT_TRY(AddInput(&ranges, "state", state, logits->tokens * PLAIT_STATE_FLOATS, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "c", c, logits->tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "h", h, logits->tokens, sizeof(float), kOptional));
  PLAIT_TRY(CheckDlogits(*logits, dlogits, dlogits_stride, &ranges));
  PLAIT_TRY(AddOutput(&ranges, "bad_targets", bad_targets, 1, sizeof(int64_t), kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->logits_grad({device, stream}, *logits, state, c, h, dlogits, dlogits_stride, bad_targets);
}

extern "C" const char* plait_objective_second_pass(const plait_objective* objective) {
  return CheckObjective(objective) == PLAIT_OK ? SecondPass(*objective) : nullptr;
}

extern "C" int64_t plait_objective_workspace_bytes(int64_t tokens, int64_t sequences) {
  const bool accepted = tokens >= 0 && tokens <= kMaxTokens && sequences >= 0 && sequences <= kMaxSequences;
  return accepted ? Workspace::Bytes(tokens, sequences) : 0;
}

extern "C" int32_t plait_token_objective(int32_t device, void* stream, const plait_token_batch* batch,
                                         const plait_objective* objective, const plait_normalizers* normalizers,
                                         const float* logp, const float* entropy, float* c, float* h, float* token_loss,
                                         plait_metrics* metrics, void* workspace, int64_t workspace_bytes) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckObjectiveArguments(batch, objective, normalizers, metrics, workspace, workspace_bytes, &ranges));
  const int64_t tokens = batch->tokens;
  bool needs_entropy = false;
  for (const plait_rule& rule : objective->rules) needs_entropy = needs_entropy || UsesEntropy(rule);
  PLAIT_TRY(AddInput(&ranges, "logp", logp, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "entropy", entropy, tokens, sizeof(float), needs_entropy ? kRequired : kOptional));
  PLAIT_TRY(AddOutput(&ranges, "c", c, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "h", h, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "token_loss", token_loss, tokens, sizeof(float), kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->token_objective({device, stream}, {*batch, *objective, normalizers, workspace}, logp, entropy,
                                  {c, h, token_loss, metrics});
}

extern "C" int32_t plait_policy_step(int32_t device, void* stream, const plait_logits* logits,
                                     const plait_token_batch* batch, const plait_objective* objective,
                                     const plait_normalizers* normalizers, void* dlogits, int64_t dlogits_stride,
                                     float* logp, float* entropy, float* token_loss, plait_metrics* metrics,
                                     void* workspace, int64_t workspace_bytes) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckLogits(logits, dlogits, &ranges));
  if (logits->vocab_total != logits->vocab) {
    PLAIT_REFUSE("logits.vocab_total: expected the whole vocabulary (%lld), got a shard of %lld",
                 static_cast<long long>(logits->vocab), static_cast<long long>(logits->vocab_total));
  }
  PLAIT_TRY(CheckObjectiveArguments(batch, objective, normalizers, metrics, workspace, workspace_bytes, &ranges));
  const int64_t tokens = batch->tokens;
  if (tokens != logits->tokens) {
    PLAIT_REFUSE("batch.tokens: expected logits.tokens (%lld), got %lld", static_cast<long long>(logits->tokens),
                 static_cast<long long>(tokens));
  }
  PLAIT_TRY(CheckDlogits(*logits, dlogits, dlogits_stride, &ranges));
  PLAIT_TRY(AddOutput(&ranges, "logp", logp, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddOutput(&ranges, "entropy", entropy, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddOutput(&ranges, "token_loss", token_loss, tokens, sizeof(float), kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->policy_step({device, stream}, *logits, {*batch, *objective, normalizers, workspace},
                              {dlogits, dlogits_stride, logp, entropy, token_loss, metrics});
}

extern "C" int64_t plait_group_advantage_workspace_bytes(int64_t groups) {
  const bool accepted = groups >= 0 && groups <= kMaxSequences;
  return accepted ? (groups + 1) * static_cast<int64_t>(sizeof(Moments)) : 0;  // and the batch
}

extern "C" int32_t plait_group_advantage(int32_t device, void* stream, int64_t n, const float* rewards,
                                         const uint8_t* roles, const float* weights, int64_t groups,
                                         const int64_t* offsets, const int64_t* ids,
                                         const plait_advantage_options* options, float* advantages, float* group_mean,
                                         float* group_std, void* workspace, int64_t workspace_bytes) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckAdvantageOptions(options));
  ranges.AddStructure("options", options);
  if (offsets && ids) PLAIT_REFUSE("ids: expected NULL beside offsets, got %p", static_cast<const void*>(ids));
  if (!offsets && !ids && n > 0) PLAIT_REFUSE("offsets: expected offsets or ids, got NULL for both");
  if (n < 0 || n > kMaxTokens) {
    PLAIT_REFUSE("n: expected a count >= 0 that fits memory, got %lld", static_cast<long long>(n));
  }
  if (groups < 0 || groups > kMaxSequences) {
    PLAIT_REFUSE("groups: expected a count >= 0 that fits memory, got %lld", static_cast<long long>(groups));
  }
  PLAIT_TRY(CheckPacking(n, offsets ? groups : 0, offsets, &ranges));
  PLAIT_TRY(AddInput(&ranges, "rewards", rewards, n, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "roles", roles, n, 1, kOptional));
  PLAIT_TRY(AddInput(&ranges, "weights", weights, n, sizeof(float),
                     options->baseline == PLAIT_BASELINE_WEIGHTED_MEAN ? kRequired : kOptional));
  PLAIT_TRY(AddInput(&ranges, "ids", ids, n, sizeof(int64_t), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "advantages", advantages, n, sizeof(float), kRequired));
  PLAIT_TRY(AddOutput(&ranges, "group_mean", group_mean, groups, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "group_std", group_std, groups, sizeof(float), kOptional));
  PLAIT_TRY(CheckWorkspace(workspace, workspace_bytes, plait_group_advantage_workspace_bytes(groups), &ranges));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->group_advantage({device, stream},
                                  {n, rewards, roles, weights, groups, offsets, ids, *options, workspace},
                                  {advantages, group_mean, group_std});
}

extern "C" int32_t plait_token_advantage(int32_t device, void* stream, int64_t tokens, int64_t sequences,
                                         const int64_t* offsets, const uint8_t* roles, const float* rewards,
                                         const float* values, float gamma, float lambda, int32_t restart,
                                         float* advantages, float* returns) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckPacking(tokens, sequences, offsets, &ranges));
  if (!(gamma >= 0 && gamma <= 1)) PLAIT_REFUSE("gamma: expected a number in [0, 1], got %g", gamma);
  if (!(lambda >= 0 && lambda <= 1)) PLAIT_REFUSE("lambda: expected a number in [0, 1], got %g", lambda);
  PLAIT_TRY(CheckEnum("restart", restart, 1));
  PLAIT_TRY(AddInput(&ranges, "roles", roles, tokens, 1, kOptional));
  PLAIT_TRY(AddInput(&ranges, "rewards", rewards, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "values", values, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "advantages", advantages, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddOutput(&ranges, "returns", returns, tokens, sizeof(float), kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->token_advantage({device, stream}, {tokens, sequences, offsets, roles, rewards, values, gamma, lambda,
                                                     restart != 0, advantages, returns});
}

extern "C" int32_t plait_whiten(int32_t device, void* stream, int64_t tokens, const uint8_t* roles, const float* x,
                                int32_t sample, int32_t shift, float floor, float epsilon, float* out) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckPacking(tokens, 0, nullptr, &ranges));
  PLAIT_TRY(CheckEnum("sample", sample, 1));
  PLAIT_TRY(CheckEnum("shift", shift, 1));
  if (!(floor >= 0 && floor < INFINITY)) PLAIT_REFUSE("floor: expected a finite number >= 0, got %g", floor);
  if (!(epsilon >= 0 && epsilon < INFINITY)) PLAIT_REFUSE("epsilon: expected a finite number >= 0, got %g", epsilon);
  PLAIT_TRY(AddInput(&ranges, "roles", roles, tokens, 1, kOptional));
  if (out == x) {
    PLAIT_TRY(CheckArray("x", x, tokens, sizeof(float)));
  } else {
    PLAIT_TRY(AddInput(&ranges, "x", x, tokens, sizeof(float), kRequired));
  }
  PLAIT_TRY(AddOutput(&ranges, "out", out, tokens, sizeof(float), kRequired));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->whiten({device, stream}, {tokens, roles, x, sample != 0, shift != 0, floor, epsilon, out});
}

extern "C" int32_t plait_importance_ratio(int32_t device, void* stream, int64_t tokens, int64_t sequences,
                                          const int64_t* offsets, const uint8_t* roles, const float* logp,
                                          const float* old_logp, int32_t level, float clip_low, float clip_high,
                                          float log_ratio_limit, float* ratio, float* sequence_ratio, uint8_t* flags) {
  PLAIT_BACKEND(device);
  AddressRanges ranges;
  PLAIT_TRY(CheckPacking(tokens, sequences, offsets, &ranges));
  PLAIT_TRY(CheckEnum("level", level, PLAIT_RATIO_SEQUENCE_SUM));
  if (!(clip_low >= 0)) PLAIT_REFUSE("clip_low: expected >= 0, got %g", clip_low);
  if (!(clip_high >= 0)) PLAIT_REFUSE("clip_high: expected >= 0, got %g", clip_high);
  if (!(log_ratio_limit > 0)) PLAIT_REFUSE("log_ratio_limit: expected > 0, got %g", log_ratio_limit);
  if (sequence_ratio && level == PLAIT_RATIO_TOKEN) {
    PLAIT_REFUSE("sequence_ratio: expected NULL at the token level, got %p", static_cast<void*>(sequence_ratio));
  }
  PLAIT_TRY(AddInput(&ranges, "roles", roles, tokens, 1, kOptional));
  PLAIT_TRY(AddInput(&ranges, "logp", logp, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddInput(&ranges, "old_logp", old_logp, tokens, sizeof(float), kRequired));
  PLAIT_TRY(AddOutput(&ranges, "ratio", ratio, tokens, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "sequence_ratio", sequence_ratio, offsets ? sequences : 1, sizeof(float), kOptional));
  PLAIT_TRY(AddOutput(&ranges, "flags", flags, tokens, 1, kOptional));
  PLAIT_TRY(ranges.Check(*backend, device));
  return backend->importance_ratio(
      {device, stream},
      {tokens, sequences, offsets, roles, logp, old_logp, level, clip_low, clip_high, log_ratio_limit},
      {ratio, sequence_ratio, flags});
}
