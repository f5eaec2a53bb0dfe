// Objectives, normalizers and token batches of any kind.
#ifndef PLAIT_TEST_FUZZ_OBJECTIVE_INPUT_H_
#define PLAIT_TEST_FUZZ_OBJECTIVE_INPUT_H_

#include "call.h"

namespace plait::fuzz {

inline bool IsNotNegative(float v) { return v >= 0; }
inline bool IsPositive(float v) { return v > 0; }
inline bool IsFinite(float v) { return std::fabs(v) < kInf; }
inline bool IsFiniteAndNotNegative(float v) { return v >= 0 && v < kInf; }
inline bool IsFiniteAndPositive(float v) { return v > 0 && v < kInf; }
inline bool IsNumber(float v) { return v == v; }

class Objective {
 public:
  explicit Objective(Call* call) : call_(call) {
    static const char* const kRoles[] = {"rollout", "demonstration", "hint"};
    for (int i = 0; i < 3; ++i) DrawRule(std::string("objective.") + kRoles[i] + ".", &x_.rules[i]);
    DrawCorrection(&x_.correction);
    pointer_ = call->Structure("objective", x_);
  }

  const plait_objective* get() const { return pointer_; }
  const plait_objective& value() const { return x_; }

  static bool HasPolicy(const plait_rule& r) { return r.policy_loss != PLAIT_POLICY_NONE && r.policy.coefficient != 0; }
  bool NeedsAdvantages() const { return Any(HasPolicy); }
  bool NeedsReference() const {
    return Any([](const plait_rule& r) { return r.kl.coefficient != 0; });
  }
  bool NeedsEntropy() const {
    return Any([](const plait_rule& r) {
      return r.entropy.coefficient != 0 || (r.nll.coefficient != 0 && r.nll_weighting.scope != PLAIT_SCOPE_NONE) ||
             (HasPolicy(r) && (r.policy_weighting.scope != PLAIT_SCOPE_NONE || r.selection.scope != PLAIT_SCOPE_NONE));
    });
  }
  // Whether the sampler may make tokens as good as ignored.
  bool Rejects() const {
    return x_.correction.filter_level != PLAIT_CORRECTION_NONE && x_.correction.filter_action == PLAIT_FILTER_REJECT;
  }
  bool NeedsSampler() const {
    const plait_sampler_correction& c = x_.correction;
    if (Rejects()) return true;
    const bool filters = c.filter_level != PLAIT_CORRECTION_NONE;
    return (filters || c.level != PLAIT_CORRECTION_NONE) && HasPolicy(x_.rules[0]) && x_.rules[0].sampler_correction;
  }
  bool NeedsLength() const {
    return Any([](const plait_rule& r) {
      return (HasPolicy(r) && HasLength(r.policy)) || HasLength(r.nll) || HasLength(r.kl) || HasLength(r.entropy);
    });
  }

 private:
  static bool HasLength(const plait_term& term) {
    return term.coefficient != 0 &&
           (term.aggregation == PLAIT_CONSTANT_LENGTH || term.aggregation == PLAIT_SEQ_MEAN_CONSTANT_LENGTH);
  }
  template <class Predicate>
  bool Any(const Predicate& predicate) const {
    return std::any_of(x_.rules, x_.rules + 3, predicate);
  }

  plait_term Term(const std::string& name) {
    plait_term term;
    term.coefficient = call_->Number(name + ".coefficient", IsFiniteAndNotNegative);
    term.aggregation = call_->Enum(name + ".aggregation", PLAIT_SEQ_MEAN_CONSTANT_LENGTH);
    term.population = call_->Enum(name + ".population", PLAIT_OWN_ROLE);
    return term;
  }

  // A number that matters only where `on`.
  template <class Rule>
  float NumberIf(bool on, const std::string& name, const Rule& rule) {
    return on ? call_->Number(name, rule) : call_->Float();
  }

  plait_entropy_weighting Weighting(const std::string& name) {
    plait_entropy_weighting weighting;
    weighting.scope = call_->Enum(name, PLAIT_SCOPE_SEQUENCE);
    weighting.positive_only = call_->Enum(name, 1);
    weighting.scale = NumberIf(weighting.scope != PLAIT_SCOPE_NONE, name, IsFiniteAndNotNegative);
    weighting.exponent = NumberIf(weighting.scope != PLAIT_SCOPE_NONE, name, IsFinite);
    return weighting;
  }

