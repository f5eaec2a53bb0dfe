// Every kind of bad input: refused with a message that names the argument, and nothing written.
#include <functional>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

constexpr int64_t kTokens = 4, kVocab = 10;
constexpr float kUntouched = -777;

// A valid policy_step, to be broken in one way.
struct Call {
  Rows rows{kTokens, kVocab, PLAIT_FLOAT32};
  std::vector<float> dlogits = std::vector<float>(kTokens * kVocab, kUntouched);
  std::vector<float> logp = std::vector<float>(kTokens, kUntouched), entropy = logp, token_loss = logp;
  std::vector<float> advantages = {1, 2, 3, 4}, old_logp = {-1, -1, -1, -1}, ref_logp = old_logp;
  std::vector<float> temperatures = {1, 1, 1, 1};
  std::vector<int64_t> offsets = {0, 2, 4}, row_index = {0, 1, 2, 3};
  std::vector<uint8_t> roles = {1, 1, 2, 0};
  std::vector<double> workspace = std::vector<double>(plait_objective_workspace_bytes(kTokens, 2) / 8 + 1);
  plait_metrics metrics = {};
  plait_logits logits;
  plait_token_batch batch = EmptyBatch(kTokens);
  plait_objective objective = EmptyObjective();
  plait_normalizers normalizers = EmptyNormalizers();
  const plait_logits* logits_pointer = &logits;
  const plait_token_batch* batch_pointer = &batch;
  const plait_objective* objective_pointer = &objective;
  float* dlogits_pointer = dlogits.data();
  float* logp_pointer = logp.data();
  int64_t dlogits_stride = kVocab;
  int64_t workspace_bytes = static_cast<int64_t>(workspace.size() * 8);
  int32_t device = Device();

  Call() {
    logits = *rows.Randomize(1).get();
    logits.row_index = row_index.data();
    logits.temperatures = temperatures.data();
    batch.sequences = 2;
    batch.offsets = offsets.data();
    batch.roles = roles.data();
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data();
    batch.ref_logp = ref_logp.data();
    metrics.loss = kUntouched;
    for (plait_rule& rule : objective.rules) {
      rule.policy_loss = PLAIT_POLICY_CLIP;
      rule.policy.coefficient = rule.kl.coefficient = rule.entropy.coefficient = 1;
    }
  }

  int32_t Run() {
    return plait_policy_step(device, nullptr, logits_pointer, batch_pointer, objective_pointer, &normalizers,
                             dlogits_pointer, dlogits_stride, logp_pointer, entropy.data(), token_loss.data(), &metrics,
                             workspace.data(), workspace_bytes);
  }

  bool Untouched() const {
    for (const float v : dlogits) {
      if (v != kUntouched) return false;
    }
    for (const auto* outputs : {&logp, &entropy, &token_loss}) {
      for (const float v : *outputs) {
        if (v != kUntouched) return false;
      }
    }
    return metrics.loss == kUntouched;
  }
};

struct Case {
  const char* named;  // what the message must name
  std::function<void(Call&)> spoil;
};

