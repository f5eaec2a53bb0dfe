// Advantages, returns, whitening and ratios against their definitions in plait.h, for every combination of options.
#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

// Groups of every size; rewards that are equal, unscorable or of any role.
struct Rewards {
  std::vector<int64_t> offsets = {0, 4, 5, 5, 8, 10, 15};
  std::vector<float> rewards = {1, 0, 0.5f, 2, 3, 1, 1, 1, kNan, 4, -1, 2, 0.25f, 7, 1};
  std::vector<uint8_t> roles = {1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 0, 3, 2, 1};
  std::vector<float> weights = {1, 2, 0.5f, 3, 0, 1, 2, 1, 1, 0, 2, 1, 4, 0.25f, 0.5f};

  int64_t groups() const { return static_cast<int64_t>(offsets.size()) - 1; }
  size_t GroupOf(size_t i) const {
    size_t g = 0;
    while (offsets[g + 1] <= static_cast<int64_t>(i)) ++g;
    return g;
  }
};

struct Statistics {
  double count = 0, mean = NAN, std = NAN, weighted = NAN;
  bool constant = true;
};

bool IsCounted(const Rewards& r, size_t i, int32_t statistics) {
  if (std::isnan(r.rewards[i]) || r.roles[i] == PLAIT_IGNORED) return false;
  return statistics == PLAIT_STATISTICS_ALL || r.roles[i] == PLAIT_ROLLOUT;
}

Statistics StatisticsOf(const Rewards& r, size_t begin, size_t end, const plait_advantage_options& o) {
  double count = 0, sum = 0, weight = 0, weighted = 0, squares = 0, first = 0;
  bool constant = true;
  for (size_t i = begin; i < end; ++i) {
    if (!IsCounted(r, i, o.statistics)) continue;
    if (count == 0) first = r.rewards[i];
    constant = constant && r.rewards[i] == first;
    count += 1;
    sum += r.rewards[i];
    weight += r.weights[i];
    weighted += static_cast<double>(r.weights[i]) * r.rewards[i];
  }
  if (count == 0) return {};
  const double mean = sum / count;
  for (size_t i = begin; i < end; ++i) {
    if (IsCounted(r, i, o.statistics)) squares += (r.rewards[i] - mean) * (r.rewards[i] - mean);
  }
  const double std = count == 1 ? 0 : std::sqrt(squares / (o.sample_std ? count - 1 : count));
  return {count, mean, std, weight > 0 ? weighted / weight : mean, constant};
}

double AdvantageOf(const Rewards& r, size_t i, const plait_advantage_options& o) {
  if (std::isnan(r.rewards[i]) || r.roles[i] == PLAIT_IGNORED) return 0;
  const size_t g = r.GroupOf(i);
  const Statistics group = StatisticsOf(r, r.offsets[g], r.offsets[g + 1], o);
  const Statistics batch = StatisticsOf(r, 0, r.rewards.size(), o);
  const bool counted = IsCounted(r, i, o.statistics);
  const bool own_baseline = o.baseline != PLAIT_BASELINE_NONE && o.baseline != PLAIT_BASELINE_BATCH_MEAN;
  const bool uses_group = own_baseline || o.scale == PLAIT_SCALE_GROUP_STD;
  if (uses_group && group.count == 0) return 0;
  const bool alone = uses_group && group.count == 1;
  if (alone && counted && o.singleton == PLAIT_SINGLETON_ZERO) return 0;
  const bool as_reward = alone && o.singleton == PLAIT_SINGLETON_REWARD;
  double baseline = 0;
  if (o.baseline == PLAIT_BASELINE_BATCH_MEAN) baseline = batch.mean;
  if (own_baseline && !as_reward) {
    baseline = group.mean;
    if (o.baseline == PLAIT_BASELINE_WEIGHTED_MEAN && !group.constant) baseline = group.weighted;
    if (o.baseline == PLAIT_BASELINE_LEAVE_ONE_OUT && counted) {
      baseline = (group.mean * group.count - r.rewards[i]) / (group.count - 1);
    }
  }
  if (o.scale == PLAIT_SCALE_NONE) return r.rewards[i] - baseline;
  double std = o.scale == PLAIT_SCALE_BATCH_STD ? batch.std : as_reward ? 1 : group.std;
  if (std == 0 && o.zero_std_one) std = 1;
  std = std::fmax(std, o.std_floor);
  return (r.rewards[i] - baseline) /
         (o.epsilon_place == PLAIT_EPSILON_VARIANCE ? std::sqrt(std * std + o.epsilon) : std + o.epsilon);
}

