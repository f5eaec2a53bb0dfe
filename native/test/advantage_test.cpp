#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

struct Output {
  std::vector<float> advantages, mean, std;
};

plait_advantage_options Options(int32_t baseline, int32_t scale, float epsilon = 1e-6f) {
  plait_advantage_options options = {};
  options.struct_bytes = sizeof(options);
  options.baseline = baseline;
  options.scale = scale;
  options.sample_std = 1;
  options.epsilon = epsilon;
  return options;
}

Output Run(const std::vector<float>& rewards, const std::vector<int64_t>& offsets,
           const plait_advantage_options& options, const std::vector<int64_t>& ids = {}, int64_t id_groups = 0) {
  const int64_t groups = ids.empty() ? static_cast<int64_t>(offsets.size()) - 1 : id_groups;
  Output out = {std::vector<float>(rewards.size()), std::vector<float>(groups), std::vector<float>(groups)};
  std::vector<double> workspace(plait_group_advantage_workspace_bytes(groups) / 8 + 1);
  Accept(plait_group_advantage(Device(), nullptr, static_cast<int64_t>(rewards.size()), rewards.data(), nullptr,
                               nullptr, groups, ids.empty() ? offsets.data() : nullptr,
                               ids.empty() ? nullptr : ids.data(), &options, out.advantages.data(), out.mean.data(),
                               out.std.data(), workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
  return out;
}

}  // namespace

TEST_CASE("groups without a reward need neither offsets nor ids") {
  plait_advantage_options options = {};
  options.struct_bytes = sizeof(options);
  options.baseline = PLAIT_BASELINE_GROUP_MEAN;
  std::vector<double> workspace(plait_group_advantage_workspace_bytes(3) / 8);
  float mean[3] = {1, 2, 3};
  Accept(plait_group_advantage(Device(), nullptr, 0, nullptr, nullptr, nullptr, 3, nullptr, nullptr, &options, nullptr,
                               mean, nullptr, workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
  for (const float value : mean) CHECK(std::isnan(value));
}

TEST_CASE("rewards are centred and scaled by their group") {
  const Output out =
      Run({1, 0, 0, 1, 5, 7}, {0, 4, 6}, Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 1e-4f));
  const double sample = std::sqrt(1.0 / 3);
  CHECK(out.advantages[0] == doctest::Approx(0.5 / (sample + 1e-4)).epsilon(1e-7));
  CHECK(out.advantages[4] == doctest::Approx(-1 / (std::sqrt(2.0) + 1e-4)).epsilon(1e-7));
  CHECK(out.mean[1] == 6);
  CHECK(out.std[0] == doctest::Approx(sample).epsilon(1e-7));
  plait_advantage_options population = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 0);
  population.sample_std = 0;
  CHECK(Run({1, 0, 0, 1}, {0, 4}, population).advantages[0] == 1);
}

TEST_CASE("a group of equal rewards has exactly zero advantage, whatever the reward and epsilon") {
  for (const float reward : {0.1f, 0.7f, 1e30f, -3.3f}) {
    for (const int32_t baseline :
         {PLAIT_BASELINE_GROUP_MEAN, PLAIT_BASELINE_LEAVE_ONE_OUT, PLAIT_BASELINE_BATCH_MEAN}) {
      for (const int32_t scale : {PLAIT_SCALE_NONE, PLAIT_SCALE_GROUP_STD, PLAIT_SCALE_BATCH_STD}) {
        const Output out = Run(std::vector<float>(7, reward), {0, 7}, Options(baseline, scale, 0));
        for (const float advantage : out.advantages) CHECK(advantage == 0);
        CHECK(out.std[0] == 0);
      }
    }
  }
}

TEST_CASE("a large common reward does not cancel") {
  const std::vector<float> rewards = {1000, 1000.25f, 1000.5f, 1000.75f};
  const Output out = Run(rewards, {0, 4}, Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 0));
  CHECK(out.advantages[3] == doctest::Approx(1.161895003862225).epsilon(1e-7));
}

TEST_CASE("leave-one-out subtracts the mean of the others") {
  const Output out = Run({3, 1, 2}, {0, 3}, Options(PLAIT_BASELINE_LEAVE_ONE_OUT, PLAIT_SCALE_NONE));
  CHECK(out.advantages[0] == 1.5f);
  CHECK(out.advantages[1] == -1.5f);
  CHECK(out.advantages[2] == 0);
}