const Case kCases[] = {
    {"device", [](Call& c) { c.device = 3; }},
    {"device", [](Call& c) { c.device = -2; }},
    {"logits", [](Call& c) { c.logits_pointer = nullptr; }},
    {"logits.struct_bytes", [](Call& c) { c.logits.struct_bytes = 8; }},
    {"logits.dtype", [](Call& c) { c.logits.dtype = PLAIT_INT32; }},
    {"logits.target_dtype", [](Call& c) { c.logits.target_dtype = PLAIT_FLOAT32; }},
    {"logits.rows", [](Call& c) { c.logits.rows = -1; }},
    {"logits.tokens", [](Call& c) { c.logits.tokens = -4; }},
    {"logits.tokens",
     [](Call& c) {
       c.logits.row_index = nullptr;
       c.logits.tokens = 3;
     }},
    {"logits.tokens", [](Call& c) { c.logits.tokens = 5; }},
    {"logits.tokens",
     [](Call& c) {
       c.logits.rows = c.logits.tokens = INT64_MAX / 4;
       c.logits.vocab = c.logits.vocab_total = c.logits.row_stride = 1;
       c.logits.dtype = PLAIT_BFLOAT16;
     }},
    {"logits.vocab", [](Call& c) { c.logits.vocab = 0; }},
    {"logits.row_stride", [](Call& c) { c.logits.row_stride = kVocab - 1; }},
    {"logits.row_stride", [](Call& c) { c.logits.row_stride = INT64_MAX / 2; }},
    {"logits.vocab_begin", [](Call& c) { c.logits.vocab_begin = 1; }},
    {"logits.vocab_total", [](Call& c) { c.logits.vocab_total = 2 * kVocab; }},
    {"logits.data", [](Call& c) { c.logits.data = nullptr; }},
    {"logits.data", [](Call& c) { c.logits.data = static_cast<const char*>(c.logits.data) + 1; }},
    {"logits.targets", [](Call& c) { c.logits.targets = nullptr; }},
    {"logits.reserved", [](Call& c) { c.logits.reserved = 1; }},
    {"logits.temperature",
     [](Call& c) {
       c.logits.temperatures = nullptr;
       c.logits.temperature = kNan;
     }},
    {"logits.temperature",
     [](Call& c) {
       c.logits.temperatures = nullptr;
       c.logits.temperature = 0;
     }},
    {"temperatures[2]", [](Call& c) { c.temperatures[2] = kNan; }},
    {"temperatures[3]", [](Call& c) { c.temperatures[3] = -1; }},
    {"temperatures[0]", [](Call& c) { c.temperatures[0] = kInf; }},
    {"temperatures[1]", [](Call& c) { c.temperatures[1] = 1e-40f; }},
    {"logits.row_index[1]", [](Call& c) { c.row_index[1] = 4; }},
    {"logits.row_index[0]", [](Call& c) { c.row_index[0] = -1; }},
    {"logits.row_index[2]", [](Call& c) { c.row_index[2] = 1; }},
    {"batch", [](Call& c) { c.batch_pointer = nullptr; }},
    {"batch.struct_bytes", [](Call& c) { c.batch.struct_bytes = 0; }},
    {"tokens", [](Call& c) { c.batch.tokens = -1; }},
    {"tokens", [](Call& c) { c.batch.tokens = INT64_MAX / 64; }},
    {"sequences", [](Call& c) { c.batch.sequences = INT64_MAX / 256; }},
    {"batch.tokens", [](Call& c) { c.batch.tokens = 3; }},
    {"sequences", [](Call& c) { c.batch.sequences = -1; }},
    {"offsets", [](Call& c) { c.batch.offsets = nullptr; }},
    {"offsets[0]", [](Call& c) { c.offsets[0] = 1; }},
    {"offsets[1]", [](Call& c) { c.offsets[1] = -1; }},
    {"offsets[2]", [](Call& c) { c.offsets[2] = 5; }},
    {"roles[1]", [](Call& c) { c.roles[1] = 4; }},
    {"batch.advantages", [](Call& c) { c.batch.advantages = nullptr; }},
    {"batch.ref_logp", [](Call& c) { c.batch.ref_logp = nullptr; }},
    {"batch.advantage_per_sequence", [](Call& c) { c.batch.advantage_per_sequence = 2; }},
    {"objective", [](Call& c) { c.objective_pointer = nullptr; }},
    {"objective.struct_bytes", [](Call& c) { c.objective.struct_bytes = 1; }},
    {"objective.hint.policy_loss", [](Call& c) { c.objective.rules[2].policy_loss = 99; }},
    {"objective.rollout.kl_estimator", [](Call& c) { c.objective.rules[0].kl_estimator = -1; }},
    {"objective.rollout.clip_low", [](Call& c) { c.objective.rules[0].clip_low = -0.1f; }},
    {"objective.demonstration.clip_high", [](Call& c) { c.objective.rules[1].clip_high = kNan; }},
    {"objective.rollout.dual_clip", [](Call& c) { c.objective.rules[0].dual_clip = 1; }},
    {"objective.rollout.log_ratio_limit", [](Call& c) { c.objective.rules[0].log_ratio_limit = 0; }},
    {"objective.rollout.kl.coefficient", [](Call& c) { c.objective.rules[0].kl.coefficient = -1; }},
    {"objective.rollout.entropy.coefficient", [](Call& c) { c.objective.rules[0].entropy.coefficient = kInf; }},
    {"objective.rollout.nll.aggregation", [](Call& c) { c.objective.rules[0].nll.aggregation = 17; }},
    {"objective.rollout.policy.population", [](Call& c) { c.objective.rules[0].policy.population = 2; }},
    {"objective.rollout.behaviour", [](Call& c) { c.objective.rules[0].behaviour = 2; }},
    {"objective.rollout.ratio_level", [](Call& c) { c.objective.rules[0].ratio_level = 3; }},
    {"objective.hint.kl_form", [](Call& c) { c.objective.rules[2].kl_form = 4; }},
    {"objective.rollout.kl_value_limit", [](Call& c) { c.objective.rules[0].kl_value_limit = 0; }},
    {"objective.rollout.max_probability", [](Call& c) { c.objective.rules[0].max_probability = kNan; }},
    {"objective.rollout.reshape_parameter",
     [](Call& c) {
       c.objective.rules[0].policy_loss = PLAIT_POLICY_RESHAPED;
       c.objective.rules[0].reshape_parameter = 0;
     }},
    {"objective.rollout.sapo_negative",
     [](Call& c) {
       c.objective.rules[0].policy_loss = PLAIT_POLICY_SAPO;
       c.objective.rules[0].sapo_negative = kNan;
     }},
    {"objective.rollout.selection.scope", [](Call& c) { c.objective.rules[0].selection.scope = PLAIT_SCOPE_TOKEN; }},
    {"objective.rollout.selection.drop", [](Call& c) { c.objective.rules[0].selection.drop = 1; }},
    {"objective.rollout.covariance.fraction",
     [](Call& c) { c.objective.rules[0].covariance = {PLAIT_COVARIANCE_KL, 0, 0, 0, 0, 1}; }},
    {"objective.rollout.nll_weighting",
     [](Call& c) {
       c.objective.rules[0].nll_weighting = {PLAIT_SCOPE_TOKEN, -1, 1, 0};
     }},
    {"objective.rollout.nll_probability_weighting",
     [](Call& c) { c.objective.rules[0].nll_probability_weighting = PLAIT_WEIGHT_VARIANCE + 1; }},
    {"objective.reserved", [](Call& c) { c.objective.reserved = 1; }},
    {"objective.correction.level", [](Call& c) { c.objective.correction.level = PLAIT_CORRECTION_SEQUENCE_MAX; }},
    {"objective.correction.low",
     [](Call& c) {
       c.objective.correction.level = PLAIT_CORRECTION_TOKEN;
       c.objective.correction.low = kNan;
     }},
    {"objective.correction.reserved", [](Call& c) { c.objective.correction.reserved = 1; }},
    {"batch.sampler_logp",
     [](Call& c) {
       c.objective.correction.level = PLAIT_CORRECTION_TOKEN;
       c.objective.correction.high = 2;
       c.objective.rules[0].sampler_correction = 1;
     }},
    {"normalizers.struct_bytes", [](Call& c) { c.normalizers.struct_bytes = 3; }},
    {"normalizers.tokens[1]", [](Call& c) { c.normalizers.tokens[1] = -1; }},
    {"normalizers.sequences[0]", [](Call& c) { c.normalizers.sequences[0] = kNan; }},
    {"normalizers.length", [](Call& c) { c.objective.rules[0].policy.aggregation = PLAIT_CONSTANT_LENGTH; }},
    {"dlogits", [](Call& c) { c.dlogits_pointer = nullptr; }},
    {"dlogits_stride", [](Call& c) { c.dlogits_stride = kVocab - 1; }},
    {"dlogits", [](Call& c) { c.dlogits_pointer = static_cast<float*>(c.rows.data()) + 1; }},
    {"logp", [](Call& c) { c.logp_pointer = nullptr; }},
    {"logp", [](Call& c) { c.logp_pointer = c.entropy.data() + 1; }},
    {"logp", [](Call& c) { c.logp_pointer = c.old_logp.data(); }},
    {"overlap with logits", [](Call& c) { c.logp_pointer = reinterpret_cast<float*>(&c.logits.rows); }},
    {"overlap with batch", [](Call& c) { c.logp_pointer = reinterpret_cast<float*>(&c.batch.tokens); }},
    {"overlap with objective", [](Call& c) { c.logp_pointer = &c.objective.rules[2].clip_low; }},
    {"overlap with normalizers", [](Call& c) { c.logp_pointer = reinterpret_cast<float*>(c.normalizers.tokens); }},
    {"workspace_bytes", [](Call& c) { c.workspace_bytes = plait_objective_workspace_bytes(kTokens, 2) - 1; }},
};

