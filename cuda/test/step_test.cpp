// Stage two and the whole step on the device against the CPU backend, over random batches and rules of every kind.
#include <string>

#include "device_support.h"
#include "metrics_math.h"

using namespace plait;
using namespace plait::test;

namespace {

// A packed batch of sequences, some empty, with all that a token can have. On the host; `On` copies it to the device.
struct Batch {
  explicit Batch(int64_t tokens, uint32_t seed) : random(seed) {
    offsets = {0};
    while (offsets.back() < tokens) {
      const int64_t length = static_cast<int64_t>(random() % 400);
      offsets.push_back(std::min(tokens, offsets.back() + (random() % 5 ? length : 0)));
    }
    std::normal_distribution<float> noise(0, 0.3f);
    for (int64_t t = 0; t < tokens; ++t) {
      const float base = -0.05f - 3 * Uniform();
      logp.push_back(base);
      entropy.push_back(4 * Uniform());
      old_logp.push_back(base + noise(random));
      ref_logp.push_back(base + noise(random));
      sampler_logp.push_back(old_logp.back() + noise(random) / 3);
      advantages.push_back(std::round(4 * noise(random)) / 2);
      roles.push_back(static_cast<uint8_t>(random() % 16 ? 1 + t / 50 % 3 : 0));
    }
  }

  float Uniform() { return static_cast<float>(random() % 10000) / 10000; }

  plait_token_batch Host() const {
    plait_token_batch batch = EmptyBatch(static_cast<int64_t>(logp.size()));
    batch.sequences = static_cast<int64_t>(offsets.size()) - 1;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    batch.sampler_logp = sampler_logp.data();
    return batch;
  }

