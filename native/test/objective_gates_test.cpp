// Which tokens keep their policy term: entropy selections and covariance; and what a term that is off asks for.
#include <string>

#include "gates.h"
#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Rollout tokens, ignored where `counted` is false, with sequences of their own.
struct Tokens {
  std::vector<int64_t> offsets;
  std::vector<uint8_t> roles;
  std::vector<float> logp, old_logp, entropy, advantages;
  plait_objective objective = EmptyObjective();
  plait_metrics metrics = {};
  std::vector<float> c, h;

  explicit Tokens(int64_t count)
      : offsets({0, count}),
        roles(count, PLAIT_ROLLOUT),
        logp(count, -1.f),
        old_logp(count, -1.f),
        entropy(count, 1.f),
        advantages(count, 1.f),
        c(count),
        h(count) {
    objective.rules[0].policy_loss = PLAIT_POLICY_REINFORCE;
    objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  }

  plait_token_batch Batch() const {
    plait_token_batch batch = EmptyBatch(static_cast<int64_t>(logp.size()));
    batch.sequences = static_cast<int64_t>(offsets.size()) - 1;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    return batch;
  }

  Tokens& Run() { return Run(Batch(), entropy.data()); }
  Tokens& Run(const plait_token_batch& batch, const float* entropies) {
    std::vector<double> workspace(plait_objective_workspace_bytes(batch.tokens, batch.sequences) / 8 + 1);
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, nullptr, logp.data(), entropies, c.data(),
                                 h.data(), nullptr, &metrics, workspace.data(),
                                 static_cast<int64_t>(workspace.size() * 8)));
    return *this;
  }

  std::string Kept() const {
    std::string mask;
    for (const float value : c) mask += value != 0 ? '1' : '0';
    return mask;
  }
};

}  // namespace

TEST_CASE("entropy selection ranks -0 with 0, ties by position, and NaN below every number") {
  Tokens t(8);
  t.offsets = {0, 4, 8};
  t.entropy = {-0.f, 0, kNan, 0, kNan, 0.5f, -kNan, 0.5f};
  t.objective.rules[0].selection = {PLAIT_SCOPE_SEQUENCE, 0.5f};
  CHECK(t.Run().Kept() == "11000101");
  t.objective.rules[0].selection = {PLAIT_SCOPE_BATCH, 0.5f};
  CHECK(t.Run().Kept() == "11000101");
  t.objective.rules[0].selection.drop = 0.7f;  // 8 - floor(5.6)
  CHECK(t.Run().Kept() == "10000101");
  t.objective.rules[0].selection.drop = 0.25f;  // the first NaN goes last of them
  CHECK(t.Run().Kept() == "11110101");
}

TEST_CASE("NaN entropies tie by position") {
  Tokens t(40);
  t.entropy.assign(40, kNan);
  t.objective.rules[0].selection = {PLAIT_SCOPE_BATCH, 0.5f};
  CHECK(t.Run().Kept() == std::string(20, '1') + std::string(20, '0'));
}

TEST_CASE("covariance draws among the tokens that are not clipped") {
  Tokens t(6);
  plait_rule& rule = t.objective.rules[0];
  rule.policy_loss = PLAIT_POLICY_CLIP;
  rule.clip_low = rule.clip_high = 0.2f;
  t.old_logp = {-1, -2, -1, -2, -1, -1};  // two whose ratio is e
  rule.covariance = {PLAIT_COVARIANCE_CLIP, 11, 1, -kInf, kInf, 0};
  t.Run();
  CHECK(t.metrics.dropped_tokens == 4);
}

TEST_CASE("draws are those of SplitMix64, whose state a seed fills from its upper half") {
  CHECK(CovarianceHash(0, 0) == 0xE220A8397B1DCDAFu);
  CHECK(CovarianceHash(0, static_cast<int64_t>(0x9E3779B97F4A7C15u)) == 0x6E789E6AA1B965F4u);
  CHECK(CovarianceHash(5, 3) == CovarianceHash(0, (int64_t{5} << 32) + 3));
}

