// plait_token_advantage and plait_whiten.
#include "objective_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 30;

bool IsFraction(float v) { return v >= 0 && v <= 1; }

void FuzzWhiten(Call* call) {
  const int32_t device = call->Device();
  const int64_t tokens = call->Int(0, 60);
  const Roles roles(call, "roles", tokens);
  const std::vector<float> values = call->Floats(tokens, -2, 2);
  const int32_t sample = call->Enum("sample", 1), shift = call->Enum("shift", 1);
  const float floor = call->Number("floor", IsFiniteAndNotNegative);
  const float epsilon = call->Number("epsilon", IsFiniteAndNotNegative);
  const float* x = call->Input("x", values);
  float* out = call->Output<float>("out", tokens);
  const int64_t count = call->Spoil("tokens") ? call->Pick<int64_t>({-1, INT64_MIN, INT64_MAX}) : tokens;
  if (out && out == x) return;  // the overlap that is allowed
  ScrambleIgnored(call, roles, x, tokens);
  const bool accepted = call->Check(
      [&] { return plait_whiten(device, nullptr, count, roles.get(), x, sample, shift, floor, epsilon, out); });
  if (!accepted) return;
  bool finite = true, equal = true;
  int64_t counted = 0;
  float one = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    if (roles.IsIgnored(t)) continue;
    const float v = values[static_cast<size_t>(t)];
    finite = finite && IsFinite(v);
    equal = equal && (counted == 0 || v == one);
    one = v;
    ++counted;
  }
  for (int64_t t = 0; t < tokens; ++t) {
    PLAIT_EXPECT(!roles.IsIgnored(t) || out[t] == 0, "ignored, not zero");
    PLAIT_EXPECT(!finite || out[t] == out[t], "NaN out of numbers");
    PLAIT_EXPECT(!(finite && (counted < 2 || (equal && shift))) || out[t] == 0, "equal values give %g", out[t]);
  }
  if (tokens == 0) return;
  Block over("x", tokens * 4, 4, 0, Block::Use::kInPlace);
  std::memcpy(over.data, values.data(), values.size() * sizeof(float));
  float* both = reinterpret_cast<float*>(over.data);
  PLAIT_EXPECT(
      plait_whiten(PLAIT_CPU, nullptr, tokens, roles.get(), both, sample, shift, floor, epsilon, both) == PLAIT_OK,
      "refused in place");
  PLAIT_EXPECT(std::memcmp(both, out, values.size() * sizeof(float)) == 0, "differs in place");
}

void FuzzTokenAdvantage(Call* call) {
  const int32_t device = call->Device();
  const int64_t tokens = call->Int(0, 60);
  const Packing packing(call, tokens, true);
  const Roles roles(call, "roles", tokens);
  const std::vector<float> reward_values = call->Floats(tokens, -2, 2), value_values = call->Floats(tokens, -2, 2);
  const float* rewards = call->Input("rewards", reward_values);
  const float* values = call->Input("values", value_values, Null::kOptional);
  const float gamma = call->Number("gamma", IsFraction), lambda = call->Number("lambda", IsFraction);
  const int32_t restart = call->Enum("restart", 1);
  float* advantages = call->Output<float>("advantages", tokens);
  float* returns = call->Output<float>("returns", tokens, Null::kOptional);
  const int64_t count = call->Spoil("tokens") ? call->Pick<int64_t>({-1, INT64_MIN, INT64_MAX}) : tokens;
  ScrambleIgnored(call, roles, rewards, tokens);
  ScrambleIgnored(call, roles, values, tokens);
  const bool accepted = call->Check([&] {
    return plait_token_advantage(device, nullptr, count, packing.sequences, packing.offsets, roles.get(), rewards,
                                 values, gamma, lambda, restart, advantages, returns);
  });
  if (!accepted) return;
  for (int64_t i = 0; i < packing.count(); ++i) {
    const int64_t begin = packing.values[static_cast<size_t>(i)], end = packing.values[static_cast<size_t>(i) + 1];
    bool finite = true;  // of the sequence from its end up to the token
    for (int64_t t = end - 1; t >= begin; --t) {
      if (roles.IsIgnored(t)) {
        PLAIT_EXPECT(advantages[t] == 0 && (!returns || returns[t] == 0), "ignored, not zero");
        finite = finite || restart;
        continue;
      }
      finite = finite && IsFinite(reward_values[static_cast<size_t>(t)]) &&
               (!values || IsFinite(value_values[static_cast<size_t>(t)]));
      if (!finite) continue;
      PLAIT_EXPECT(advantages[t] == advantages[t] && (!returns || returns[t] == returns[t]), "NaN out of numbers");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  if (call.Bool()) {
    FuzzWhiten(&call);
  } else {
    FuzzTokenAdvantage(&call);
  }
  return 0;
}