  std::mt19937 random;
  std::vector<int64_t> offsets;
  std::vector<uint8_t> roles;
  std::vector<float> logp, entropy, old_logp, ref_logp, sampler_logp, advantages;
};

struct DeviceBatch {
  explicit DeviceBatch(const Batch& batch)
      : offsets(batch.offsets),
        roles(batch.roles),
        logp(batch.logp),
        entropy(batch.entropy),
        old_logp(batch.old_logp),
        ref_logp(batch.ref_logp),
        sampler_logp(batch.sampler_logp),
        advantages(batch.advantages),
        view(batch.Host()) {
    view.offsets = offsets.get();
    view.roles = roles.get();
    view.advantages = advantages.get();
    view.old_logp = old_logp.get();
    view.ref_logp = ref_logp.get();
    view.sampler_logp = sampler_logp.get();
  }
  Array<int64_t> offsets;
  Array<uint8_t> roles;
  Array<float> logp, entropy, old_logp, ref_logp, sampler_logp, advantages;
  plait_token_batch view;
};

plait_rule Rule(int32_t policy_loss) {
  plait_rule rule = EmptyRule();
  rule.policy_loss = policy_loss;
  rule.policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  rule.kl = {0.05f, PLAIT_SEQ_MEAN_TOKEN_MEAN, PLAIT_OWN_ROLE};
  rule.kl_estimator = PLAIT_KL_K3;
  rule.entropy = {0.01f, PLAIT_SEQ_MEAN_TOKEN_SUM, PLAIT_OWN_ROLE};
  return rule;
}

struct Named {
  std::string name;
  plait_objective objective;
};

// One objective per loss, and one per thing that needs the sequence or the batch.
std::vector<Named> Objectives() {
  std::vector<Named> all;
  const auto add = [&](const std::string& name, const auto& change) {
    plait_objective objective = EmptyObjective();
    objective.rules[0] = Rule(PLAIT_POLICY_CLIP);
    objective.rules[1] = Rule(PLAIT_POLICY_NONE);
    objective.rules[1].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_OWN_ROLE};
    objective.rules[2] = Rule(PLAIT_POLICY_RESHAPED);
    objective.rules[2].behaviour = PLAIT_BEHAVIOUR_CERTAIN;
    change(objective);
    all.push_back({name, objective});
  };
  for (int32_t loss = PLAIT_POLICY_REINFORCE; loss <= PLAIT_POLICY_VESPO; ++loss) {
    add("loss " + std::to_string(loss), [&](plait_objective& o) { o.rules[0].policy_loss = loss; });
  }
  for (int32_t level = PLAIT_RATIO_SEQUENCE_MEAN; level <= PLAIT_RATIO_SEQUENCE_SUM; ++level) {
    add("ratio level " + std::to_string(level), [&](plait_objective& o) { o.rules[0].ratio_level = level; });
  }
  for (const int32_t scope : {PLAIT_SCOPE_SEQUENCE, PLAIT_SCOPE_BATCH}) {
    add("selection " + std::to_string(scope), [&](plait_objective& o) { o.rules[0].selection = {scope, 0.7f}; });
  }
  for (const int32_t scope : {PLAIT_SCOPE_TOKEN, PLAIT_SCOPE_SEQUENCE}) {
    add("weighting " + std::to_string(scope), [&](plait_objective& o) {
      o.rules[0].policy_weighting = {scope, 0.1f, 1, 1};
      o.rules[1].nll_weighting = {scope, 0.5f, -1, 0};
    });
  }
  for (int32_t weighting = PLAIT_WEIGHT_PROBABILITY; weighting <= PLAIT_WEIGHT_VARIANCE; ++weighting) {
    add("probability weighting " + std::to_string(weighting),
        [&](plait_objective& o) { o.rules[1].nll_probability_weighting = weighting; });
  }
  add("clip-cov", [](plait_objective& o) { o.rules[0].covariance = {PLAIT_COVARIANCE_CLIP, 5, 0.05f, -1, 1, 0}; });
  add("kl-cov", [](plait_objective& o) { o.rules[0].covariance = {PLAIT_COVARIANCE_KL, 0, 0.05f, 0, 0, 1}; });
  add("off-policy", [](plait_objective& o) { o.rules[0].off_policy_threshold = 0.01f; });
  for (int32_t level = PLAIT_CORRECTION_TOKEN; level <= PLAIT_CORRECTION_SEQUENCE_MEAN; ++level) {
    add("correction " + std::to_string(level), [&](plait_objective& o) {
      o.rules[0].sampler_correction = 1;
      o.correction = {level,
                      level == PLAIT_CORRECTION_TOKEN ? PLAIT_CORRECTION_MASK : PLAIT_CORRECTION_TRUNCATE,
                      0.5f,
                      2,
                      20,
                      1,
                      level + 1,
                      PLAIT_KL_K2,
                      0,
                      0.02f,
                      PLAIT_FILTER_REJECT,
                      0};
    });
  }
  return all;
}

struct Results {
  std::vector<float> c, h, token_loss;
  plait_metrics metrics;
};

Results OnCpu(const Batch& batch, const plait_objective& objective) {
  const plait_token_batch view = batch.Host();
  const size_t n = batch.logp.size();
  Results out = {std::vector<float>(n), std::vector<float>(n), std::vector<float>(n), {}};
  const int64_t bytes = plait_objective_workspace_bytes(view.tokens, view.sequences);
  std::vector<double> workspace(bytes / 8);
  Accept(plait_token_objective(PLAIT_CPU, nullptr, &view, &objective, nullptr, batch.logp.data(), batch.entropy.data(),
                               out.c.data(), out.h.data(), out.token_loss.data(), &out.metrics, workspace.data(),
                               bytes));
  return out;
}

Results OnDevice(const DeviceBatch& batch, const plait_objective& objective) {
  const size_t n = batch.view.tokens;
  const Array<float> c(n), h(n), token_loss(n);
  const Array<plait_metrics> metrics(1);
  const int64_t bytes = plait_objective_workspace_bytes(batch.view.tokens, batch.view.sequences);
  const Array<double> workspace(bytes / 8);
  Accept(plait_token_objective(kDevice, nullptr, &batch.view, &objective, nullptr, batch.logp.get(),
                               batch.entropy.get(), c.get(), h.get(), token_loss.get(), metrics.get(), workspace.get(),
                               bytes));
  return {c.Read(), h.Read(), token_loss.Read(), metrics.Read()[0]};
}