// Whether what is named is a value in an array that lies on the device.
bool IsOfValue(const char* named) { return std::strchr(named, '[') && std::strncmp(named, "normalizers", 11) != 0; }

}  // namespace

TEST_CASE("the call that the refusals spoil is itself accepted") {
  Call call;
  Accept(call.Run());
  CHECK(!call.Untouched());
}

TEST_CASE("bad input is refused by name and nothing is written") {
  for (const Case& bad : kCases) {
    Call call;
    bad.spoil(call);
    const int32_t status = call.Run();
    const std::string message = plait_last_error();
    CAPTURE(bad.named);
    CAPTURE(message);
    if (IsOfValue(bad.named) && !ReadsValuesFirst()) {
      CHECK(status == PLAIT_OK);  // and nothing out of bounds has been touched, which the sanitizer would say
      continue;
    }
    CHECK(status != PLAIT_OK);
    CHECK(message.find(bad.named) != std::string::npos);
    CHECK((message.find("expected") != std::string::npos || status == PLAIT_UNAVAILABLE));
    CHECK(call.Untouched());
  }
}

TEST_CASE("workspaces have a size for every count that a call accepts, and none for others") {
  constexpr int64_t kTokens = INT64_MAX / 128, kSequences = INT64_MAX / 1024;
  CHECK(plait_objective_workspace_bytes(0, 0) > 0);
  CHECK(plait_objective_workspace_bytes(kTokens, kSequences) >
        plait_objective_workspace_bytes(kTokens - 8, kSequences));
  CHECK(plait_objective_workspace_bytes(kTokens + 1, 0) == 0);
  CHECK(plait_objective_workspace_bytes(0, kSequences + 1) == 0);
  CHECK(plait_objective_workspace_bytes(-1, 0) == 0);
  CHECK(plait_group_advantage_workspace_bytes(kSequences) > plait_group_advantage_workspace_bytes(kSequences - 1));
  CHECK(plait_group_advantage_workspace_bytes(kSequences + 1) == 0);
  CHECK(plait_group_advantage_workspace_bytes(-1) == 0);
}

