// plait_policy_step, in place and apart, and whether it is the three stages that it stands for.
#include <cmath>

#include "logits_input.h"
#include "objective_input.h"

using namespace plait;
using namespace plait::fuzz;

namespace {

constexpr int kSites = 270;

struct Outputs {
  char* dlogits;
  int64_t stride;
  float* logp;
  float* entropy;
  float* token_loss;
  plait_metrics* metrics;
};

// NaN has no one bit pattern between the stages.
void CheckSame(const char* name, const float* got, const std::vector<float>& want) {
  for (size_t t = 0; got && t < want.size(); ++t) {
    PLAIT_EXPECT(Same(got[t], want[t]), "%s of token %zu is %.9g, by stages %.9g", name, t, got[t], want[t]);
  }
}

// The gradient of a float32 row without an entropy term has another rounding than by stages: each of the two
// exponentials is off by half a unit in the last place of its exponent. Where its coefficient overflows, so may one of
// them alone.
bool WithinRounding(float got, float want) {
  const double size = std::fabs(want);
  if (size == 0 || !std::isfinite(size)) return size != 0 || std::fabs(got) <= 1e-36;
  return std::fabs(got - want) <= 0x1p-23 * size * (4 + std::fabs(std::log(size))) + 1e-36;
}

// Of a call whose targets are good and whose tokens none is rejected: there a stage knows what the step knows.
void CheckStages(const Logits& logits, const Objective& objective, const Batch& batch,
                 const plait_normalizers* normalizers, const Call::Memory& workspace, const Outputs& out) {
  const int64_t tokens = logits.tokens();
  const size_t n = static_cast<size_t>(tokens);
  std::vector<float> logp(n), entropy(n), state(PLAIT_STATE_FLOATS * n), c(n), h(n), loss(n);
  plait_metrics metrics;
  PLAIT_EXPECT(plait_row_stats(PLAIT_CPU, nullptr, logits.get(), logp.data(), entropy.data(), nullptr, state.data(),
                               nullptr) == PLAIT_OK,
               "refused");
  PLAIT_EXPECT(
      plait_token_objective(PLAIT_CPU, nullptr, batch.get(), objective.get(), normalizers, logp.data(), entropy.data(),
                            c.data(), h.data(), loss.data(), &metrics, workspace.data, workspace.bytes) == PLAIT_OK,
      "refused");
  Block rows("rows", logits.bytes(), logits.element_bytes(), 0, Block::Use::kOutput);
  PLAIT_EXPECT(plait_logits_grad(PLAIT_CPU, nullptr, logits.get(), state.data(), c.data(), h.data(), rows.data,
                                 logits.stride(), nullptr) == PLAIT_OK,
               "refused");
  const int32_t dtype = logits.value().dtype;
  const bool one_pass = !*plait_objective_second_pass(objective.get());
  for (int64_t t = 0; t < tokens; ++t) {
    const bool ignored = batch.roles().IsIgnored(t);
    if (ignored) logp[static_cast<size_t>(t)] = entropy[static_cast<size_t>(t)] = 0;
    for (int64_t j = 0; j < logits.vocab(); ++j) {
      const float got = LoadElement(out.dlogits, logits.RowOf(t) * out.stride + j, dtype);
      const float want = ignored ? 0 : LoadElement(rows.data, logits.RowOf(t) * logits.stride() + j, dtype);
      const bool keeps = one_pass && dtype == PLAIT_FLOAT32 && !ignored &&
                         objective.get()->rules[batch.roles()[t] - 1].entropy.coefficient == 0;
      PLAIT_EXPECT(Same(got, want) || (keeps && WithinRounding(got, want)),
                   "column %lld of token %lld is %.9g, by stages %.9g", static_cast<long long>(j),
                   static_cast<long long>(t), got, want);
    }
  }
  CheckSame("logp", out.logp, logp);
  CheckSame("entropy", out.entropy, entropy);
  CheckSame("token_loss", out.token_loss, loss);
  if (!out.metrics) return;
  for (size_t i = 0; i < sizeof(metrics) / sizeof(double); ++i) {
    const double got = reinterpret_cast<const double*>(out.metrics)[i];
    const double want = reinterpret_cast<const double*>(&metrics)[i];
    PLAIT_EXPECT(got == want || (got != got && want != want), "metric %zu is %.17g, by stages %.17g", i, got, want);
  }
}

void CheckTokens(const Logits& logits, const Batch& batch, const Outputs& out) {
  for (int64_t t = 0; t < logits.tokens(); ++t) {
    const bool ignored = batch.roles().IsIgnored(t);
    if (ignored) PLAIT_EXPECT(out.logp[t] == 0 && out.entropy[t] == 0, "statistics of an ignored token");
    if (!ignored && !logits.IsBadTarget(t)) continue;
    PLAIT_EXPECT(!out.token_loss || out.token_loss[t] == 0, "loss of an ignored token or a bad target");
    for (int64_t j = 0; j < logits.vocab(); ++j) {
      const float v = LoadElement(out.dlogits, logits.RowOf(t) * out.stride + j, logits.value().dtype);
      PLAIT_EXPECT(v == 0, "gradient of an ignored token or a bad target");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const bool in_place = call.Bool();
  Logits logits(&call, Logits::Vocabulary::kWhole, in_place);
  const int64_t tokens = logits.tokens();
  const Objective objective(&call);
  const Batch batch(&call, objective, tokens, true);
  const plait_normalizers* normalizers = DrawNormalizers(&call, objective);
  for (int64_t t = 0; t < tokens; ++t) {
    if (batch.roles().IsIgnored(t)) logits.Forbid(t);
  }
  Outputs out;
  out.stride = in_place ? logits.stride() : logits.vocab() + call.Int(0, 9);
  out.dlogits = const_cast<char*>(static_cast<const char*>(logits.value().data));
  if (!in_place && tokens > 0 && call.Spoil("dlogits")) {
    out.dlogits = nullptr;
  } else if (!in_place) {
    const int64_t elements = logits.rows() == 0 ? 0 : (logits.rows() - 1) * out.stride + logits.vocab();
    out.dlogits = call.OutputBytes("dlogits", elements * logits.element_bytes(), logits.element_bytes());
    if (Block* block = call.Find(out.dlogits)) {
      block->left = [&logits, stride = out.stride](int64_t i) { return logits.IsGap(i, stride); };
    }
  }
  if (!in_place && out.dlogits && out.dlogits == logits.value().data) return 0;  // the overlap that is allowed
  if (call.Spoil("dlogits_stride")) {
    out.stride = call.Pick<int64_t>({logits.vocab() - 1, 0, -1, INT64_MIN});
    if (in_place && logits.rows() > 0 && call.Bool()) out.stride = logits.stride() + 1;
  }
  out.logp = call.Output<float>("logp", tokens);
  out.entropy = call.Output<float>("entropy", tokens);
  out.token_loss = call.Output<float>("token_loss", tokens, Null::kOptional);
  out.metrics = call.Output<plait_metrics>("metrics", 1, Null::kOptional);
  const Call::Memory workspace = call.Workspace(batch.WorkspaceBytes());

  const auto run = [&](const plait_logits* x, char* dlogits, int64_t stride) {
    return plait_policy_step(device, nullptr, x, batch.get(), objective.get(), normalizers, dlogits, stride, out.logp,
                             out.entropy, out.token_loss, out.metrics, workspace.data, workspace.bytes);
  };
  const bool accepted = call.Check([&] {
    const Logits::Guard guard(logits);
    return run(logits.get(), out.dlogits, out.stride);
  });
  if (!accepted) return 0;
  int64_t bad = 0;
  for (int64_t t = 0; t < tokens; ++t) bad += !batch.roles().IsIgnored(t) && logits.IsBadTarget(t);
  const bool rejects = objective.Rejects();
  if (out.metrics) CheckMetrics(*out.metrics, batch.roles(), tokens, rejects ? -1 : bad);
  CheckTokens(logits, batch, out);
  if (in_place || tokens == 0) return 0;
  if (bad == 0 && !rejects) CheckStages(logits, objective, batch, normalizers, workspace, out);

  // In place the bits are the same.
  Block same("dlogits", logits.bytes(), logits.element_bytes(), 0, Block::Use::kInPlace);
  std::memcpy(same.data, logits.content().data(), logits.content().size());
  plait_logits over = logits.value();
  over.data = same.data;
  PLAIT_EXPECT(run(&over, same.data, logits.stride()) == PLAIT_OK, "refused in place");
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t at = logits.RowOf(t) * logits.element_bytes();
    PLAIT_EXPECT(std::memcmp(same.data + at * logits.stride(), out.dlogits + at * out.stride,
                             static_cast<size_t>(logits.vocab() * logits.element_bytes())) == 0,
                 "token %lld differs in place", static_cast<long long>(t));
  }
  return 0;
}
