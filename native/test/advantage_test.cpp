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
  Accept(plait_group_advantage(PLAIT_CPU, nullptr, static_cast<int64_t>(rewards.size()), rewards.data(), groups,
                               ids.empty() ? offsets.data() : nullptr, ids.empty() ? nullptr : ids.data(), &options,
                               out.advantages.data(), out.mean.data(), out.std.data(), workspace.data(),
                               static_cast<int64_t>(workspace.size() * 8)));
  return out;
}

}  // namespace

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

TEST_CASE("ratios are of tokens, of a sequence's mean or of its sum") {
  const std::vector<float> logp = {-1, -2, -3, -1, kNan}, old_logp = {-1.5f, -2.25f, -3.5f, -0.5f, kNan};
  const std::vector<int64_t> offsets = {0, 2, 2, 5};
  const std::vector<uint8_t> roles = {1, 1, 2, 3, 0};
  std::vector<float> ratio(5), sequence(3);
  std::vector<uint8_t> flags(5);
  const auto run = [&](int32_t level, float limit) {
    Accept(plait_importance_ratio(PLAIT_CPU, nullptr, 5, 3, offsets.data(), roles.data(), logp.data(), old_logp.data(),
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