// How many elements differ by more than float32 rounding allows.
int64_t Far(const std::vector<float>& actual, const std::vector<float>& expected) {
  int64_t far = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const bool close = std::fabs(actual[i] - expected[i]) <= 1e-6 * std::fabs(expected[i]) + 1e-9;
    far += !close && !(std::isnan(actual[i]) && std::isnan(expected[i]));
  }
  return far;
}

void CheckMetrics(const plait_metrics& actual, const plait_metrics& expected) {
  const double* a = reinterpret_cast<const double*>(&actual);
  const double* e = reinterpret_cast<const double*>(&expected);
  for (int field = 0; field < kMetricFields; ++field) {
    CAPTURE(field);
    const double scale = std::fmax(std::fabs(e[field]), field < 5 ? expected.loss_magnitude : 0);
    CHECK((a[field] == e[field] || std::fabs(a[field] - e[field]) <= 1e-6 * scale));
  }
}

}  // namespace

TEST_CASE("stage two on the device is that of the CPU, for every loss, scope and correction") {
  const Batch batch(5000, 11);
  const DeviceBatch device(batch);
  for (const Named& named : Objectives()) {
    CAPTURE(named.name);
    const Results expected = OnCpu(batch, named.objective), actual = OnDevice(device, named.objective);
    CHECK(Far(actual.c, expected.c) == 0);
    CHECK(Far(actual.h, expected.h) == 0);
    CHECK(Far(actual.token_loss, expected.token_loss) == 0);
    CheckMetrics(actual.metrics, expected.metrics);
    CHECK(expected.metrics.loss_magnitude > 1e-3);
    CHECK(expected.metrics.sampler_tokens > 1000);
  }
}

TEST_CASE("a step on the device equals its three stages, bit for bit") {
  const int64_t tokens = 12;
  Batch batch(tokens, 3);
  batch.offsets = {0, 4, 4, tokens};
  batch.roles = {1, 1, 2, 0, 1, 1, 3, 2, 1, 0, 1, 2};
  const DeviceBatch device_batch(batch);
  const int64_t bytes = plait_objective_workspace_bytes(tokens, 3);
  const Array<double> workspace(bytes / 8);
  for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16}) {
    for (const int64_t vocab : {777, 33000}) {
      Rows rows(tokens, vocab, dtype);
      rows.Randomize(2);
      for (const Named& named : Objectives()) {
        CAPTURE(named.name);
        CAPTURE(vocab);
        if (named.objective.correction.filter_level) continue;  // the stages would have to be told what it rejects
        DeviceRows whole(rows), stages(rows);
        const Array<float> logp(tokens), entropy(tokens), c(tokens), h(tokens);
        Accept(plait_policy_step(kDevice, nullptr, whole.get(), &device_batch.view, &named.objective, nullptr,
                                 whole.data(), vocab, logp.get(), entropy.get(), nullptr, nullptr, workspace.get(),
                                 bytes));
        const StatsArrays stats = RunStats(stages.get());
        Accept(plait_token_objective(kDevice, nullptr, &device_batch.view, &named.objective, nullptr, stats.logp.get(),
                                     stats.entropy.get(), c.get(), h.get(), nullptr, nullptr, workspace.get(), bytes));
        Accept(plait_logits_grad(kDevice, nullptr, stages.get(), stats.state.get(), c.get(), h.get(), stages.data(),
                                 vocab, nullptr));
        CHECK(SameBits(whole.Read(), stages.Read()));
        CHECK(!SameBits(whole.Read(), rows.bytes()));
        const std::vector<float> step_logp = logp.Read(), stats_logp = stats.logp.Read();
        for (int64_t t = 0; t < tokens; ++t) CHECK(step_logp[t] == (batch.roles[t] == 0 ? 0 : stats_logp[t]));
      }
    }
  }
}