TEST_CASE("batch statistics span the groups") {
  const Output scaled = Run({0, 1, 4, 5}, {0, 2, 4}, Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_BATCH_STD, 0));
  CHECK(scaled.advantages[0] == doctest::Approx(-0.5 / std::sqrt(17.0 / 3)).epsilon(1e-7));
  const Output centred = Run({0, 1, 4, 5}, {0, 2, 4}, Options(PLAIT_BASELINE_BATCH_MEAN, PLAIT_SCALE_NONE));
  CHECK(centred.advantages[3] == 2.5f);
}

TEST_CASE("unscorable rewards are left out and get zero") {
  const Output out = Run({kNan, 1, 3, kNan}, {0, 3, 4}, Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_NONE));
  CHECK(out.advantages[0] == 0);
  CHECK(out.advantages[1] == -1);
  CHECK(out.advantages[3] == 0);
  CHECK(std::isnan(out.mean[1]));
  CHECK(std::isnan(out.std[1]));
}

TEST_CASE("the only member of a group gets what the option says") {
  plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 1);
  CHECK(Run({4}, {0, 1}, options).advantages[0] == 0);
  options.singleton = PLAIT_SINGLETON_REWARD;
  CHECK(Run({4}, {0, 1}, options).advantages[0] == 2);
  options.scale = PLAIT_SCALE_NONE;
  options.baseline = PLAIT_BASELINE_LEAVE_ONE_OUT;
  CHECK(Run({4}, {0, 1}, options).advantages[0] == 4);
}

TEST_CASE("groups may be scattered, given by id") {
  const plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD);
  const Output packed = Run({1, 2, 4, 0, 9}, {0, 3, 5}, options);
  const Output scattered = Run({0, 1, 2, 9, 4}, {}, options, {1, 0, 0, 1, 0}, 2);
  CHECK(scattered.advantages[1] == packed.advantages[0]);
  CHECK(scattered.advantages[4] == packed.advantages[2]);
  CHECK(scattered.advantages[3] == packed.advantages[4]);
  CHECK(packed.advantages[2] != 0);
}

namespace {

// One group, with roles or weights.
std::vector<float> RunGroup(const std::vector<float>& rewards, const std::vector<uint8_t>& roles,
                            const std::vector<float>& weights, const plait_advantage_options& options) {
  const int64_t n = static_cast<int64_t>(rewards.size());
  const std::vector<int64_t> offsets = {0, n};
  std::vector<float> advantages(rewards.size());
  std::vector<double> workspace(plait_group_advantage_workspace_bytes(1) / 8 + 1);
  Accept(plait_group_advantage(Device(), nullptr, n, rewards.data(), roles.empty() ? nullptr : roles.data(),
                               weights.empty() ? nullptr : weights.data(), 1, offsets.data(), nullptr, &options,
                               advantages.data(), nullptr, nullptr, workspace.data(),
                               static_cast<int64_t>(workspace.size() * 8)));
  return advantages;
}

}  // namespace

TEST_CASE("statistics may come from rollouts alone, and a standard deviation of zero may count as one") {
  plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 0);
  options.statistics = PLAIT_STATISTICS_ROLLOUTS;
  options.zero_std_one = 1;
  const std::vector<uint8_t> roles = {1, 1, 1, 2};
  std::vector<float> failed = RunGroup({0, 0, 0, 1}, roles, {}, options);  // LUFFY's grpo_split: all rollouts fail
  CHECK(failed == std::vector<float>{0, 0, 0, 1});
  const std::vector<float> mixed = RunGroup({0, 1, 1, 1}, roles, {}, options);
  CHECK(mixed[3] == mixed[2]);
  CHECK(mixed[0] == doctest::Approx(-2.0 / 3 / std::sqrt(1.0 / 3)).epsilon(1e-6));
  options.statistics = PLAIT_STATISTICS_ALL;
  CHECK(RunGroup({0, 1, 1, 1}, roles, {}, options)[0] == doctest::Approx(-1.5).epsilon(1e-6));
  options.statistics = PLAIT_STATISTICS_ROLLOUTS;
  CHECK(RunGroup({3, 1}, {2, 2}, {}, options) == std::vector<float>{0, 0});  // no rollout at all
  CHECK(RunGroup({3, 1, 0}, {0, 1, 1}, {}, options)[0] == 0);                // ignored
}

