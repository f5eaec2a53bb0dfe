// plait_group_advantage, with groups by offsets and by ids.
#include "objective_input.h"

using namespace plait::fuzz;

namespace {

constexpr int kSites = 45;

const plait_advantage_options* DrawOptions(Call* call, plait_advantage_options* x) {
  x->baseline = call->Enum("options.baseline", PLAIT_BASELINE_WEIGHTED_MEAN);
  x->scale = call->Enum("options.scale", PLAIT_SCALE_BATCH_STD);
  // Whether PLAIT_SINGLETON_REFUSE refuses depends on the groups: see Refuses.
  x->singleton = call->Enum("options.singleton", PLAIT_SINGLETON_REFUSE);
  x->sample_std = call->Enum("options.sample_std", 1);
  x->epsilon_place = call->Enum("options.epsilon_place", PLAIT_EPSILON_VARIANCE);
  x->statistics = call->Enum("options.statistics", PLAIT_STATISTICS_ROLLOUTS);
  x->zero_std_one = call->Enum("options.zero_std_one", 1);
  x->epsilon = call->Number("options.epsilon", IsFiniteAndNotNegative);
  x->std_floor = call->Number("options.std_floor", IsFiniteAndNotNegative);
  x->reserved = call->Reserved("options.reserved");
  return call->Structure("options", *x);
}

struct Group {
  int64_t counted = 0;
  bool equal = true;
  float reward = 0;  // of the one counted last
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Call call(data, size, kSites);
  const int32_t device = call.Device();
  const int64_t n = call.Int(0, 15) == 15 ? call.Int(100, 3000) : call.Int(0, 40);
  plait_advantage_options options = {};
  const plait_advantage_options* options_argument = DrawOptions(&call, &options);

  // Every reward's group, and then one of the two ways to say so.
  const Packing packing(&call, n, false);
  int64_t groups = packing.count();
  const int64_t* offsets = packing.offsets;
  const int64_t* ids = nullptr;
  std::vector<int64_t> group_of;
  for (int64_t g = 0; g < groups; ++g) {
    group_of.insert(
        group_of.end(),
        static_cast<size_t>(packing.values[static_cast<size_t>(g) + 1] - packing.values[static_cast<size_t>(g)]), g);
  }
  if (!offsets) {
    groups = call.Int(n > 0 ? 1 : 0, 12);
    Random random = call.Seed();
    for (int64_t& g : group_of) g = random.Below(groups);
    std::vector<int64_t> spoiled = group_of;
    if (n > 0 && call.Spoil("ids")) {
      spoiled[static_cast<size_t>(call.Int(0, n - 1))] = call.Pick<int64_t>({-1, groups, INT64_MIN, INT64_MAX});
    }
    if (!(n > 0 && call.Spoil("offsets"))) ids = call.Input("ids", spoiled, Null::kNever);
  } else if (call.Spoil("ids")) {
    ids = call.Input("ids", group_of, Null::kNever);
  }
  int64_t groups_argument = groups;
  if (call.Spoil("groups")) groups_argument = call.Pick<int64_t>({-1, INT64_MIN, INT64_MAX, INT64_MAX / 64});

