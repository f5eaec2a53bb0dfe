// group_advantage: rewards to advantages in float64, two passes over n rewards, in the rewards' order.
#include "group_advantage.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>

#include "checks.h"
#include "cpu.h"
#include "parallel.h"

namespace plait::cpu {
namespace {

// Without a branch per reward, as almost all calls have nothing to find.
bool AllFinite(const float* values, int64_t n) {
  int other = 0;
  for (int64_t i = 0; i < n; ++i) other |= !(std::fabs(values[i]) < INFINITY);
  return !other;
}

plait_status CheckValues(const AdvantageArguments& in) {
  PLAIT_TRY(CheckOffsetValues(in.offsets, in.groups, in.n));
  for (int64_t i = 0; in.ids && i < in.n; ++i) {
    if (in.ids[i] < 0 || in.ids[i] >= in.groups) {
      PLAIT_REFUSE("ids[%" PRId64 "]: expected a group in [0, %" PRId64 "), got %" PRId64, i, in.groups, in.ids[i]);
    }
  }
  PLAIT_TRY(CheckRoleValues(in.roles, in.n));
  for (int64_t i = 0; in.weights && i < in.n; ++i) {
    if (!(in.weights[i] >= 0 && std::isfinite(in.weights[i]))) {
      PLAIT_REFUSE("weights[%" PRId64 "]: expected a finite number >= 0, got %g", i, in.weights[i]);
    }
  }
  const bool finite = AllFinite(in.rewards, in.n);
  for (int64_t i = 0; !finite && i < in.n; ++i) {
    if (std::isinf(in.rewards[i])) {
      PLAIT_REFUSE("rewards[%" PRId64 "]: expected a finite reward, or NaN for none, got %g", i, in.rewards[i]);
    }
  }
  return PLAIT_OK;
}

// kPlain: all rewards are scored and counted, and none has a weight.
template <bool kPlain>
class Advantages {
 public:
  Advantages(const AdvantageArguments& in, const AdvantageOutputs& out)
      : in_(in), out_(out), groups_(static_cast<Moments*>(in.workspace)) {}

  plait_status Run() {
    PLAIT_TRY(CheckSingletons());
    if (in_.offsets && !UsesBatch(in_.options)) {
      constexpr int64_t kTile = 32;
      constexpr int64_t kRewardCost = 4;  // in bytes of row work: 8192 rewards are done before a thread has woken
      const int64_t cost = in_.groups > 0 ? kRewardCost * (1 + in_.n / in_.groups) : 0;
      ParallelFor(in_.groups, cost, [this](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g += kTile) RunGroups(g, std::min(end, g + kTile));
      });
    } else {
      RunBatch();
    }
    for (int64_t g = 0; g < in_.groups; ++g) {
      if (out_.group_mean) out_.group_mean[g] = static_cast<float>(groups_[g].mean);
      if (out_.group_std) out_.group_std[g] = static_cast<float>(groups_[g].std);
    }
    return PLAIT_OK;
  }

 private:
  bool IsScored(int64_t i) const {
    return kPlain || (!std::isnan(in_.rewards[i]) && !(in_.roles && in_.roles[i] == PLAIT_IGNORED));
  }

  bool IsCounted(int64_t i) const {
    if (kPlain) return true;
    if (!IsScored(i)) return false;
    return in_.options.statistics == PLAIT_STATISTICS_ALL || !in_.roles || in_.roles[i] == PLAIT_ROLLOUT;
  }

  // Calls visit(index, group) in the order of the rewards.
  template <class Visitor>
  void VisitRewards(const Visitor& visit) const {
    for (int64_t i = 0; in_.ids && i < in_.n; ++i) visit(i, in_.ids[i]);
    for (int64_t g = 0; in_.offsets && g < in_.groups; ++g) {
      for (int64_t i = in_.offsets[g]; i < in_.offsets[g + 1]; ++i) visit(i, g);
    }
  }