TEST_CASE("in place needs the same stride") {
  Call call;
  call.dlogits_pointer = static_cast<float*>(call.rows.data());
  call.dlogits_stride = kVocab + 1;
  CHECK(call.Run() == PLAIT_INVALID_ARGUMENT);
  CHECK(std::string(plait_last_error()).find("dlogits_stride") == 0);
}

TEST_CASE("group_advantage refuses by name and writes nothing") {
  std::vector<float> rewards = {1, 2, 3}, advantages(3, kUntouched);
  std::vector<int64_t> offsets = {0, 3}, ids = {0, 0, 0};
  std::vector<double> workspace(32);
  plait_advantage_options options = {
      sizeof(options), PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 0, 1, 0, 0, 0, 0, 0, 0};
  const auto refuse = [&](const char* named, int64_t groups, const int64_t* o, const int64_t* i, int64_t bytes = 256) {
    if (IsOfValue(named) && !ReadsValuesFirst()) return;
    CHECK(plait_group_advantage(Device(), nullptr, 3, rewards.data(), nullptr, nullptr, groups, o, i, &options,
                                advantages.data(), nullptr, nullptr, workspace.data(),
                                bytes) == PLAIT_INVALID_ARGUMENT);
    CAPTURE(plait_last_error());
    CHECK(std::string(plait_last_error()).find(named) != std::string::npos);
    CHECK(advantages[0] == kUntouched);
  };
  refuse("offsets", 1, nullptr, nullptr);
  refuse("ids", 1, offsets.data(), ids.data());
  refuse("workspace_bytes", 1, offsets.data(), nullptr, 8);
  refuse("groups", -1, nullptr, ids.data());
  refuse("groups", -1, offsets.data(), nullptr);
  ids[2] = 1;
  refuse("ids[2]", 1, nullptr, ids.data());
  offsets[1] = 2;
  refuse("offsets[1]", 1, offsets.data(), nullptr);
  offsets[1] = 3;
  CHECK(plait_group_advantage(Device(), nullptr, 3, rewards.data(), nullptr, nullptr, 1, offsets.data(), nullptr,
                              &options, &options.epsilon, nullptr, nullptr, workspace.data(),
                              256) == PLAIT_INVALID_ARGUMENT);
  CHECK(std::string(plait_last_error()).find("overlap with options") != std::string::npos);
  rewards[1] = kInf;
  refuse("rewards[1]", 1, offsets.data(), nullptr);
  rewards[1] = 0;
  options.baseline = 9;
  refuse("options.baseline", 1, offsets.data(), nullptr);
  options.baseline = 0;
  options.epsilon = -1;
  refuse("options.epsilon", 1, offsets.data(), nullptr);
}