TEST_CASE("covariance draws and ranks the same tokens whatever is ignored between them") {
  for (const int32_t kind : {PLAIT_COVARIANCE_CLIP, PLAIT_COVARIANCE_KL}) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    Tokens packed(40), padded(100);
    packed.offsets = {0, 17, 40};
    padded.offsets = {0, 50, 100};
    std::fill(padded.roles.begin(), padded.roles.end(), PLAIT_IGNORED);
    const auto at = [](int64_t t) { return t < 17 ? t + 9 : t - 17 + 50; };  // padded left, then right
    for (int64_t t = 0; t < 40; ++t) {
      padded.roles[at(t)] = PLAIT_ROLLOUT;
      packed.logp[t] = padded.logp[at(t)] = -std::fabs(normal(random));
      packed.old_logp[t] = padded.old_logp[at(t)] = packed.logp[t] + 0.1f * normal(random);
      packed.advantages[t] = padded.advantages[at(t)] = normal(random);
    }
    for (Tokens* tokens : {&packed, &padded}) {
      plait_rule& rule = tokens->objective.rules[0];
      rule.policy_loss = PLAIT_POLICY_CLIP;
      rule.clip_low = rule.clip_high = kInf;
      rule.covariance = {kind, 11, 0.2f, -kInf, kInf, 2};
      tokens->Run();
    }
    for (int64_t t = 0; t < 40; ++t) CHECK(packed.c[t] == padded.c[at(t)]);
    CHECK(packed.metrics.dropped_tokens == (kind == PLAIT_COVARIANCE_CLIP ? 8 : 0));
    CHECK(packed.metrics.loss == doctest::Approx(padded.metrics.loss));
  }
}

TEST_CASE("covariance ranks NaN below every number") {
  Tokens t(8);
  t.logp[0] = -kInf;  // the mean too: covariances are NaN where the advantage is the mean, and else infinite
  t.old_logp.assign(8, -0.9f);
  t.advantages = {2, 1, 3, 1, 3, 3, 1, 2};
  const std::vector<float> without = t.Run().c;
  t.objective.rules[0].covariance = {PLAIT_COVARIANCE_KL, 0, 0.25f, 0, 0, 2};
  t.Run();
  for (int i = 0; i < 8; ++i) {
    CAPTURE(i);
    CHECK((t.c[i] != without[i]) == (i == 2 || i == 4));
  }
}

TEST_CASE("the covariance penalty is of the token's own log-ratio, whatever the loss and its ratio") {
  for (const int32_t loss : {PLAIT_POLICY_REINFORCE, PLAIT_POLICY_CLIP, PLAIT_POLICY_CISPO, PLAIT_POLICY_SAPO}) {
    for (const int32_t level : {PLAIT_RATIO_TOKEN, PLAIT_RATIO_SEQUENCE_MEAN}) {
      Tokens t(4);
      t.logp = {-1, -2, -0.5f, -3};
      t.old_logp = {-1.1f, -1.9f, -0.6f, -2.8f};
      t.objective.rules[0].policy_loss = loss;
      t.objective.rules[0].ratio_level = level;
      const std::vector<float> without = t.Run().c;
      t.objective.rules[0].covariance = {PLAIT_COVARIANCE_KL, 0, 1, 0, 0, 2};
      t.Run();
      for (int i = 0; i < 4; ++i) CHECK(t.c[i] - without[i] == doctest::Approx(i % 2 ? -0.5 : 0.5).epsilon(1e-5));
    }
  }
}

TEST_CASE("a policy term with coefficient 0 asks for nothing, counts nowhere and leaves one pass") {
  Tokens t(6);
  plait_rule& rule = t.objective.rules[0];
  rule.policy_loss = PLAIT_POLICY_GMPO;
  rule.policy = {0, PLAIT_CONSTANT_LENGTH, PLAIT_ALL_TOKENS};
  rule.selection = {PLAIT_SCOPE_BATCH, 0.5f};
  rule.policy_weighting = {PLAIT_SCOPE_SEQUENCE, 1, 1, 0};
  rule.covariance = {PLAIT_COVARIANCE_KL, 0, 1, 0, 0, 1};
  rule.sampler_correction = 1;
  rule.nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  t.objective.correction.level = PLAIT_CORRECTION_TOKEN;
  plait_token_batch batch = t.Batch();
  batch.advantages = batch.old_logp = nullptr;
  CHECK(std::string(plait_objective_second_pass(&t.objective)).empty());
  t.Run(batch, nullptr);
  for (const float c : t.c) CHECK(c == doctest::Approx(-1.0 / 6));
  CHECK(t.metrics.policy_tokens == 0);
  CHECK(t.metrics.dropped_tokens == 0);
  CHECK(t.metrics.nll_loss == doctest::Approx(1));
  rule.policy_loss = PLAIT_POLICY_NONE;
  rule.policy.coefficient = 1;  // of no loss, which asks for no length either
  t.Run(batch, nullptr);
  CHECK(t.metrics.policy_tokens == 0);
}