  plait_status CheckSingletons() const {
    if (in_.options.singleton != PLAIT_SINGLETON_REFUSE || !UsesGroup(in_.options)) return PLAIT_OK;
    for (int64_t g = 0; g < in_.groups; ++g) groups_[g] = EmptyMoments();
    VisitRewards([this](int64_t i, int64_t g) { groups_[g].count += IsCounted(i); });
    for (int64_t g = 0; g < in_.groups; ++g) {
      if (groups_[g].count == 1) {
        PLAIT_REFUSE("rewards: expected no group with one scored member, got group %" PRId64, g);
      }
    }
    return PLAIT_OK;
  }

  void Add(int64_t i, Moments* moments) const {
    AddReward(in_.rewards[i], moments);
    if (!kPlain && in_.weights) AddWeight(in_.rewards[i], in_.weights[i], moments);
  }

  // Some groups from their rewards to their advantages, in the first cache. Step by step, so that no group's divisions
  // and square root wait for those of the one before.
  void RunGroups(int64_t first, int64_t last) {
    for (int64_t g = first; g < last; ++g) {
      Moments moments = EmptyMoments();
      for (int64_t i = in_.offsets[g]; i < in_.offsets[g + 1]; ++i) {
        if (IsCounted(i)) Add(i, &moments);
      }
      FinishMean(&moments);
      groups_[g] = moments;
    }
    for (int64_t g = first; g < last; ++g) {
      Moments moments = groups_[g];
      for (int64_t i = in_.offsets[g]; i < in_.offsets[g + 1]; ++i) {
        if (IsCounted(i)) AddSquare(in_.rewards[i], &moments);
      }
      FinishStd(in_.options.sample_std != 0, &moments);
      groups_[g].squares = moments.squares;
      groups_[g].std = moments.std;
    }
    for (int64_t g = first; g < last; ++g) WriteGroup(g);
  }

  void WriteGroup(int64_t g) {
    const int64_t begin = in_.offsets[g], end = in_.offsets[g + 1];
    const Affine counted = AffineOf(true, in_.options, groups_[g], EmptyMoments());
    if (kPlain) {
      const float* from = in_.rewards + begin;
      float* to = out_.advantages + begin;
      for (int64_t i = 0; i < end - begin; ++i) to[i] = static_cast<float>(AdvantageOf(from[i], counted));
      return;
    }
    const Affine other = AffineOf(false, in_.options, groups_[g], EmptyMoments());
    for (int64_t i = begin; i < end; ++i) Write(i, counted, other);
  }

  void Write(int64_t i, const Affine& counted, const Affine& other) const {
    out_.advantages[i] =
        IsScored(i) ? static_cast<float>(AdvantageOf(in_.rewards[i], IsCounted(i) ? counted : other)) : 0;
  }

  // Groups in any order, and statistics of the batch.
  void RunBatch() {
    const bool uses_batch = UsesBatch(in_.options);
    Moments batch = EmptyMoments();
    for (int64_t g = 0; g < in_.groups; ++g) groups_[g] = EmptyMoments();
    VisitRewards([&](int64_t i, int64_t g) {
      if (!IsCounted(i)) return;
      Add(i, &groups_[g]);
      if (uses_batch) Add(i, &batch);
    });
    for (int64_t g = 0; g < in_.groups; ++g) FinishMean(&groups_[g]);
    FinishMean(&batch);
    VisitRewards([&](int64_t i, int64_t g) {
      if (!IsCounted(i)) return;
      AddSquare(in_.rewards[i], &groups_[g]);
      if (uses_batch) AddSquare(in_.rewards[i], &batch);
    });
    const bool sample = in_.options.sample_std != 0;
    for (int64_t g = 0; g < in_.groups; ++g) FinishStd(sample, &groups_[g]);
    FinishStd(sample, &batch);
    VisitRewards([&](int64_t i, int64_t g) {
      Write(i, AffineOf(true, in_.options, groups_[g], batch), AffineOf(false, in_.options, groups_[g], batch));
    });
  }

  const AdvantageArguments& in_;
  const AdvantageOutputs& out_;
  Moments* groups_;
};

}  // namespace

plait_status GroupAdvantage(const Placement&, const AdvantageArguments& in, const AdvantageOutputs& out) {
  PLAIT_TRY(CheckValues(in));
  if (!in.roles && !in.weights && AllFinite(in.rewards, in.n)) return Advantages<true>(in, out).Run();
  return Advantages<false>(in, out).Run();
}

}  // namespace plait::cpu