void CheckAdvantages(const Rewards& r, const plait_advantage_options& options, bool by_ids) {
  const int64_t n = static_cast<int64_t>(r.rewards.size()), groups = r.groups();
  std::vector<int64_t> ids;
  for (size_t i = 0; i < r.rewards.size(); ++i) ids.push_back(static_cast<int64_t>(r.GroupOf(i)));
  std::vector<float> advantages(n), mean(groups), std(groups);
  std::vector<double> workspace(plait_group_advantage_workspace_bytes(groups) / 8);
  Accept(plait_group_advantage(Device(), nullptr, n, r.rewards.data(), r.roles.data(), r.weights.data(), groups,
                               by_ids ? nullptr : r.offsets.data(), by_ids ? ids.data() : nullptr, &options,
                               advantages.data(), mean.data(), std.data(), workspace.data(),
                               static_cast<int64_t>(workspace.size() * 8)));
  for (int64_t i = 0; i < n; ++i) {
    CAPTURE(i);
    CHECK(std::fabs(advantages[i] - AdvantageOf(r, i, options)) <= 1e-5);
  }
  for (int64_t g = 0; g < groups; ++g) {
    const Statistics expected = StatisticsOf(r, r.offsets[g], r.offsets[g + 1], options);
    CAPTURE(g);
    CHECK(std::isnan(mean[g]) == (expected.count == 0));
    CHECK(std::isnan(std[g]) == (expected.count == 0));
    if (expected.count == 0) continue;
    CHECK(std::fabs(mean[g] - expected.mean) <= 1e-6);
    CHECK(std::fabs(std[g] - expected.std) <= 1e-6);
  }
}

}  // namespace

TEST_CASE("every baseline, scale and option of an advantage is what it is defined as") {
  const Rewards rewards;
  int call = 0;
  for (int baseline = 0; baseline <= PLAIT_BASELINE_WEIGHTED_MEAN; ++baseline) {
    for (int scale = 0; scale <= PLAIT_SCALE_BATCH_STD; ++scale) {
      for (int bits = 0; bits < 64; ++bits) {
        if (++call % 5 != 0 && !ReadsValuesFirst()) continue;  // a fifth of them where a call takes long
        plait_advantage_options options = {};
        options.struct_bytes = sizeof(options);
        options.baseline = baseline;
        options.scale = scale;
        options.singleton = bits & 1;
        options.sample_std = bits >> 1 & 1;
        options.epsilon_place = bits >> 2 & 1;
        options.statistics = bits >> 3 & 1;
        options.zero_std_one = bits >> 4 & 1;
        options.epsilon = 0.125f;
        options.std_floor = bits & 32 ? 0.9f : 0;
        CAPTURE(baseline);
        CAPTURE(scale);
        CAPTURE(bits);
        CheckAdvantages(rewards, options, call % 3 == 0);
      }
    }
  }
}

