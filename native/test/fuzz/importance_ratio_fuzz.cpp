// plait_importance_ratio at every level.
#include "objective_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 30;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const int64_t tokens = call.Int(0, 60);
  const Packing packing(&call, tokens, true);
  const Roles roles(&call, "roles", tokens);
  const std::vector<float> logp_values = call.Floats(tokens, -6, 0), old_values = call.Floats(tokens, -6, 0);
  const float* logp = call.Input("logp", logp_values);
  const float* old_logp = call.Input("old_logp", old_values);
  const int32_t level = call.Enum("level", PLAIT_RATIO_SEQUENCE_SUM);
  const float clip_low = call.Number("clip_low", IsNotNegative), clip_high = call.Number("clip_high", IsNotNegative);
  const float limit = call.Number("log_ratio_limit", IsPositive);
  float* ratio = call.Output<float>("ratio", tokens, Null::kOptional);
  float* sequence_ratio = nullptr;
  if (level != PLAIT_RATIO_TOKEN || call.Spoil("sequence_ratio")) {
    sequence_ratio = call.Output<float>("sequence_ratio", packing.count(), Null::kOptional);
    if (level == PLAIT_RATIO_TOKEN && !sequence_ratio) return 0;
  }
  uint8_t* flags = call.Output<uint8_t>("flags", tokens, Null::kOptional);
  const int64_t count = call.Spoil("tokens") ? call.Pick<int64_t>({-1, INT64_MIN, INT64_MAX}) : tokens;
  ScrambleIgnored(&call, roles, logp, tokens);
  ScrambleIgnored(&call, roles, old_logp, tokens);
  const bool accepted = call.Check([&] {
    return plait_importance_ratio(device, nullptr, count, packing.sequences, packing.offsets, roles.get(), logp,
                                  old_logp, level, clip_low, clip_high, limit, ratio, sequence_ratio, flags);
  });
  if (!accepted) return 0;
  for (int64_t i = 0; i < packing.count(); ++i) {
    const int64_t begin = packing.values[static_cast<size_t>(i)], end = packing.values[static_cast<size_t>(i) + 1];
    int64_t counted = 0;
    bool finite = true;
    for (int64_t t = begin; t < end; ++t) {
      if (roles.IsIgnored(t)) {
        PLAIT_EXPECT((!ratio || ratio[t] == 0) && (!flags || flags[t] == 0), "ignored, not zero");
        continue;
      }
      ++counted;
      const bool token_finite =
          IsFinite(logp_values[static_cast<size_t>(t)]) && IsFinite(old_values[static_cast<size_t>(t)]);
      finite = finite && token_finite;
      if (!ratio) continue;
      PLAIT_EXPECT(level != PLAIT_RATIO_TOKEN || !token_finite || ratio[t] >= 0, "ratio %g", ratio[t]);
      PLAIT_EXPECT(!sequence_ratio || Same(ratio[t], sequence_ratio[i]), "a token's ratio is not its sequence's");
      if (!flags) continue;
      const int bounds =
          (ratio[t] < 1 - clip_low ? PLAIT_RATIO_BELOW : 0) | (ratio[t] > 1 + clip_high ? PLAIT_RATIO_ABOVE : 0);
      PLAIT_EXPECT((flags[t] & ~PLAIT_RATIO_LIMITED) == bounds, "flags %d of ratio %g in [1 - %g, 1 + %g]", flags[t],
                   ratio[t], clip_low, clip_high);
    }
    if (!sequence_ratio) continue;
    PLAIT_EXPECT(counted > 0 || sequence_ratio[i] == 1, "a sequence without tokens has ratio %g", sequence_ratio[i]);
    PLAIT_EXPECT(!finite || sequence_ratio[i] >= 0, "ratio %g out of numbers", sequence_ratio[i]);
  }
  return 0;
}