TEST_CASE("advantages, ratios and whitening on the device are those of the CPU") {
  const Batch batch(5000, 21);
  const DeviceBatch device(batch);
  const int64_t n = 5000, sequences = static_cast<int64_t>(batch.offsets.size()) - 1;
  std::vector<float> expected(n), expected_returns(n);
  std::vector<uint8_t> expected_flags(n);
  const Array<float> actual(n), returns(n);
  const Array<uint8_t> flags(n);
  std::vector<double> host_workspace(16384);
  const Array<double> workspace(16384);
  for (int32_t baseline = PLAIT_BASELINE_NONE; baseline <= PLAIT_BASELINE_BATCH_MEAN; ++baseline) {
    for (int32_t scale = PLAIT_SCALE_NONE; scale <= PLAIT_SCALE_BATCH_STD; ++scale) {
      const plait_advantage_options options = {
          sizeof(options), baseline, scale, PLAIT_SINGLETON_ZERO, 1, 0, PLAIT_STATISTICS_ROLLOUTS, 0, 1e-6f, 0, 0};
      Accept(plait_group_advantage(PLAIT_CPU, nullptr, n, batch.advantages.data(), batch.roles.data(), nullptr,
                                   sequences, batch.offsets.data(), nullptr, &options, expected.data(), nullptr,
                                   nullptr, host_workspace.data(), 131072));
      Accept(plait_group_advantage(kDevice, nullptr, n, device.advantages.get(), device.roles.get(), nullptr, sequences,
                                   device.offsets.get(), nullptr, &options, actual.get(), nullptr, nullptr,
                                   workspace.get(), 131072));
      CHECK(Far(actual.Read(), expected) == 0);
    }
  }
  for (int32_t level = PLAIT_RATIO_TOKEN; level <= PLAIT_RATIO_SEQUENCE_SUM; ++level) {
    Accept(plait_importance_ratio(PLAIT_CPU, nullptr, n, sequences, batch.offsets.data(), batch.roles.data(),
                                  batch.logp.data(), batch.old_logp.data(), level, 0.2f, 0.3f, 0.5f, expected.data(),
                                  nullptr, expected_flags.data()));
    Accept(plait_importance_ratio(kDevice, nullptr, n, sequences, device.offsets.get(), device.roles.get(),
                                  device.logp.get(), device.old_logp.get(), level, 0.2f, 0.3f, 0.5f, actual.get(),
                                  nullptr, flags.get()));
    CHECK(Far(actual.Read(), expected) == 0);
    CHECK(flags.Read() == expected_flags);
  }
  for (const int32_t restart : {0, 1}) {
    Accept(plait_token_advantage(PLAIT_CPU, nullptr, n, sequences, batch.offsets.data(), batch.roles.data(),
                                 batch.advantages.data(), batch.logp.data(), 0.99f, 0.95f, restart, expected.data(),
                                 expected_returns.data()));
    Accept(plait_token_advantage(kDevice, nullptr, n, sequences, device.offsets.get(), device.roles.get(),
                                 device.advantages.get(), device.logp.get(), 0.99f, 0.95f, restart, actual.get(),
                                 returns.get()));
    CHECK(actual.Read() == expected);
    CHECK(returns.Read() == expected_returns);
  }
  Accept(plait_whiten(PLAIT_CPU, nullptr, n, batch.roles.data(), batch.logp.data(), 1, 1, 0, 1e-8f, expected.data()));
  Accept(plait_whiten(kDevice, nullptr, n, device.roles.get(), device.logp.get(), 1, 1, 0, 1e-8f, actual.get()));
  CHECK(Far(actual.Read(), expected) == 0);
}