  std::vector<float> rewards = call.Floats(n, -1, 2, false);
  for (int64_t i = n > 0 ? call.Int(0, 4) : 0; i > 0; --i) {
    const float v = call.Float();
    rewards[static_cast<size_t>(call.Int(0, n - 1))] = std::isinf(v) ? kNan : v;
  }
  const Roles roles(&call, "roles", n);
  std::vector<float> spoiled = rewards;
  if (n > 0 && call.Spoil("rewards")) {
    spoiled[static_cast<size_t>(call.Int(0, n - 1))] = call.Pick<float>({kInf, -kInf});
  }
  const float* rewards_argument = call.Input("rewards", spoiled);
  const float* weights_argument = nullptr;
  const bool weighted = options.baseline == PLAIT_BASELINE_WEIGHTED_MEAN;
  if (weighted || call.Bool()) {
    std::vector<float> weights = call.Floats(n, 0, 3, false);
    if (n > 0) weights[static_cast<size_t>(call.Int(0, n - 1))] = call.Number("weights", IsFiniteAndNotNegative);
    weights_argument = weighted ? call.Input("weights", weights) : call.Input("weights", weights, Null::kNever);
  }
  float* advantages = call.Output<float>("advantages", n);
  float* mean = call.Output<float>("group_mean", groups, Null::kOptional);
  float* deviation = call.Output<float>("group_std", groups, Null::kOptional);
  const Call::Memory workspace = call.Workspace(plait_group_advantage_workspace_bytes(groups));

  std::vector<Group> counted(static_cast<size_t>(groups));
  for (int64_t i = 0; i < n; ++i) {
    const float reward = rewards[static_cast<size_t>(i)];
    const bool scored = reward == reward && !roles.IsIgnored(i);
    if (!scored || (options.statistics == PLAIT_STATISTICS_ROLLOUTS && roles[i] != PLAIT_ROLLOUT)) continue;
    Group& group = counted[static_cast<size_t>(group_of[static_cast<size_t>(i)])];
    group.equal = group.equal && (group.counted == 0 || group.reward == reward);
    group.reward = reward;
    ++group.counted;
  }
  const bool own_baseline = options.baseline != PLAIT_BASELINE_NONE && options.baseline != PLAIT_BASELINE_BATCH_MEAN;
  const bool lonely = std::any_of(counted.begin(), counted.end(), [](const Group& g) { return g.counted == 1; });
  if (lonely && options.singleton == PLAIT_SINGLETON_REFUSE &&
      (own_baseline || options.scale == PLAIT_SCALE_GROUP_STD)) {
    call.Refuse("rewards");
  }

  const int64_t n_argument = call.Spoil("n") ? call.Pick<int64_t>({-1, INT64_MIN, INT64_MAX, INT64_MAX / 8}) : n;
  const bool accepted = call.Check([&] {
    return plait_group_advantage(device, nullptr, n_argument, rewards_argument, roles.get(), weights_argument,
                                 groups_argument, offsets, ids, options_argument, advantages, mean, deviation,
                                 workspace.data, workspace.bytes);
  });
  if (!accepted) return 0;
  for (int64_t i = 0; i < n; ++i) {
    const float reward = rewards[static_cast<size_t>(i)];
    const Group& group = counted[static_cast<size_t>(group_of[static_cast<size_t>(i)])];
    PLAIT_EXPECT(advantages[i] == advantages[i], "advantage %lld is NaN", static_cast<long long>(i));
    const bool scored = reward == reward && !roles.IsIgnored(i);
    const bool constant = own_baseline && group.counted > 1 && group.equal && reward == group.reward;
    const bool zero = !scored || constant || (own_baseline && group.counted == 0);
    PLAIT_EXPECT(!zero || advantages[i] == 0, "advantage %lld is %g, not 0", static_cast<long long>(i), advantages[i]);
  }
  for (int64_t g = 0; g < groups; ++g) {
    const Group& group = counted[static_cast<size_t>(g)];
    const bool none = group.counted == 0;
    PLAIT_EXPECT(!mean || (mean[g] != mean[g]) == none, "mean of group %lld", static_cast<long long>(g));
    PLAIT_EXPECT(!deviation || (deviation[g] != deviation[g]) == none, "deviation of group %lld",
                 static_cast<long long>(g));
    if (none || !group.equal) continue;
    PLAIT_EXPECT(!mean || mean[g] == group.reward, "mean of equal rewards is %g, not %g", mean[g], group.reward);
    PLAIT_EXPECT(!deviation || deviation[g] == 0, "deviation of equal rewards is %g", deviation[g]);
  }
  return 0;
}