  void DrawRule(const std::string& role, plait_rule* r) {
    r->policy = Term(role + "policy");
    r->nll = Term(role + "nll");
    r->kl = Term(role + "kl");
    r->entropy = Term(role + "entropy");
    r->policy_loss = call_->Enum(role + "policy_loss", PLAIT_POLICY_VESPO);
    r->kl_estimator = call_->Enum(role + "kl_estimator", PLAIT_KL_ABS);
    r->clip_low = call_->Number(role + "clip_low", IsNotNegative);
    r->clip_high = call_->Number(role + "clip_high", IsNotNegative);
    r->dual_clip = call_->Number(role + "dual_clip", [](float v) { return v > 1; });
    r->log_ratio_limit = call_->Number(role + "log_ratio_limit", IsPositive);
    r->behaviour = call_->Enum(role + "behaviour", PLAIT_BEHAVIOUR_CERTAIN);
    r->ratio_level = call_->Enum(role + "ratio_level", PLAIT_RATIO_SEQUENCE_SUM);
    r->reshape = call_->Enum(role + "reshape", PLAIT_RESHAPE_RATIONAL_RATIO);
    const bool reshaped = r->policy_loss == PLAIT_POLICY_RESHAPED;
    r->reshape_parameter = NumberIf(reshaped, role + "reshape_parameter", IsFiniteAndPositive);
    r->reshape_high = NumberIf(reshaped, role + "reshape_low", IsNumber);
    r->reshape_low = NumberIf(reshaped && IsNumber(r->reshape_high), role + "reshape_low",
                              [&](float v) { return v <= r->reshape_high; });
    r->max_probability = call_->Number(role + "max_probability", IsPositive);
    r->off_policy_threshold = call_->Number(role + "off_policy_threshold", IsNumber);
    const bool sapo = r->policy_loss == PLAIT_POLICY_SAPO, vespo = r->policy_loss == PLAIT_POLICY_VESPO;
    r->sapo_positive = NumberIf(sapo, role + "sapo_positive", IsFiniteAndPositive);
    r->sapo_negative = NumberIf(sapo, role + "sapo_negative", IsFiniteAndPositive);
    for (float& v : r->vespo_positive) v = NumberIf(vespo, role + "vespo_positive", IsFinite);
    for (float& v : r->vespo_negative) v = NumberIf(vespo, role + "vespo_negative", IsFinite);
    r->sampler_correction = call_->Enum(role + "sampler_correction", 1);
    r->kl_form = call_->Enum(role + "kl_form", PLAIT_KL_STRAIGHT_THROUGH);
    r->kl_log_limit = call_->Number(role + "kl_log_limit", IsPositive);
    r->kl_value_limit = call_->Number(role + "kl_value_limit", IsPositive);
    r->policy_weighting = Weighting(role + "policy_weighting");
    r->nll_weighting = Weighting(role + "nll_weighting");
    r->selection.scope = call_->Spoil(role + "selection.scope") ? call_->Pick<int32_t>({PLAIT_SCOPE_TOKEN, -1, 4})
                                                                : call_->Pick<int32_t>({0, 2, 3});
    r->selection.drop = call_->Number(role + "selection.drop", [](float v) { return v >= 0 && v < 1; });
    plait_covariance& c = r->covariance;
    c.kind = call_->Enum(role + "covariance.kind", PLAIT_COVARIANCE_KL);
    const bool on = c.kind != PLAIT_COVARIANCE_NONE;
    c.seed = static_cast<uint32_t>(call_->Int(0, UINT32_MAX));
    c.fraction = NumberIf(on, role + "covariance.fraction", [](float v) { return v > 0 && v <= 1; });
    c.low = NumberIf(on, role + "covariance.low", IsNumber);
    c.high = NumberIf(on, role + "covariance.high", IsNumber);
    c.coefficient = NumberIf(on, role + "covariance.coefficient", IsFiniteAndNotNegative);
  }

  void DrawCorrection(plait_sampler_correction* c) {
    const std::string name = "objective.correction.";
    c->level = call_->Enum(name + "level", PLAIT_CORRECTION_SEQUENCE_MEAN);
    c->bounds = call_->Enum(name + "bounds", PLAIT_CORRECTION_MASK);
    const bool on = c->level != PLAIT_CORRECTION_NONE;
    c->high = NumberIf(on, name + "low", IsPositive);
    c->low = NumberIf(on, name + "low", [&](float v) { return v >= 0 && (v <= c->high || v == 0); });
    c->normalise = call_->Enum(name + "normalise", 1);
    c->filter_level = call_->Enum(name + "filter_level", PLAIT_CORRECTION_SEQUENCE_MAX);
    const bool filters = c->filter_level != PLAIT_CORRECTION_NONE;
    c->log_limit = NumberIf(on || filters, name + "log_limit", IsPositive);
    c->filter_estimator = call_->Enum(name + "filter_estimator", PLAIT_KL_K3);
    c->filter_low = NumberIf(filters, name + "filter_low", IsNotNegative);
    c->filter_high = NumberIf(filters, name + "filter_low", IsNotNegative);
    c->filter_action = call_->Enum(name + "filter_action", PLAIT_FILTER_ZERO_WEIGHT);
    c->reserved = call_->Reserved(name + "reserved");
  }

