// plait_row_stats_merge on states that no row need have.
#include "logits_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 30;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const int64_t tokens = call.Int(0, 20), parts = call.Int(1, 6);
  const size_t floats = static_cast<size_t>(PLAIT_STATE_FLOATS * tokens * parts);
  const std::vector<float> content = call.Floats(static_cast<int64_t>(floats), -3, 3);
  const float* states = call.Input("states", content);
  const float* temperatures = nullptr;
  float temperature = call.Float();  // not read where every token has its own
  if (call.Bool()) {
    std::vector<float> values = call.Floats(tokens, 0.1f, 3, false);
    if (tokens > 0) values[static_cast<size_t>(call.Int(0, tokens - 1))] = call.Number("temperatures", IsTemperature);
    temperatures = call.Input("temperatures", values, Null::kNever);
  } else {
    temperature = call.Number("temperature", IsTemperature);
  }
  float* logp = call.Output<float>("logp", tokens, Null::kOptional);
  float* entropy = call.Output<float>("entropy", tokens, Null::kOptional);
  float* logsumexp = call.Output<float>("logsumexp", tokens, Null::kOptional);
  float* state = call.Output<float>("state", PLAIT_STATE_FLOATS * tokens, Null::kOptional);
  if (state && state == states) return 0;  // the overlap that is allowed
  const int64_t parts_argument = call.Spoil("parts") ? call.Pick<int64_t>({0, -1, INT64_MIN, INT64_MAX}) : parts;
  const int64_t tokens_argument = call.Spoil("tokens") ? call.Pick<int64_t>({-1, INT64_MIN, INT64_MAX}) : tokens;
  if (tokens < 2 && parts_argument == INT64_MAX) return 0;  // not more than memory could hold
  const bool accepted = call.Check([&] {
    return plait_row_stats_merge(device, nullptr, states, parts_argument, tokens_argument, temperatures, temperature,
                                 logp, entropy, logsumexp, state);
  });
  if (!accepted || tokens == 0) return 0;

  // The state may be the first shard's.
  Block over("states", static_cast<int64_t>(floats * sizeof(float)), 4, 0, Block::Use::kInPlace);
  std::memcpy(over.data, content.data(), floats * sizeof(float));
  float* first = reinterpret_cast<float*>(over.data);
  PLAIT_EXPECT(plait_row_stats_merge(PLAIT_CPU, nullptr, first, parts, tokens, temperatures, temperature, nullptr,
                                     nullptr, nullptr, first) == PLAIT_OK,
               "refused in place");
  PLAIT_EXPECT(
      !state || std::memcmp(first, state, sizeof(float) * PLAIT_STATE_FLOATS * static_cast<size_t>(tokens)) == 0,
      "differs in place");
  return 0;
}
