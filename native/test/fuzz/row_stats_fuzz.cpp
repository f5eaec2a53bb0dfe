// plait_row_stats, on whole rows and on shards of them, and plait_row_stats_merge on the shards' states.
#include "logits_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 60;

struct Outputs {
  float* logp;
  float* entropy;
  float* logsumexp;
  float* state;
  int64_t* bad_targets;
};

bool IsNan(float x) { return x != x; }

void CheckRow(const Logits& logits, const Outputs& out, int64_t t) {
  const bool sound = logits.IsSound(t), bad = logits.IsBadTarget(t);
  const Statistics want = sound && !bad ? logits.StatisticsOf(t) : Statistics{NAN, NAN, NAN, NAN, NAN};
  const auto check = [&](const char* name, const float* array, double expected) {
    if (!array) return;
    PLAIT_EXPECT(std::isnan(expected) ? IsNan(array[t]) : IsClose(array[t], expected),
                 "%s of token %lld is %.9g, not %.9g", name, static_cast<long long>(t), array[t], expected);
  };
  check("logp", out.logp, want.logp);
  check("entropy", out.entropy, want.entropy);
  check("logsumexp", out.logsumexp, want.logsumexp);
  if (!out.state) return;
  const float* state = out.state + PLAIT_STATE_FLOATS * t;
  const int64_t column = logits.ColumnOf(t);
  const float target = bad ? kNan : column < 0 ? -kInf : logits.At(t, column);
  PLAIT_EXPECT(Same(state[3], target), "target's logit is %g, not %g", state[3], target);
  if (!sound) return;
  float max = -kInf;
  for (int64_t j = 0; j < logits.vocab(); ++j) max = std::fmax(max, logits.At(t, j));
  PLAIT_EXPECT(state[0] == max, "maximum is %g, not %g", state[0], max);
  PLAIT_EXPECT(state[1] >= 1 && state[2] <= 0, "sums are %g and %g", state[1], state[2]);
}

// A token's statistics are the same bits in a call of its own.
void CheckAlone(const Logits& logits, const Outputs& out, int64_t t) {
  plait_logits one = logits.value();
  int64_t row = logits.RowOf(t), target = logits.TargetOf(t);
  float temperature = logits.TemperatureOf(t);
  one.tokens = 1;
  one.row_index = &row;
  one.targets = &target;
  one.target_dtype = PLAIT_INT64;
  one.temperatures = &temperature;
  float logp, entropy, logsumexp;
  PLAIT_EXPECT(plait_row_stats(PLAIT_CPU, nullptr, &one, &logp, &entropy, &logsumexp, nullptr, nullptr) == PLAIT_OK,
               "a token alone is refused");
  PLAIT_EXPECT(!out.logp || Same(out.logp[t], logp), "logp depends on other rows");
  PLAIT_EXPECT(!out.entropy || Same(out.entropy[t], entropy), "entropy depends on other rows");
  PLAIT_EXPECT(!out.logsumexp || Same(out.logsumexp[t], logsumexp), "logsumexp depends on other rows");
}

// The states of the row's two parts merge into the statistics of the whole.
void CheckParts(const Logits& logits, int64_t split) {
  if (logits.value().vocab_total != logits.vocab() || logits.vocab() < 2) return;
  const int64_t tokens = logits.tokens();
  plait_logits part = logits.value();
  std::vector<float> states(static_cast<size_t>(2 * PLAIT_STATE_FLOATS * tokens));
  std::vector<float> logp(static_cast<size_t>(tokens)), entropy(logp), logsumexp(logp);
  for (int64_t i = 0; i < 2; ++i) {
    part.vocab = i == 0 ? split : logits.vocab() - split;
    part.vocab_begin = i == 0 ? 0 : split;
    part.data = static_cast<const char*>(logits.value().data) + part.vocab_begin * logits.element_bytes();
    float* state = states.data() + i * PLAIT_STATE_FLOATS * tokens;
    PLAIT_EXPECT(plait_row_stats(PLAIT_CPU, nullptr, &part, nullptr, nullptr, nullptr, state, nullptr) == PLAIT_OK,
                 "a shard is refused");
  }
  PLAIT_EXPECT(plait_row_stats_merge(PLAIT_CPU, nullptr, states.data(), 2, tokens, logits.value().temperatures,
                                     logits.value().temperature, logp.data(), entropy.data(), logsumexp.data(),
                                     states.data()) == PLAIT_OK,
               "the shards' states are refused");
  for (int64_t t = 0; t < tokens; ++t) {
    CheckRow(logits, {logp.data(), entropy.data(), logsumexp.data(), states.data(), nullptr}, t);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  Logits logits(&call, Logits::Vocabulary::kShard, false);
  const int64_t tokens = logits.tokens();
  Outputs out;
  out.logp = call.Output<float>("logp", tokens, Null::kOptional);
  out.entropy = call.Output<float>("entropy", tokens, Null::kOptional);
  out.logsumexp = call.Output<float>("logsumexp", tokens, Null::kOptional);
  out.state = call.Output<float>("state", PLAIT_STATE_FLOATS * tokens, Null::kOptional);
  out.bad_targets = call.Output<int64_t>("bad_targets", 1, Null::kOptional);
  const plait_logits* argument = logits.get();
  plait_logits huge;
  if (argument && call.Spoil("")) {  // more tokens than memory has bytes, in a call that must not start
    huge = logits.value();
    huge.rows = huge.tokens = call.Pick<int64_t>({int64_t{1} << 40, int64_t{1} << 61, INT64_MAX / 2, INT64_MAX});
    huge.vocab = huge.row_stride = huge.vocab_total = 1;
    argument = &huge;
    out.bad_targets = call.Misaligned<int64_t>();
  }
  const bool accepted = call.Check([&] {
    const Logits::Guard guard(logits);
    return plait_row_stats(device, nullptr, argument, out.logp, out.entropy, out.logsumexp, out.state, out.bad_targets);
  });
  if (!accepted) return 0;
  for (int64_t t = 0; t < tokens; ++t) CheckRow(logits, out, t);
  PLAIT_EXPECT(!out.bad_targets || *out.bad_targets == logits.BadTargets(), "bad_targets");
  if (tokens > 0) CheckAlone(logits, out, call.Int(0, tokens - 1));
  if (tokens > 0 && logits.vocab() > 1) CheckParts(logits, call.Int(1, logits.vocab() - 1));
  return 0;
}