  Call* call_;
  plait_objective x_ = {};
  const plait_objective* pointer_ = nullptr;
};

// Normalizers, or null.
inline const plait_normalizers* DrawNormalizers(Call* call, const Objective& objective) {
  const bool needed = objective.NeedsLength();
  if (needed ? call->Spoil("normalizers.length") : call->Bool()) return nullptr;
  plait_normalizers x = {};
  for (int i = 0; i < 4; ++i) {
    const std::string index = "[" + std::to_string(i) + "]";
    x.tokens[i] = call->Number("normalizers.tokens" + index, IsFiniteAndNotNegative);
    x.sequences[i] = call->Number("normalizers.sequences" + index, IsFiniteAndNotNegative);
  }
  const auto rule = [needed](float v) { return IsFiniteAndNotNegative(v) && (!needed || v > 0); };
  x.length = call->Number("normalizers.length", rule);
  return call->Structure("normalizers", x, Null::kOptional);
}

// How tokens are packed into sequences.
struct Packing {
  int64_t sequences = 0;
  const int64_t* offsets = nullptr;
  std::vector<int64_t> values;  // as offsets, also where they are null: one sequence

  int64_t count() const { return static_cast<int64_t>(values.size()) - 1; }

  // `counted`: whether their count is an argument beside the offsets, which may be missing or wrong.
  Packing(Call* call, int64_t tokens, bool counted) {
    values = {0, tokens};
    if (call->Bool()) {
      Random random = call->Seed();
      for (int64_t i = call->Int(0, 5); i > 0; --i) values.push_back(random.Below(tokens + 1));
      if (tokens == 0 && call->Bool()) values.resize(1);  // no sequence at all
      std::sort(values.begin(), values.end());
      sequences = count();
      std::vector<int64_t> spoiled = values;
      if (call->Spoil("offsets")) {
        int64_t& value = spoiled[static_cast<size_t>(call->Int(0, sequences))];
        value = call->Pick<int64_t>({tokens + 1, -1, INT64_MAX, INT64_MIN, -(int64_t{1} << 40)});
      }
      offsets = call->Input("offsets", spoiled, Null::kNever);
    } else if (counted && call->Spoil("offsets")) {
      sequences = call->Pick<int64_t>({1, 7, INT64_MAX / 2048});
    }
    if (counted && call->Spoil("sequences")) sequences = call->Pick<int64_t>({-1, INT64_MIN, INT64_MAX, INT64_MAX / 8});
  }
};

// The role of each token: any, or, mostly, runs of one. Empty: null.
inline std::vector<uint8_t> DrawRoles(Call* call, int64_t tokens) {
  std::vector<uint8_t> roles(static_cast<size_t>(tokens));
  Random random = call->Seed();
  const int64_t change = call->Int(1, 4);  // one token in so many has a role other than the one before
  const int64_t kinds = call->Int(1, 4);
  uint8_t role = static_cast<uint8_t>(random.Below(kinds));
  for (uint8_t& r : roles) {
    if (random.Below(change) == 0) role = static_cast<uint8_t>(random.Below(kinds));
    r = role;
  }
  return roles;
}

// Roles as an argument, or null: then all are rollouts.
class Roles {
 public:
  Roles(Call* call, const std::string& name, int64_t tokens) : values_(static_cast<size_t>(tokens), PLAIT_ROLLOUT) {
    if (call->Bool()) return;
    values_ = DrawRoles(call, tokens);
    std::vector<uint8_t> spoiled = values_;
    if (tokens > 0 && call->Spoil("roles")) {
      spoiled[static_cast<size_t>(call->Int(0, tokens - 1))] = call->Pick<uint8_t>({4, 255, 128});
    }
    pointer_ = call->Input(name, spoiled, Null::kNever);
  }

  const uint8_t* get() const { return pointer_; }
  int operator[](int64_t token) const { return values_[static_cast<size_t>(token)]; }
  bool IsIgnored(int64_t token) const { return (*this)[token] == PLAIT_IGNORED; }

