// group_advantage: rewards to advantages in float64, two passes over n rewards, in the rewards' order.
#include "group_advantage.h"

#include <cinttypes>
#include <cmath>

#include "checks.h"
#include "cpu.h"

namespace plait::cpu {
namespace {

plait_status CheckValues(const AdvantageArguments& in) {
  PLAIT_TRY(CheckOffsetValues(in.offsets, in.groups, in.n));
  for (int64_t i = 0; in.ids && i < in.n; ++i) {
    if (in.ids[i] < 0 || in.ids[i] >= in.groups) {
      PLAIT_REFUSE("ids[%" PRId64 "]: expected a group in [0, %" PRId64 "), got %" PRId64, i, in.groups, in.ids[i]);
    }
  }
  PLAIT_TRY(CheckRoleValues(in.roles, in.n));
  for (int64_t i = 0; i < in.n; ++i) {
    if (in.weights && !(in.weights[i] >= 0 && std::isfinite(in.weights[i]))) {
      PLAIT_REFUSE("weights[%" PRId64 "]: expected a finite number >= 0, got %g", i, in.weights[i]);
    }
    if (std::isinf(in.rewards[i])) {
      PLAIT_REFUSE("rewards[%" PRId64 "]: expected a finite reward, or NaN for none, got %g", i, in.rewards[i]);
    }
  }
  return PLAIT_OK;
}

bool IsScored(const AdvantageArguments& in, int64_t i) {
  return !std::isnan(in.rewards[i]) && !(in.roles && in.roles[i] == PLAIT_IGNORED);
}

bool IsCounted(const AdvantageArguments& in, int64_t i) {
  if (!IsScored(in, i)) return false;
  return in.options.statistics == PLAIT_STATISTICS_ALL || !in.roles || in.roles[i] == PLAIT_ROLLOUT;
}

// Calls visit(index, group) in the order of the rewards.
template <class Visitor>
void VisitRewards(const AdvantageArguments& in, const Visitor& visit) {
  if (in.ids) {
    for (int64_t i = 0; i < in.n; ++i) visit(i, in.ids[i]);
    return;
  }
  for (int64_t g = 0; g < in.groups; ++g) {
    for (int64_t i = in.offsets[g]; i < in.offsets[g + 1]; ++i) visit(i, g);
  }
}

}  // namespace

plait_status GroupAdvantage(void*, const AdvantageArguments& in, const AdvantageOutputs& out) {
  PLAIT_TRY(CheckValues(in));
  Moments* groups = static_cast<Moments*>(in.workspace);
  Moments batch = EmptyMoments();
  for (int64_t g = 0; g < in.groups; ++g) groups[g] = EmptyMoments();
  VisitRewards(in, [&](int64_t i, int64_t g) {
    if (!IsCounted(in, i)) return;
    const double weight = in.weights ? in.weights[i] : 1;
    AddReward(in.rewards[i], weight, &groups[g]);
    AddReward(in.rewards[i], weight, &batch);
  });
  for (int64_t g = 0; in.options.singleton == PLAIT_SINGLETON_REFUSE && UsesGroup(in.options) && g < in.groups; ++g) {
    if (groups[g].count == 1) PLAIT_REFUSE("rewards: expected no group with one scored member, got group %" PRId64, g);
  }
  for (int64_t g = 0; g < in.groups; ++g) FinishMean(&groups[g]);
  FinishMean(&batch);
  VisitRewards(in, [&](int64_t i, int64_t g) {
    if (!IsCounted(in, i)) return;
    AddSquare(in.rewards[i], &groups[g]);
    AddSquare(in.rewards[i], &batch);
  });
  const bool sample = in.options.sample_std != 0;
  for (int64_t g = 0; g < in.groups; ++g) FinishStd(sample, &groups[g]);
  FinishStd(sample, &batch);
  VisitRewards(in, [&](int64_t i, int64_t g) {
    out.advantages[i] =
        IsScored(in, i) ? static_cast<float>(AdvantageOf(in.rewards[i], IsCounted(in, i), in.options, groups[g], batch))
                        : 0;
  });
  for (int64_t g = 0; g < in.groups; ++g) {
    if (out.group_mean) out.group_mean[g] = static_cast<float>(groups[g].mean);
    if (out.group_std) out.group_std[g] = static_cast<float>(groups[g].std);
  }
  return PLAIT_OK;
}

}  // namespace plait::cpu
