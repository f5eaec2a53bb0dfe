// plait_token_objective under any objective, and plait_objective_second_pass.
#include "objective_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 230;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const int64_t tokens = call.Int(0, 15) == 15 ? call.Int(1020, 2060) : call.Int(0, 24);  // metrics' blocks are of 1024
  const size_t before = call.violations();
  const Objective objective(&call);
  const bool sound = call.violations() == before;
  const Batch batch(&call, objective, tokens, false);
  const plait_normalizers* normalizers = DrawNormalizers(&call, objective);
  const std::vector<float> logp = batch.LogProbs(&call);
  const float* logp_argument = call.Input("logp", logp);
  const std::vector<float> entropies = call.Floats(tokens, 0, 5);
  const float* entropy =
      objective.NeedsEntropy() ? call.Input("entropy", entropies) : call.Input("entropy", entropies, Null::kOptional);
  float* c = call.Output<float>("c", tokens, Null::kOptional);
  float* h = call.Output<float>("h", tokens, Null::kOptional);
  float* token_loss = call.Output<float>("token_loss", tokens, Null::kOptional);
  auto* metrics = call.Output<plait_metrics>("metrics", 1, Null::kOptional);
  const Call::Memory workspace = call.Workspace(batch.WorkspaceBytes());
  ScrambleIgnored(&call, batch.roles(), logp_argument, tokens);
  ScrambleIgnored(&call, batch.roles(), entropy, tokens);

  const bool accepted = call.Check([&] {
    return plait_token_objective(device, nullptr, batch.get(), objective.get(), normalizers, logp_argument, entropy, c,
                                 h, token_loss, metrics, workspace.data, workspace.bytes);
  });
  const char* second_pass = plait_objective_second_pass(objective.get());
  PLAIT_EXPECT((second_pass != nullptr) == sound, "an objective is refused by one function and not by another");
  if (!accepted) return 0;
  if (metrics) CheckMetrics(*metrics, batch.roles(), tokens, 0);
  for (int64_t t = 0; t < tokens; ++t) {
    const size_t i = static_cast<size_t>(t);
    if (batch.roles().IsIgnored(t)) {
      PLAIT_EXPECT((!c || c[t] == 0) && (!h || h[t] == 0) && (!token_loss || token_loss[t] == 0), "ignored, not zero");
    } else if (logp[i] != logp[i] && !objective.Rejects()) {
      PLAIT_EXPECT((!c || c[t] != c[t]) && (!h || h[t] != h[t]), "a NaN is lost: c %g, h %g", c ? c[t] : 0,
                   h ? h[t] : 0);
    }
  }
  return 0;
}