 private:
  std::vector<uint8_t> values_;
  const uint8_t* pointer_ = nullptr;
};

// What belongs to an ignored token is not read: it changes between the two runs of the call.
inline void ScrambleIgnored(Call* call, const Roles& roles, const float* array, int64_t tokens) {
  if (!call->Find(array)) return;
  call->Between([&roles, array, tokens] {
    for (int64_t t = 0; t < tokens; ++t) {
      if (roles.IsIgnored(t)) const_cast<float*>(array)[t] = t % 2 ? kNan : -1e30f;
    }
  });
}

class Batch {
 public:
  // `of_logits`: whether the tokens are counted by the logits too.
  Batch(Call* call, const Objective& objective, int64_t tokens, bool of_logits)
      : tokens_(tokens), packing_(call, tokens, true), roles_(call, "batch.roles", tokens) {
    x_.tokens = tokens;
    x_.sequences = packing_.sequences;
    x_.offsets = packing_.offsets;
    x_.roles = roles_.get();
    x_.advantage_per_sequence = call->Enum("batch.advantage_per_sequence", 1);
    const int64_t advantages = x_.advantage_per_sequence == 0 ? tokens : packing_.count();
    x_.advantages = Array(call, "batch.advantages", call->Floats(advantages, -2, 2), objective.NeedsAdvantages());
    x_.old_logp = Array(call, "batch.old_logp", LogProbs(call), objective.NeedsSampler());
    x_.ref_logp = Array(call, "batch.ref_logp", LogProbs(call), objective.NeedsReference());
    x_.sampler_logp = Array(call, "batch.sampler_logp", LogProbs(call), objective.NeedsSampler());
    if (x_.advantage_per_sequence == 0) ScrambleIgnored(call, roles_, x_.advantages, tokens);
    for (const float* array : {x_.old_logp, x_.ref_logp, x_.sampler_logp}) {
      ScrambleIgnored(call, roles_, array, tokens);
    }
    if (call->Spoil("")) {  // too many for any workspace
      (call->Bool() && x_.offsets ? x_.sequences : x_.tokens) = call->Pick<int64_t>({INT64_MAX / 64, INT64_MAX / 256});
    }
    if (call->Spoil("tokens")) x_.tokens = call->Pick<int64_t>({-1, INT64_MIN, INT64_MAX, INT64_MAX / 8});
    if (of_logits && tokens > 0 && call->Spoil("batch.tokens")) x_.tokens = tokens - 1;
    x_.reserved = call->Reserved("batch.reserved");
    pointer_ = call->Structure("batch", x_);
  }
  Batch(const Batch&) = delete;

  const plait_token_batch* get() const { return pointer_; }
  const plait_token_batch& value() const { return x_; }
  const Roles& roles() const { return roles_; }
  const Packing& packing() const { return packing_; }
  std::vector<float> LogProbs(Call* call) const { return call->Floats(tokens_, -6, 0); }
  int64_t WorkspaceBytes() const { return plait_objective_workspace_bytes(tokens_, packing_.count()); }

 private:
  const float* Array(Call* call, const char* name, const std::vector<float>& values, bool needed) const {
    return needed && tokens_ > 0 ? call->Input(name, values) : call->Input(name, values, Null::kOptional);
  }

  int64_t tokens_;
  Packing packing_;
  Roles roles_;
  plait_token_batch x_ = {};
  const plait_token_batch* pointer_ = nullptr;
};

// What the metrics say of the tokens, whatever their numbers are. `bad`: tokens not ignored whose target is bad, or -1
// if the sampler may have rejected some of them.
inline void CheckMetrics(const plait_metrics& m, const Roles& roles, int64_t tokens, int64_t bad) {
  double all = 0;
  for (int64_t t = 0; t < tokens; ++t) all += !roles.IsIgnored(t);
  PLAIT_EXPECT(m.tokens[0] == m.tokens[1] + m.tokens[2] + m.tokens[3], "tokens by role");
  PLAIT_EXPECT(m.tokens[0] + m.bad_targets + m.rejected_tokens == all, "%g tokens, %g bad and %g rejected of %g",
               m.tokens[0], m.bad_targets, m.rejected_tokens, all);
  PLAIT_EXPECT(bad < 0 || m.bad_targets == static_cast<double>(bad), "%g bad targets of %lld", m.bad_targets,
               static_cast<long long>(bad));
  const double loss = m.policy_loss + m.nll_loss + m.kl_loss + m.entropy_loss;
  PLAIT_EXPECT(loss != loss ? m.loss != m.loss : m.loss == loss, "loss is %g, its parts add up to %g", m.loss, loss);
  PLAIT_EXPECT(!(m.loss_magnitude < std::fabs(m.loss) * 0.999), "magnitude %g of loss %g", m.loss_magnitude, m.loss);
}

}  // namespace plait::fuzz

#endif  // PLAIT_TEST_FUZZ_OBJECTIVE_INPUT_H_
