// plait_logits_grad, in place and apart, from the states of the logits or from any.
#include "logits_input.h"

using namespace plait;
using namespace plait::fuzz;

namespace {

constexpr int kSites = 60;

// Whether the definition says what the gradient is, within rounding.
bool IsTame(const Logits& logits, int64_t t, float c, float h) {
  const float temperature = logits.TemperatureOf(t);
  return logits.IsSound(t) && !logits.IsBadTarget(t) && std::fabs(c) <= 100 && std::fabs(h) <= 100 &&
         temperature >= 0.05f && temperature <= 20;
}

void CheckRow(const Logits& logits, int64_t t, const std::vector<float>& row, const float* state, float c, float h) {
  const bool zero = logits.IsBadTarget(t) || (c == 0 && h == 0 && state[1] > 0 && logits.IsSound(t));
  for (int64_t j = 0; zero && j < logits.vocab(); ++j) PLAIT_EXPECT(row[static_cast<size_t>(j)] == 0, "not zero");
  if (!logits.IsSound(t) && !logits.IsBadTarget(t)) {
    for (const float v : row) PLAIT_EXPECT(v != v, "%g in the gradient of a row that has none", v);
  }
  if (!IsTame(logits, t, c, h) || zero) return;
  const double temperature = logits.TemperatureOf(t);
  const Statistics statistics = logits.StatisticsOf(t);
  const double limit = logits.value().dtype == PLAIT_FLOAT16 ? 65504 : FLT_MAX;
  const double ulp = logits.value().dtype == PLAIT_FLOAT32 ? 0x1p-23 : 0x1p-7;
  double largest = 0;  // p |S - z|, of which roundings are a part
  std::vector<double> want;
  for (int64_t j = 0; j < logits.vocab(); ++j) {
    const double logp = (logits.At(t, j) - statistics.max) / temperature - statistics.log_sum;
    const double p = std::exp(logp), entropy_part = p == 0 ? 0 : p * (logp + statistics.entropy);
    largest = std::fmax(largest, std::fabs(entropy_part));
    want.push_back((c * ((j == logits.ColumnOf(t)) - p) - h * entropy_part) / temperature);
  }
  const double error = 1e-4 * (std::fabs(c) + std::fabs(h) * (1 + largest)) / temperature + 1e-7;
  for (int64_t j = 0; j < logits.vocab(); ++j) {
    const double expected = want[static_cast<size_t>(j)];
    if (std::fabs(expected) > 0.99 * limit) continue;
    PLAIT_EXPECT(std::fabs(row[static_cast<size_t>(j)] - expected) <= error + ulp * std::fabs(expected),
                 "column %lld of %lld is %.9g, not %.9g", static_cast<long long>(j),
                 static_cast<long long>(logits.vocab()), row[static_cast<size_t>(j)], expected);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const bool in_place = call.Bool();
  Logits logits(&call, Logits::Vocabulary::kShard, in_place);
  const int64_t tokens = logits.tokens();
  const bool whole = logits.value().vocab_total == logits.vocab();

  // The states of these very logits, or of others: then only safety and repeatability can be asked for.
  std::vector<float> states(static_cast<size_t>(PLAIT_STATE_FLOATS * tokens));
  const bool own = call.Bool() && !call.IsSpoiled();
  if (own) {
    PLAIT_EXPECT(plait_row_stats(PLAIT_CPU, nullptr, logits.get(), nullptr, nullptr, nullptr, states.data(), nullptr) ==
                     PLAIT_OK,
                 "refused");
  } else {
    states = call.Floats(PLAIT_STATE_FLOATS * tokens, -1, 3);
  }
  std::vector<float> c = call.Floats(tokens, -3, 3), h = call.Floats(tokens, -3, 3);
  Random zeros = call.Seed();
  const int64_t often = call.Int(1, 5);
  for (int64_t t = 0; t < tokens; ++t) {
    if (zeros.Below(often) == 0 && often > 1) c[static_cast<size_t>(t)] = h[static_cast<size_t>(t)] = 0;
  }
  const float* state = call.Input("state", states);
  const float* c_argument = call.Input("c", c);
  const float* h_argument = call.Input("h", h, Null::kOptional);

  const auto h_of = [&](int64_t t) { return h_argument ? h[static_cast<size_t>(t)] : 0; };
  for (int64_t t = 0; own && t < tokens; ++t) {  // such a row is not read
    if (c[static_cast<size_t>(t)] == 0 && h_of(t) == 0 && states[static_cast<size_t>(PLAIT_STATE_FLOATS * t + 1)] > 0) {
      logits.Forbid(t);
    }
  }

  int64_t stride = in_place ? logits.stride() : logits.vocab() + call.Int(0, 9);
  const int64_t bytes =
      logits.rows() == 0 ? 0 : ((logits.rows() - 1) * stride + logits.vocab()) * logits.element_bytes();
  char* dlogits = const_cast<char*>(static_cast<const char*>(logits.value().data));
  if (!in_place && !(tokens > 0 && call.Spoil("dlogits"))) {
    dlogits = call.OutputBytes("dlogits", bytes, logits.element_bytes());
    if (Block* block = call.Find(dlogits)) {
      block->left = [&logits, stride](int64_t i) { return logits.IsGap(i, stride); };
    }
  } else if (!in_place) {
    dlogits = nullptr;
  }
  if (!in_place && dlogits && dlogits == logits.value().data) return 0;  // the overlap that is allowed
  if (call.Spoil("dlogits_stride")) {
    stride = call.Pick<int64_t>({logits.vocab() - 1, 0, -1, INT64_MIN});
    if (in_place && logits.rows() > 0 && call.Bool()) stride = logits.stride() + 1;
  }
  int64_t* bad_targets = call.Output<int64_t>("bad_targets", 1, Null::kOptional);
  const plait_logits* argument = logits.get();
  plait_logits huge;
  if (argument && call.Spoil("")) {
    huge = logits.value();
    huge.rows = huge.tokens = call.Pick<int64_t>({int64_t{1} << 40, int64_t{1} << 61, INT64_MAX / 2, INT64_MAX});
    huge.vocab = huge.row_stride = huge.vocab_total = 1;
    argument = &huge;
    bad_targets = call.Misaligned<int64_t>();
  }
  const bool accepted = call.Check([&] {
    const Logits::Guard guard(logits);
    return plait_logits_grad(device, nullptr, argument, state, c_argument, h_argument, dlogits, stride, bad_targets);
  });
  if (!accepted) return 0;
  PLAIT_EXPECT(!bad_targets || *bad_targets == logits.BadTargets(), "bad_targets");
  std::vector<float> row(static_cast<size_t>(logits.vocab()));
  for (int64_t t = 0; own && whole && tokens > 0 && t < tokens; ++t) {
    for (int64_t j = 0; j < logits.vocab(); ++j) {
      row[static_cast<size_t>(j)] = LoadElement(dlogits, logits.RowOf(t) * stride + j, logits.value().dtype);
    }
    CheckRow(logits, t, row, state + PLAIT_STATE_FLOATS * t, c[static_cast<size_t>(t)], h_of(t));
  }
  if (in_place || tokens == 0) return 0;

  // In place the bits are the same.
  std::vector<char> copy(logits.content());
  plait_logits over = logits.value();
  Block same("dlogits", static_cast<int64_t>(copy.size()), logits.element_bytes(), 0, Block::Use::kInPlace);
  std::memcpy(same.data, copy.data(), copy.size());
  over.data = same.data;
  PLAIT_EXPECT(plait_logits_grad(PLAIT_CPU, nullptr, &over, state, c_argument, h_argument, same.data, logits.stride(),
                                 nullptr) == PLAIT_OK,
               "refused in place");
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t at = logits.RowOf(t) * logits.element_bytes();
    PLAIT_EXPECT(std::memcmp(same.data + at * logits.stride(), dlogits + at * stride,
                             static_cast<size_t>(logits.vocab() * logits.element_bytes())) == 0,
                 "token %lld differs in place", static_cast<long long>(t));
  }
  return 0;
}