TEST_CASE("returns follow their recurrence for every discount, and restart where they are told to") {
  const std::vector<int64_t> offsets = {0, 4, 4, 6, 70};
  std::vector<float> rewards(70), values(70);
  std::vector<uint8_t> roles(70);
  std::mt19937 random(8);
  for (int t = 0; t < 70; ++t) {
    rewards[t] = static_cast<float>(random() % 9) - 4;
    values[t] = static_cast<float>(random() % 7) - 3;
    roles[t] = static_cast<uint8_t>(t % 5 == 1 ? 0 : 1 + t % 3);
  }
  for (const bool packed : {true, false}) {
    for (const bool has_values : {true, false}) {
      for (const int restart : {0, 1}) {
        for (const float gamma : {0.f, 0.9f, 1.f}) {
          for (const float lambda : {0.f, 0.5f, 1.f}) {
            std::vector<float> advantages(70), returns(70);
            Accept(plait_token_advantage(Device(), nullptr, 70, packed ? 4 : 0, packed ? offsets.data() : nullptr,
                                         roles.data(), rewards.data(), has_values ? values.data() : nullptr, gamma,
                                         lambda, restart, advantages.data(), returns.data()));
            double next_value = 0, next_advantage = 0;
            for (int t = 69; t >= 0; --t) {
              if (packed && (t == 69 || t == 5 || t == 3)) next_value = next_advantage = 0;
              CAPTURE(t);
              if (roles[t] == PLAIT_IGNORED) {
                if (restart) next_value = next_advantage = 0;
                CHECK(advantages[t] == 0);
                CHECK(returns[t] == 0);
                continue;
              }
              const double value = has_values ? values[t] : 0;
              next_advantage =
                  rewards[t] + gamma * next_value - value + static_cast<double>(gamma) * lambda * next_advantage;
              next_value = value;
              CHECK(advantages[t] == static_cast<float>(next_advantage));
              CHECK(returns[t] == static_cast<float>(next_advantage + value));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("whitening is what it is defined as, for every option") {
  const std::vector<float> x = {3, -1, 0.5f, 2, kNan, 4, 1, 1};
  const std::vector<uint8_t> roles = {1, 2, 3, 1, 0, 1, 0, 2};
  const double mean = (3 - 1 + 0.5 + 2 + 4 + 1) / 6;
  double squares = 0;
  for (int t = 0; t < 8; ++t) squares += roles[t] ? (x[t] - mean) * (x[t] - mean) : 0;
  for (const int sample : {0, 1}) {
    for (const int shift : {0, 1}) {
      for (const float floor : {0.f, 9.f}) {
        for (const float epsilon : {0.f, 0.5f}) {
          std::vector<float> out(8);
          Accept(plait_whiten(Device(), nullptr, 8, roles.data(), x.data(), sample, shift, floor, epsilon, out.data()));
          const double scale = 1 / std::sqrt(std::fmax(squares / (sample ? 5 : 6), floor) + epsilon);
          for (int t = 0; t < 8; ++t) {
            const double expected = roles[t] ? (x[t] - (shift ? mean : 0)) * scale : 0;
            CHECK(std::fabs(out[t] - expected) <= 1e-6);
          }
        }
      }
    }
  }
  float one[] = {5, 7};
  const uint8_t single[] = {1, 0};
  Accept(plait_whiten(Device(), nullptr, 2, single, one, 1, 0, 0, 0.5f, one));
  CHECK(one[0] == 0);
  CHECK(one[1] == 0);
}

TEST_CASE("ratios and flags are what they are defined as, at every level and at the bounds themselves") {
  const std::vector<int64_t> offsets = {0, 3, 3, 5, 40};
  std::vector<float> logp(40), old_logp(40, -4.f);
  std::vector<uint8_t> roles(40);
  for (int t = 0; t < 40; ++t) {
    logp[t] = -4 + static_cast<float>(t % 9 - 4) / 4;  // log-ratios of quarters in [-1, 1]
    roles[t] = static_cast<uint8_t>(t % 7 == 2 ? 0 : 1 + t % 3);
  }
  for (const bool packed : {true, false}) {
    for (int level = 0; level <= PLAIT_RATIO_SEQUENCE_SUM; ++level) {
      for (const float limit : {kInf, 0.5f}) {
        std::vector<float> ratio(40), of_sequence(4, -7);
        std::vector<uint8_t> flags(40);
        Accept(plait_importance_ratio(Device(), nullptr, 40, packed ? 4 : 0, packed ? offsets.data() : nullptr,
                                      roles.data(), logp.data(), old_logp.data(), level, 0.25f, 0.5f, limit,
                                      ratio.data(), level ? of_sequence.data() : nullptr, flags.data()));
        for (int i = 0; i < (packed ? 4 : 1); ++i) {
          const int64_t begin = packed ? offsets[i] : 0, end = packed ? offsets[i + 1] : 40;
          double sum = 0, count = 0;
          for (int64_t t = begin; t < end; ++t) {
            if (!roles[t]) continue;
            sum += static_cast<double>(logp[t]) - old_logp[t];
            count += 1;
          }
          if (level == PLAIT_RATIO_SEQUENCE_MEAN && count > 0) sum /= count;
          for (int64_t t = begin; t < end; ++t) {
            CAPTURE(t);
            const double exact = level == PLAIT_RATIO_TOKEN ? static_cast<double>(logp[t]) - old_logp[t] : sum;
            const double r = std::exp(std::fmin(std::fmax(exact, -limit), limit));
            const int expected =
                (r < 0.75) * PLAIT_RATIO_BELOW + (r > 1.5) * PLAIT_RATIO_ABOVE + (std::fabs(exact) > limit) * 4;
            CHECK(ratio[t] == doctest::Approx(roles[t] ? r : 0).epsilon(1e-6));
            CHECK(flags[t] == (roles[t] ? expected : 0));
          }
          if (level) {
            CHECK(of_sequence[i] == doctest::Approx(std::exp(std::fmin(std::fmax(sum, -limit), limit))).epsilon(1e-6));
          }
        }
      }
    }
  }
  // At the bounds themselves a ratio of 1 is neither below nor above.
  for (int level = 0; level <= PLAIT_RATIO_SEQUENCE_SUM; ++level) {
    std::vector<float> same(5, -1), ratio(5);
    std::vector<uint8_t> flags(5, 9);
    Accept(plait_importance_ratio(Device(), nullptr, 5, 0, nullptr, nullptr, same.data(), same.data(), level, 0, 0,
                                  kInf, ratio.data(), nullptr, flags.data()));
    CHECK(flags == std::vector<uint8_t>(5, 0));
  }
}