TEST_CASE("a filter that rejects asks for the sampler's log-probs whatever the rules") {
  Tokens t(2);
  t.objective.rules[0].policy.coefficient = 0;
  t.objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  t.objective.correction.filter_level = PLAIT_CORRECTION_TOKEN;
  t.objective.correction.filter_high = 1;
  const plait_token_batch batch = t.Batch();
  std::vector<double> workspace(plait_objective_workspace_bytes(2, 1) / 8 + 1);
  const auto run = [&] {
    return plait_token_objective(Device(), nullptr, &batch, &t.objective, nullptr, t.logp.data(), nullptr, t.c.data(),
                                 nullptr, nullptr, nullptr, workspace.data(),
                                 static_cast<int64_t>(workspace.size() * 8));
  };
  CHECK(run() == PLAIT_INVALID_ARGUMENT);
  CHECK(std::string(plait_last_error()).find("batch.sampler_logp") == 0);
  t.objective.correction.filter_action = PLAIT_FILTER_ZERO_WEIGHT;
  CHECK(run() == PLAIT_OK);
}

TEST_CASE("sampler corrections weigh rollouts alone, even where other roles' rules ask for them") {
  Tokens t(6);
  t.roles = {1, 2, 3, 1, 2, 3};
  t.offsets = {0, 3, 6};
  const std::vector<float> sampler_logp = {-1.5f, -2, -3, -0.5f, -2, -3};
  for (plait_rule& rule : t.objective.rules) {
    rule = t.objective.rules[0];
    rule.sampler_correction = 1;
  }
  plait_token_batch batch = t.Batch();
  batch.sampler_logp = sampler_logp.data();
  for (int32_t level = PLAIT_CORRECTION_TOKEN; level <= PLAIT_CORRECTION_SEQUENCE_MEAN; ++level) {
    for (const int32_t normalise : {0, 1}) {
      t.objective.correction.level = level;
      t.objective.correction.normalise = normalise;
      t.Run(batch, nullptr);
      for (int i = 0; i < 6; ++i) CHECK((t.c[i] == doctest::Approx(-1.0 / 6).epsilon(1e-6)) == (t.roles[i] != 1));
    }
  }
}

TEST_CASE("without a policy term there is no largest ratio") {
  Tokens t(3);
  t.objective.rules[0] = EmptyRule();
  t.objective.rules[0].nll = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
  CHECK(t.Run().metrics.ratio_max == -kInf);
  CHECK(t.metrics.policy_tokens == 0);
  t.roles.assign(3, PLAIT_IGNORED);
  CHECK(t.Run().metrics.ratio_max == -kInf);
}

TEST_CASE("weights that are all zero stay so when they are divided by their mean") {
  Tokens t(4);
  const std::vector<float> sampler_logp(4, -9);
  plait_token_batch batch = t.Batch();
  batch.sampler_logp = sampler_logp.data();
  t.objective.rules[0].sampler_correction = 1;
  t.objective.correction.level = PLAIT_CORRECTION_TOKEN;
  t.objective.correction.bounds = PLAIT_CORRECTION_MASK;
  t.objective.correction.high = 2;
  t.objective.correction.normalise = 1;
  CHECK(t.Run(batch, nullptr).Kept() == "0000");
  CHECK(t.c == std::vector<float>(4, 0));
}

