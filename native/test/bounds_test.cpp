// Every number that a caller passes, at the last value that plait.h allows and at the first that it does not.
#include <cfloat>
#include <functional>
#include <string>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

const float kTiny = std::numeric_limits<float>::denorm_min();
const float kBelowOne = std::nextafter(1.0f, 0.0f), kAboveOne = std::nextafter(1.0f, 2.0f);

using Values = std::vector<float>;
const Values kNotFinite = {kInf, -kInf, kNan};

// Where a number stands in a structure, or what sets it.
template <class Struct>
struct Number {
  std::string name;
  std::function<void(Struct&, float)> set;
  Values accepted;
  Values refused;
};

Values operator+(Values a, const Values& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// 0 .. last, of an enumeration or a flag.
template <class Struct>
Number<Struct> Kind(const std::string& name, std::function<void(Struct&, float)> set, int last) {
  Values all;
  for (int i = 0; i <= last; ++i) all.push_back(static_cast<float>(i));
  return {name, std::move(set), all, {-1, static_cast<float>(last + 1)}};
}

void CheckName(const std::string& name) {
  const std::string message = plait_last_error();
  CAPTURE(message);
  CHECK(message.compare(0, name.size(), name) == 0);
}

#define PLAIT_SET(type, field) [](type& s, float value) { s.field = static_cast<decltype(s.field)>(value); }

using RuleNumber = Number<plait_rule>;
#define PLAIT_KIND(field, last) Kind<plait_rule>(#field, PLAIT_SET(plait_rule, field), last)

std::vector<RuleNumber> TermNumbers(const std::string& name, plait_term plait_rule::*term) {
  return {{name + ".coefficient",
           [term](plait_rule& r, float v) { (r.*term).coefficient = v; },
           {0, 1, FLT_MAX},
           Values{-kTiny} + kNotFinite},
          Kind<plait_rule>(
              name + ".aggregation", [term](plait_rule& r, float v) { (r.*term).aggregation = static_cast<int>(v); },
              PLAIT_SEQ_MEAN_CONSTANT_LENGTH),
          Kind<plait_rule>(
              name + ".population", [term](plait_rule& r, float v) { (r.*term).population = static_cast<int>(v); },
              PLAIT_OWN_ROLE)};
}

std::vector<RuleNumber> WeightingNumbers(const std::string& name, plait_entropy_weighting plait_rule::*weighting) {
  const auto set = [weighting](auto plait_entropy_weighting::*field) {
    return [weighting, field](plait_rule& r, float v) {
      (r.*weighting).scope = PLAIT_SCOPE_TOKEN;
      (r.*weighting).*field = static_cast<std::decay_t<decltype((r.*weighting).*field)>>(v);
    };
  };
  return {Kind<plait_rule>(name, set(&plait_entropy_weighting::scope), PLAIT_SCOPE_SEQUENCE),
          Kind<plait_rule>(name, set(&plait_entropy_weighting::positive_only), 1),
          {name, set(&plait_entropy_weighting::scale), {0, FLT_MAX}, Values{-kTiny} + kNotFinite},
          {name, set(&plait_entropy_weighting::exponent), {-FLT_MAX, FLT_MAX}, kNotFinite}};
}

// A number that is looked at only where the policy loss is `loss`.
RuleNumber Of(int loss, RuleNumber number) {
  const auto set = number.set;
  number.set = [loss, set](plait_rule& r, float v) {
    r.policy_loss = loss;
    set(r, v);
  };
  return number;
}

RuleNumber OfCovariance(const char* name, float plait_covariance::*field, Values accepted, Values refused) {
  const auto set = [field](plait_rule& r, float v) {
    r.covariance = {PLAIT_COVARIANCE_CLIP, 0, 1, 0, 0, 0};
    r.covariance.*field = v;
  };
  return {name, set, std::move(accepted), std::move(refused)};
}

std::vector<RuleNumber> RuleNumbers() {
  const Values positive = {kTiny, kInf}, not_positive = {0, -1, kNan}, negative = {-kTiny, kNan};
  const Values finite = {-FLT_MAX, 0, FLT_MAX};
  std::vector<RuleNumber> all = {
      PLAIT_KIND(policy_loss, PLAIT_POLICY_VESPO),
      PLAIT_KIND(behaviour, PLAIT_BEHAVIOUR_CERTAIN),
      PLAIT_KIND(ratio_level, PLAIT_RATIO_SEQUENCE_SUM),
      PLAIT_KIND(reshape, PLAIT_RESHAPE_RATIONAL_RATIO),
      PLAIT_KIND(sampler_correction, 1),
      PLAIT_KIND(kl_estimator, PLAIT_KL_ABS),
      PLAIT_KIND(kl_form, PLAIT_KL_STRAIGHT_THROUGH),
      {"clip_low", PLAIT_SET(plait_rule, clip_low), {0, kInf}, negative},
      {"clip_high", PLAIT_SET(plait_rule, clip_high), {0, kInf}, negative},
      {"dual_clip", PLAIT_SET(plait_rule, dual_clip), {kAboveOne, kInf}, {1, kNan}},
      {"log_ratio_limit", PLAIT_SET(plait_rule, log_ratio_limit), positive, not_positive},
      {"max_probability", PLAIT_SET(plait_rule, max_probability), positive, not_positive},
      {"off_policy_threshold", PLAIT_SET(plait_rule, off_policy_threshold), {-kInf, 0, kInf}, {kNan}},
      {"kl_log_limit", PLAIT_SET(plait_rule, kl_log_limit), positive, not_positive},
      {"kl_value_limit", PLAIT_SET(plait_rule, kl_value_limit), positive, not_positive},
      Of(PLAIT_POLICY_RESHAPED,
         {"reshape_parameter", PLAIT_SET(plait_rule, reshape_parameter), {kTiny, FLT_MAX}, Values{0, -1} + kNotFinite}),
      Of(PLAIT_POLICY_RESHAPED, {"reshape_low",
                                 [](plait_rule& r, float v) {
                                   r.reshape_high = 1;
                                   r.reshape_low = v;
                                 },
                                 {-kInf, 1},
                                 {kAboveOne, kNan}}),
      Of(PLAIT_POLICY_SAPO,
         {"sapo_positive", PLAIT_SET(plait_rule, sapo_positive), {kTiny, FLT_MAX}, Values{0, -1} + kNotFinite}),
      Of(PLAIT_POLICY_SAPO,
         {"sapo_negative", PLAIT_SET(plait_rule, sapo_negative), {kTiny, FLT_MAX}, Values{0, -1} + kNotFinite}),
      Kind<plait_rule>(
          "covariance.kind", [](plait_rule& r, float v) { r.covariance = {static_cast<int>(v), 0, 1, 0, 0, 0}; },
          PLAIT_COVARIANCE_KL),
      OfCovariance("covariance.fraction", &plait_covariance::fraction, {kTiny, 1}, {0, kAboveOne, kNan}),
      OfCovariance("covariance.low", &plait_covariance::low, {-kInf, kInf}, {kNan}),
      OfCovariance("covariance.high", &plait_covariance::high, {-kInf, kInf}, {kNan}),
      OfCovariance("covariance.coefficient", &plait_covariance::coefficient, {0, FLT_MAX}, Values{-kTiny} + kNotFinite),
      {"selection.scope",
       PLAIT_SET(plait_rule, selection.scope),
       {PLAIT_SCOPE_NONE, PLAIT_SCOPE_SEQUENCE, PLAIT_SCOPE_BATCH},
       {-1, PLAIT_SCOPE_TOKEN, PLAIT_SCOPE_BATCH + 1}},
      {"selection.drop", PLAIT_SET(plait_rule, selection.drop), {0, kBelowOne}, {-kTiny, 1, kNan}},
  };
  for (int i = 0; i < 2; ++i) {
    all.push_back(Of(PLAIT_POLICY_VESPO,
                     {"vespo_positive", [i](plait_rule& r, float v) { r.vespo_positive[i] = v; }, finite, kNotFinite}));
    all.push_back(Of(PLAIT_POLICY_VESPO,
                     {"vespo_negative", [i](plait_rule& r, float v) { r.vespo_negative[i] = v; }, finite, kNotFinite}));
  }
  for (const auto& more : {TermNumbers("policy", &plait_rule::policy), TermNumbers("nll", &plait_rule::nll),
                           TermNumbers("kl", &plait_rule::kl), TermNumbers("entropy", &plait_rule::entropy),
                           WeightingNumbers("policy_weighting", &plait_rule::policy_weighting),
                           WeightingNumbers("nll_weighting", &plait_rule::nll_weighting)}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

bool IsAccepted(const plait_objective& objective) { return plait_objective_second_pass(&objective) != nullptr; }

}  // namespace

TEST_CASE("every field of a rule is accepted at its bounds and refused beyond them, for every role") {
  const char* const roles[] = {"rollout", "demonstration", "hint"};
  for (int role = 0; role < 3; ++role) {
    for (const RuleNumber& number : RuleNumbers()) {
      CAPTURE(number.name);
      const auto with = [&](float value) {
        plait_objective objective = EmptyObjective();
        number.set(objective.rules[role], value);
        return objective;
      };
      for (const float value : number.accepted) CHECK(IsAccepted(with(value)));
      for (const float value : number.refused) {
        CAPTURE(value);
        CHECK(!IsAccepted(with(value)));
        CheckName(std::string("objective.") + roles[role] + "." + number.name);
      }
    }
  }
}

TEST_CASE("what a rule does not use may hold anything") {
  plait_objective objective = EmptyObjective();
  plait_rule& rule = objective.rules[0];
  rule.reshape_parameter = rule.reshape_low = rule.sapo_positive = rule.sapo_negative = kNan;
  rule.vespo_positive[0] = rule.vespo_negative[1] = kNan;
  rule.policy_weighting = rule.nll_weighting = {PLAIT_SCOPE_NONE, kNan, kNan, 0};
  rule.covariance = {PLAIT_COVARIANCE_NONE, 0, kNan, kNan, kNan, kNan};
  objective.correction.low = objective.correction.high = objective.correction.log_limit = kNan;
  objective.correction.filter_low = objective.correction.filter_high = kNan;
  CHECK(IsAccepted(objective));
}

TEST_CASE("every field of a sampler correction is accepted at its bounds and refused beyond them") {
  using Of = Number<plait_sampler_correction>;
  using Correction = plait_sampler_correction;
  const std::vector<Of> numbers = {
      Kind<Correction>("level", PLAIT_SET(Correction, level), PLAIT_CORRECTION_SEQUENCE_MEAN),
      Kind<Correction>("bounds", PLAIT_SET(Correction, bounds), PLAIT_CORRECTION_MASK),
      Kind<Correction>("normalise", PLAIT_SET(Correction, normalise), 1),
      Kind<Correction>("filter_level", PLAIT_SET(Correction, filter_level), PLAIT_CORRECTION_SEQUENCE_MAX),
      Kind<Correction>("filter_estimator", PLAIT_SET(Correction, filter_estimator), PLAIT_KL_K3),
      Kind<Correction>("filter_action", PLAIT_SET(Correction, filter_action), PLAIT_FILTER_ZERO_WEIGHT),
      {"low", PLAIT_SET(Correction, low), {0, 2}, {-kTiny, std::nextafter(2.0f, 3.0f), kNan}},
      {"low", PLAIT_SET(Correction, high), {1, kInf}, {kBelowOne, kNan}},
      {"low",
       [](Correction& c, float v) {
         c.low = 0;
         c.high = v;
       },
       {kTiny},
       {0}},
      {"log_limit", PLAIT_SET(Correction, log_limit), {kTiny, kInf}, {0, -1, kNan}},
      {"filter_low", PLAIT_SET(Correction, filter_low), {0, kInf}, {-kTiny, kNan}},
      {"filter_low", PLAIT_SET(Correction, filter_high), {0, kInf}, {-kTiny, kNan}}};
  for (const Of& number : numbers) {
    CAPTURE(number.name);
    const auto with = [&](float value) {
      plait_objective objective = EmptyObjective();
      objective.correction = {PLAIT_CORRECTION_TOKEN, 0, 1, 2, kInf, 0, PLAIT_CORRECTION_TOKEN, 0, 0, 1, 0, 0};
      number.set(objective.correction, value);
      return objective;
    };
    for (const float value : number.accepted) CHECK(IsAccepted(with(value)));
    for (const float value : number.refused) {
      CHECK(!IsAccepted(with(value)));
      CheckName("objective.correction." + number.name);
    }
  }
  plait_objective filter = EmptyObjective();  // a filter without weights looks at no bounds of them
  filter.correction = {PLAIT_CORRECTION_NONE, 0, kNan, kNan, 1, 0, PLAIT_CORRECTION_TOKEN, 0, 0, 1, 0, 0};
  CHECK(IsAccepted(filter));
  filter.correction.log_limit = kNan;
  CHECK(!IsAccepted(filter));
  plait_objective weights = EmptyObjective();  // and weights without a filter at none of the filter's
  weights.correction = {PLAIT_CORRECTION_TOKEN, 0, 1, 2, 1, 0, PLAIT_CORRECTION_NONE, 0, kNan, kNan, 0, 0};
  CHECK(IsAccepted(weights));
  weights.correction.log_limit = kNan;
  CHECK(!IsAccepted(weights));
}

TEST_CASE("every normaliser is accepted at its bounds and refused beyond them") {
  const plait_token_batch batch = EmptyBatch(0);
  plait_objective objective = EmptyObjective();
  std::vector<double> workspace(plait_objective_workspace_bytes(0, 0) / 8 + 1);
  const auto run = [&](const plait_normalizers* normalizers) {
    return plait_token_objective(Device(), nullptr, &batch, &objective, normalizers, nullptr, nullptr, nullptr, nullptr,
                                 nullptr, nullptr, workspace.data(), static_cast<int64_t>(workspace.size() * 8));
  };
  const auto check = [&](const std::string& name, double plait_normalizers::*scalar,
                         double(plait_normalizers::*array)[4], int index) {
    CAPTURE(name);
    for (const double value : {0.0, 1.0, DBL_MAX, -1.0, HUGE_VAL, std::nan("")}) {
      plait_normalizers normalizers = EmptyNormalizers();
      (scalar ? normalizers.*scalar : (normalizers.*array)[index]) = value;
      const bool valid = value >= 0 && value <= DBL_MAX;
      CHECK(run(&normalizers) == (valid ? PLAIT_OK : PLAIT_INVALID_ARGUMENT));
      if (!valid) CheckName(name);
    }
  };
  for (int i = 0; i < 4; ++i) {
    check("normalizers.tokens[" + std::to_string(i) + "]", nullptr, &plait_normalizers::tokens, i);
    check("normalizers.sequences[" + std::to_string(i) + "]", nullptr, &plait_normalizers::sequences, i);
  }
  check("normalizers.length", &plait_normalizers::length, nullptr, 0);
  // Every term of every role may ask for a length, unless it is off.
  plait_term plait_rule::*const terms[] = {&plait_rule::policy, &plait_rule::nll, &plait_rule::kl,
                                           &plait_rule::entropy};
  for (int role = 0; role < 3; ++role) {
    for (const auto term : terms) {
      for (const int32_t aggregation :
           {PLAIT_TOKEN_MEAN, PLAIT_SEQ_MEAN_TOKEN_SUM, PLAIT_CONSTANT_LENGTH, PLAIT_SEQ_MEAN_CONSTANT_LENGTH}) {
        objective = EmptyObjective();
        objective.rules[role].policy_loss = PLAIT_POLICY_CLIP;
        objective.rules[role].*term = {1, aggregation, PLAIT_ALL_TOKENS};
        const bool needs = aggregation == PLAIT_CONSTANT_LENGTH || aggregation == PLAIT_SEQ_MEAN_CONSTANT_LENGTH;
        plait_normalizers normalizers = EmptyNormalizers();
        CHECK(run(&normalizers) == (needs ? PLAIT_INVALID_ARGUMENT : PLAIT_OK));
        CHECK(run(nullptr) == (needs ? PLAIT_INVALID_ARGUMENT : PLAIT_OK));
        if (needs) CheckName("normalizers.length");
        normalizers.length = 1e-300;
        CHECK(run(&normalizers) == PLAIT_OK);
        (objective.rules[role].*term).coefficient = 0;
        CHECK(run(nullptr) == PLAIT_OK);
      }
    }
  }
}

TEST_CASE("every option of an advantage is accepted at its bounds and refused beyond them") {
  using Options = plait_advantage_options;
  const std::vector<Number<Options>> numbers = {
      Kind<Options>("baseline", PLAIT_SET(Options, baseline), PLAIT_BASELINE_WEIGHTED_MEAN),
      Kind<Options>("scale", PLAIT_SET(Options, scale), PLAIT_SCALE_BATCH_STD),
      Kind<Options>("singleton", PLAIT_SET(Options, singleton), PLAIT_SINGLETON_REFUSE),
      Kind<Options>("sample_std", PLAIT_SET(Options, sample_std), 1),
      Kind<Options>("epsilon_place", PLAIT_SET(Options, epsilon_place), PLAIT_EPSILON_VARIANCE),
      Kind<Options>("statistics", PLAIT_SET(Options, statistics), PLAIT_STATISTICS_ROLLOUTS),
      Kind<Options>("zero_std_one", PLAIT_SET(Options, zero_std_one), 1),
      Kind<Options>("reserved", PLAIT_SET(Options, reserved), 0),
      {"epsilon", PLAIT_SET(Options, epsilon), {0, FLT_MAX}, Values{-kTiny} + kNotFinite},
      {"std_floor", PLAIT_SET(Options, std_floor), {0, FLT_MAX}, Values{-kTiny} + kNotFinite}};
  const int64_t offsets[] = {0};
  double workspace[16];
  for (const Number<Options>& number : numbers) {
    CAPTURE(number.name);
    const auto run = [&](float value) {
      Options options = {};
      options.struct_bytes = sizeof(options);
      number.set(options, value);
      return plait_group_advantage(Device(), nullptr, 0, nullptr, nullptr, nullptr, 0, offsets, nullptr, &options,
                                   nullptr, nullptr, nullptr, workspace, sizeof(workspace));
    };
    for (const float value : number.accepted) Accept(run(value));
    for (const float value : number.refused) {
      CHECK(run(value) == PLAIT_INVALID_ARGUMENT);
      CheckName("options." + number.name);
    }
  }
}

TEST_CASE("discounts, floors, clip ranges and flags are accepted at their bounds and refused beyond them") {
  struct Scalar {
    const char* name;
    std::function<int32_t(float)> run;
    Values accepted, refused;
  };
  const auto returns = [](float gamma, float lambda, int32_t restart) {
    return plait_token_advantage(Device(), nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr, gamma, lambda, restart,
                                 nullptr, nullptr);
  };
  const auto whiten = [](int32_t sample, int32_t shift, float floor, float epsilon) {
    return plait_whiten(Device(), nullptr, 0, nullptr, nullptr, sample, shift, floor, epsilon, nullptr);
  };
  const auto ratio = [](int32_t level, float low, float high, float limit) {
    return plait_importance_ratio(Device(), nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr, level, low, high, limit,
                                  nullptr, nullptr, nullptr);
  };
  const auto merge = [](float temperature) {
    return plait_row_stats_merge(Device(), nullptr, nullptr, 1, 0, nullptr, temperature, nullptr, nullptr, nullptr,
                                 nullptr);
  };
  const auto integer = [](float v) { return static_cast<int32_t>(v); };
  const Values unit = {0, 1}, not_unit = {-kTiny, kAboveOne, kNan};
  const Values finite = {0, FLT_MAX}, not_finite = {-kTiny, kInf, kNan};
  const std::vector<Scalar> scalars = {
      {"gamma", [&](float v) { return returns(v, 1, 0); }, unit, not_unit},
      {"lambda", [&](float v) { return returns(1, v, 0); }, unit, not_unit},
      {"restart", [&](float v) { return returns(1, 1, integer(v)); }, {0, 1}, {-1, 2}},
      {"sample", [&](float v) { return whiten(integer(v), 0, 0, 0); }, {0, 1}, {-1, 2}},
      {"shift", [&](float v) { return whiten(0, integer(v), 0, 0); }, {0, 1}, {-1, 2}},
      {"floor", [&](float v) { return whiten(0, 0, v, 0); }, finite, not_finite},
      {"epsilon", [&](float v) { return whiten(0, 0, 0, v); }, finite, not_finite},
      {"level", [&](float v) { return ratio(integer(v), 0, 0, 1); }, {0, 1, 2}, {-1, 3}},
      {"clip_low", [&](float v) { return ratio(0, v, 0, 1); }, {0, kInf}, {-kTiny, kNan}},
      {"clip_high", [&](float v) { return ratio(0, 0, v, 1); }, {0, kInf}, {-kTiny, kNan}},
      {"log_ratio_limit", [&](float v) { return ratio(0, 0, 0, v); }, {kTiny, kInf}, {0, -1, kNan}},
      {"temperature", merge, {FLT_MIN, FLT_MAX}, {0, 1e-38f, -1, kInf, kNan}}};
  for (const Scalar& scalar : scalars) {
    CAPTURE(scalar.name);
    for (const float value : scalar.accepted) Accept(scalar.run(value));
    for (const float value : scalar.refused) {
      CHECK(scalar.run(value) == PLAIT_INVALID_ARGUMENT);
      CheckName(scalar.name);
    }
  }
}

TEST_CASE("workspaces grow with what they hold, and of negative counts there is none") {
  CHECK(plait_objective_workspace_bytes(-1, 0) == 0);
  CHECK(plait_objective_workspace_bytes(0, -1) == 0);
  CHECK(plait_objective_workspace_bytes(0, 0) > 0);
  CHECK(plait_objective_workspace_bytes(0, 0) == plait_objective_workspace_bytes(0, 1));
  CHECK(plait_objective_workspace_bytes(1, 0) > plait_objective_workspace_bytes(0, 0));
  CHECK(plait_objective_workspace_bytes(0, 2) > plait_objective_workspace_bytes(0, 1));
  CHECK(plait_objective_workspace_bytes(1001, 3) % 8 == 0);
  CHECK(plait_group_advantage_workspace_bytes(-1) == 0);
  CHECK(plait_group_advantage_workspace_bytes(0) > 0);
  CHECK(plait_group_advantage_workspace_bytes(1) > plait_group_advantage_workspace_bytes(0));
}