TEST_CASE("epsilon goes to the deviation or to the variance, above a floor") {
  plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_GROUP_STD, 0.5f);
  CHECK(RunGroup({0, 2}, {}, {}, options)[1] == doctest::Approx(1 / (std::sqrt(2.0) + 0.5)));
  options.epsilon_place = PLAIT_EPSILON_VARIANCE;
  CHECK(RunGroup({0, 2}, {}, {}, options)[1] == doctest::Approx(1 / std::sqrt(2.5)));
  options.epsilon = 0;
  options.std_floor = 4;
  CHECK(RunGroup({0, 2}, {}, {}, options)[1] == doctest::Approx(0.25));
}

TEST_CASE("a weighted mean weighs rewards, by length say") {
  const plait_advantage_options options = Options(PLAIT_BASELINE_WEIGHTED_MEAN, PLAIT_SCALE_NONE);
  CHECK(RunGroup({0, 4}, {}, {3, 1}, options) == std::vector<float>{-1, 3});
  CHECK(RunGroup({0.1f, 0.1f, 0.1f}, {}, {3, 1, 7}, options) == std::vector<float>{0, 0, 0});
}

TEST_CASE("single members may be refused") {
  plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_NONE);
  options.singleton = PLAIT_SINGLETON_REFUSE;
  const std::vector<float> rewards = {1, 2, 3};
  const std::vector<int64_t> offsets = {0, 2, 3};
  std::vector<float> advantages(3, -7);
  std::vector<double> workspace(32);
  const int32_t status =
      plait_group_advantage(Device(), nullptr, 3, rewards.data(), nullptr, nullptr, 2, offsets.data(), nullptr,
                            &options, advantages.data(), nullptr, nullptr, workspace.data(), 256);
  if (!ReadsValuesFirst()) {  // too late to refuse: the member that has no advantage says so
    Accept(status);
    CHECK(std::isnan(advantages[2]));
    CHECK(advantages[0] == -0.5f);
    return;
  }
  CHECK(status == PLAIT_INVALID_ARGUMENT);
  CHECK(std::string(plait_last_error()).find("group 1") != std::string::npos);
  CHECK(advantages[0] == -7);
}

TEST_CASE("generalised advantages step over ignored tokens, returns-to-go may restart at them") {
  const std::vector<float> rewards = {0, 0, 9, 1, 2}, values = {0.5f, 0.25f, 9, -0.5f, 1};
  const std::vector<uint8_t> roles = {1, 1, 0, 1, 1};
  const std::vector<int64_t> offsets = {0, 4, 5};
  std::vector<float> advantages(5), returns(5);
  Accept(plait_token_advantage(Device(), nullptr, 5, 2, offsets.data(), roles.data(), rewards.data(), values.data(),
                               0.9f, 0.8f, 0, advantages.data(), returns.data()));
  const double g = 0.9f, gl = g * 0.8f;
  const double a3 = 1 + 0.5, a1 = 0 + g * -0.5 - 0.25 + gl * a3, a0 = 0 + g * 0.25 - 0.5 + gl * a1;
  CHECK(advantages[3] == doctest::Approx(a3));
  CHECK(advantages[1] == doctest::Approx(a1));
  CHECK(advantages[0] == doctest::Approx(a0));
  CHECK(returns[0] == doctest::Approx(a0 + 0.5));
  CHECK(advantages[2] == 0);
  CHECK(advantages[4] == 1);
  Accept(plait_token_advantage(Device(), nullptr, 5, 2, offsets.data(), roles.data(), rewards.data(), nullptr, 0.5f, 1,
                               0, advantages.data(), nullptr));
  CHECK(advantages == std::vector<float>{0.25f, 0.5f, 0, 1, 2});
  Accept(plait_token_advantage(Device(), nullptr, 5, 2, offsets.data(), roles.data(), rewards.data(), nullptr, 0.5f, 1,
                               1, advantages.data(), nullptr));
  CHECK(advantages == std::vector<float>{0, 0, 0, 1, 2});
}

TEST_CASE("whitening centres and scales the tokens that count") {
  std::vector<float> x = {1, kNan, 3, 8};
  const std::vector<uint8_t> roles = {1, 0, 2, 3};
  std::vector<float> out(4);
  Accept(plait_whiten(Device(), nullptr, 4, roles.data(), x.data(), 1, 1, 0, 1e-8f, out.data()));
  const double std = std::sqrt((9 + 1 + 16) / 2.0);
  CHECK(out[0] == doctest::Approx(-3 / std));
  CHECK(out[1] == 0);
  CHECK(out[3] == doctest::Approx(4 / std));
  Accept(plait_whiten(Device(), nullptr, 4, roles.data(), x.data(), 0, 0, 100, 0, x.data()));  // in place
  CHECK(x[3] == doctest::Approx(0.8));
  std::vector<float> equal(5, 0.1f);
  Accept(plait_whiten(Device(), nullptr, 5, nullptr, equal.data(), 1, 1, 0, 0, equal.data()));
  CHECK(equal == std::vector<float>(5, 0));
}