TEST_CASE("the field that needs a second pass is named, whatever its role and coefficient") {
  using Change = void (*)(plait_rule&);
  const std::pair<const char*, Change> cases[] = {
      {"nll_weighting", [](plait_rule& r) { r.nll_weighting.scope = PLAIT_SCOPE_SEQUENCE; }},
      {"policy_loss", [](plait_rule& r) { r.policy_loss = PLAIT_POLICY_GMPO; }},
      {"policy_loss", [](plait_rule& r) { r.policy_loss = PLAIT_POLICY_VESPO; }},
      {"ratio_level", [](plait_rule& r) { r.ratio_level = PLAIT_RATIO_SEQUENCE_MEAN; }},
      {"ratio_level", [](plait_rule& r) { r.ratio_level = PLAIT_RATIO_SEQUENCE_SUM; }},
      {"off_policy_threshold", [](plait_rule& r) { r.off_policy_threshold = 1; }},
      {"policy_weighting", [](plait_rule& r) { r.policy_weighting.scope = PLAIT_SCOPE_SEQUENCE; }},
      {"selection", [](plait_rule& r) { r.selection.scope = PLAIT_SCOPE_BATCH; }},
      {"covariance", [](plait_rule& r) { r.covariance = {PLAIT_COVARIANCE_KL, 0, 1, 0, 0, 0}; }}};
  const char* const roles[] = {"rollout.", "demonstration.", "hint."};
  for (int role = 0; role < 3; ++role) {
    for (const auto& [field, change] : cases) {
      for (const float coefficient : {0.5f, 1.f}) {
        plait_objective objective = EmptyObjective();
        plait_rule& rule = objective.rules[role];
        rule.policy_loss = PLAIT_POLICY_CLIP;
        rule.policy.coefficient = rule.nll.coefficient = coefficient;
        CHECK(std::string(plait_objective_second_pass(&objective)).empty());
        change(rule);
        CHECK(std::string(plait_objective_second_pass(&objective)) == std::string(roles[role]) + field);
        rule.policy.coefficient = rule.nll.coefficient = 0;
        CHECK(std::string(plait_objective_second_pass(&objective)).empty());
      }
    }
  }
}

TEST_CASE("an ignored token adds nothing to its own sequence nor to another") {
  Tokens t(6);
  t.roles = {1, 3, 2, 0, 3, 1};
  t.offsets = {0, 3, 6};
  t.logp = {-1, -2, -3, -1, -2, -3};
  for (plait_rule& rule : t.objective.rules) {
    rule = t.objective.rules[0];
    rule.policy_loss = PLAIT_POLICY_CLIP;
    rule.clip_high = rule.clip_low = kInf;
    rule.ratio_level = PLAIT_RATIO_SEQUENCE_MEAN;
  }
  const std::vector<float> expected = t.Run().c;
  t.logp[3] = -0.25f;
  CHECK(t.Run().c == expected);
  CHECK(expected[3] == 0);
  CHECK(expected[1] == doctest::Approx(-std::exp(-1.0) / 5).epsilon(1e-6));
}

TEST_CASE("a token whose log-prob is NaN gets NaN, whatever its rule makes of it") {
  Tokens t(3);
  t.logp[1] = kNan;
  t.objective.rules[0] = EmptyRule();
  t.Run();
  for (int i = 0; i < 3; ++i) {
    CHECK(std::isnan(t.c[i]) == (i == 1));
    CHECK(std::isnan(t.h[i]) == (i == 1));
  }
  t.objective.rules[0].policy_loss = PLAIT_POLICY_REINFORCE;
  t.objective.rules[0].policy.coefficient = 1;
  t.advantages.assign(3, 0.f);
  t.Run();
  for (int i = 0; i < 3; ++i) CHECK(std::isnan(t.c[i]) == (i == 1));
}

TEST_CASE("an output may begin behind the one advantage of a batch without offsets, and an empty array anywhere") {
  Tokens t(2);
  float advantage_and_c[] = {1, 7, 7, 7};
  plait_token_batch batch = EmptyBatch(2);
  batch.advantages = advantage_and_c;
  batch.advantage_per_sequence = 1;
  std::vector<double> workspace(plait_objective_workspace_bytes(2, 0) / 8);
  const auto run = [&](float* logp, float* c) {
    return plait_token_objective(Device(), nullptr, &batch, &t.objective, nullptr, logp, nullptr, c, nullptr, nullptr,
                                 nullptr, workspace.data(), static_cast<int64_t>(workspace.size() * 8));
  };
  Accept(run(t.logp.data(), advantage_and_c + 1));
  CHECK(advantage_and_c[1] == -0.5f);
  CHECK(advantage_and_c[3] == 7);
  batch.tokens = 0;
  batch.advantages = nullptr;
  batch.advantage_per_sequence = 0;
  float* const inside = reinterpret_cast<float*>(workspace.data() + 8);
  Accept(run(inside, inside));
}