TEST_CASE("importance_ratio, merge and the rest refuse by name") {
  std::vector<float> logp = {-1, -2}, old_logp = {-1, -2}, out(8, kUntouched);
  const auto ratio = [&](int32_t level, float low, float limit, float* sequence) {
    return plait_importance_ratio(Device(), nullptr, 2, 0, nullptr, nullptr, logp.data(), old_logp.data(), level, low,
                                  0.2f, limit, out.data(), sequence, nullptr);
  };
  const auto named = [](const char* name) { return std::string(plait_last_error()).find(name) == 0; };
  CHECK((ratio(7, 0.2f, kInf, nullptr) == PLAIT_INVALID_ARGUMENT && named("level")));
  CHECK((ratio(0, kNan, kInf, nullptr) == PLAIT_INVALID_ARGUMENT && named("clip_low")));
  CHECK((ratio(0, 0.2f, 0, nullptr) == PLAIT_INVALID_ARGUMENT && named("log_ratio_limit")));
  CHECK((ratio(0, 0.2f, kInf, &out[7]) == PLAIT_INVALID_ARGUMENT && named("sequence_ratio")));
  CHECK((ratio(PLAIT_RATIO_SEQUENCE_MEAN, 0.2f, kInf, &logp[1]) == PLAIT_INVALID_ARGUMENT && named("sequence_ratio")));
  CHECK(out[0] == kUntouched);
  CHECK(ratio(0, 0.2f, kInf, nullptr) == PLAIT_OK);
  CHECK(out[0] == 1);
  CHECK(plait_row_stats_merge(Device(), nullptr, out.data(), 0, 2, nullptr, 1, logp.data(), nullptr, nullptr,
                              nullptr) == PLAIT_INVALID_ARGUMENT);
  CHECK(named("parts"));
  CHECK(plait_row_stats_merge(Device(), nullptr, nullptr, 1, 2, nullptr, 1, logp.data(), nullptr, nullptr, nullptr) ==
        PLAIT_INVALID_ARGUMENT);
  CHECK(named("states"));
  CHECK(plait_row_stats_merge(Device(), nullptr, out.data(), 1, 2, nullptr, kNan, logp.data(), nullptr, nullptr,
                              nullptr) == PLAIT_INVALID_ARGUMENT);
  CHECK(named("temperature"));
  CHECK(plait_cpu_select_target("AVX-1024") == PLAIT_INVALID_ARGUMENT);
  CHECK(plait_bandwidth_scale(out.data(), 12, 1) == PLAIT_INVALID_ARGUMENT);
  std::vector<double> page(4096 / sizeof(double));
  CHECK(plait_bandwidth_read(page.data(), 4096, &page[3]) == PLAIT_INVALID_ARGUMENT);
  CHECK(named("sum"));
  CHECK(plait_backend_available(Device()) == PLAIT_OK);
  CHECK(plait_backend_available(Device() + 60) == PLAIT_UNAVAILABLE);
}