TEST_CASE("ratios are of tokens, of a sequence's mean or of its sum") {
  const std::vector<float> logp = {-1, -2, -3, -1, kNan}, old_logp = {-1.5f, -2.25f, -3.5f, -0.5f, kNan};
  const std::vector<int64_t> offsets = {0, 2, 2, 5};
  const std::vector<uint8_t> roles = {1, 1, 2, 3, 0};
  std::vector<float> ratio(5), sequence(3);
  std::vector<uint8_t> flags(5);
  const auto run = [&](int32_t level, float limit) {
    Accept(plait_importance_ratio(Device(), nullptr, 5, 3, offsets.data(), roles.data(), logp.data(), old_logp.data(),
                                  level, 0.2f, 0.3f, limit, ratio.data(),
                                  level == PLAIT_RATIO_TOKEN ? nullptr : sequence.data(), flags.data()));
  };
  run(PLAIT_RATIO_TOKEN, kInf);
  CHECK(ratio[0] == doctest::Approx(std::exp(0.5)).epsilon(1e-6));
  CHECK(flags[0] == PLAIT_RATIO_ABOVE);
  CHECK(flags[1] == 0);
  CHECK(flags[3] == PLAIT_RATIO_BELOW);
  CHECK(ratio[4] == 0);
  run(PLAIT_RATIO_SEQUENCE_MEAN, kInf);
  CHECK(sequence[0] == doctest::Approx(std::exp(0.375)).epsilon(1e-6));
  CHECK(ratio[1] == sequence[0]);
  CHECK(sequence[1] == 1);
  CHECK(sequence[2] == 1);
  CHECK(flags[2] == 0);
  run(PLAIT_RATIO_SEQUENCE_SUM, 0.5f);
  CHECK(sequence[0] == doctest::Approx(std::exp(0.5)).epsilon(1e-6));
  CHECK(flags[0] == (PLAIT_RATIO_ABOVE | PLAIT_RATIO_LIMITED));
  CHECK(flags[4] == 0);
}

TEST_CASE("a demonstration beside a single rollout is judged as the option says, from mean 0 and deviation 1") {
  plait_advantage_options options = Options(PLAIT_BASELINE_GROUP_MEAN, PLAIT_SCALE_NONE, 0);
  options.statistics = PLAIT_STATISTICS_ROLLOUTS;
  options.singleton = PLAIT_SINGLETON_REWARD;
  CHECK(RunGroup({0.5f, 1}, {PLAIT_ROLLOUT, PLAIT_DEMONSTRATION}, {}, options) == std::vector<float>{0.5f, 1});
  options.singleton = PLAIT_SINGLETON_ZERO;
  CHECK(RunGroup({0.5f, 1}, {PLAIT_ROLLOUT, PLAIT_DEMONSTRATION}, {}, options) == std::vector<float>{0, 0.5f});
}

TEST_CASE("values of one size and opposite sign are not equal") {
  const std::vector<float> expected = {-1, 1, -1, 1};
  std::vector<float> out(4);
  Accept(plait_whiten(Device(), nullptr, 4, nullptr, expected.data(), 0, 1, 0, 0, out.data()));
  CHECK(out == expected);
  plait_advantage_options options = Options(PLAIT_BASELINE_BATCH_MEAN, PLAIT_SCALE_BATCH_STD, 0);
  options.sample_std = 0;
  CHECK(Run(expected, {0, 2, 4}, options).advantages == expected);
}

TEST_CASE("single members are refused only where their group's statistics are used, and only themselves") {
  plait_advantage_options options = Options(PLAIT_BASELINE_NONE, PLAIT_SCALE_NONE);
  options.singleton = PLAIT_SINGLETON_REFUSE;
  CHECK(Run({3, 1, 2}, {0, 1, 3}, options).advantages == std::vector<float>{3, 1, 2});
  if (ReadsValuesFirst()) return;  // the whole call is refused
  options.baseline = PLAIT_BASELINE_GROUP_MEAN;
  options.statistics = PLAIT_STATISTICS_ROLLOUTS;
  const std::vector<float> advantages = RunGroup({0.5f, 1}, {PLAIT_ROLLOUT, PLAIT_DEMONSTRATION}, {}, options);
  CHECK(std::isnan(advantages[0]));
  CHECK(std::isfinite(advantages[1]));
}
