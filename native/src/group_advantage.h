// Scalar mathematics of group advantages, from the moments of a group. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_GROUP_ADVANTAGE_H_
#define PLAIT_SRC_GROUP_ADVANTAGE_H_

#include <cmath>

#include "host_device.h"
#include "plait.h"

namespace plait {

// Of the scored rewards of a group or of the batch. Two passes: count, mean and range first, then squares.
struct Moments {
  double count;
  double sum;
  double squares;  // sum of (reward - mean)^2
  double min;
  double max;
  double weight;        // sum of weights
  double weighted_sum;  // sum of weight * reward
  double mean;          // after the first pass
  double std;           // after the second
};

PLAIT_HD inline Moments EmptyMoments() { return {0, 0, 0, INFINITY, -INFINITY, 0, 0, NAN, NAN}; }

PLAIT_HD inline void AddReward(double reward, Moments* m) {
  m->count += 1;
  m->sum += reward;
  m->min = reward < m->min ? reward : m->min;
  m->max = reward > m->max ? reward : m->max;
}

PLAIT_HD inline void AddWeight(double reward, double weight, Moments* m) {
  m->weight += weight;
  m->weighted_sum += weight * reward;
}

PLAIT_HD inline bool IsConstant(const Moments& m) { return m.min == m.max; }

// Exact for equal rewards, whose sum over their count may not be. NaN without a reward.
PLAIT_HD inline void FinishMean(Moments* m) { m->mean = IsConstant(*m) ? m->min : m->sum / m->count; }

PLAIT_HD inline void AddSquare(double reward, Moments* m) { m->squares += (reward - m->mean) * (reward - m->mean); }

PLAIT_HD inline void FinishStd(bool sample, Moments* m) {
  if (m->count == 0) return;
  const bool zero = m->count == 1 || IsConstant(*m);
  m->std = zero ? 0 : std::sqrt(m->squares / (sample ? m->count - 1 : m->count));
}

PLAIT_HD inline bool HasGroupBaseline(const plait_advantage_options& o) {
  return o.baseline != PLAIT_BASELINE_NONE && o.baseline != PLAIT_BASELINE_BATCH_MEAN;
}

PLAIT_HD inline bool UsesGroup(const plait_advantage_options& o) {
  return HasGroupBaseline(o) || o.scale == PLAIT_SCALE_GROUP_STD;
}

PLAIT_HD inline double GroupBaselineOf(const plait_advantage_options& o, const Moments& group) {
  if (o.baseline != PLAIT_BASELINE_WEIGHTED_MEAN || IsConstant(group)) return group.mean;
  return group.weight > 0 ? group.weighted_sum / group.weight : group.mean;
}

PLAIT_HD inline bool UsesBatch(const plait_advantage_options& o) {
  return o.baseline == PLAIT_BASELINE_BATCH_MEAN || o.scale == PLAIT_SCALE_BATCH_STD;
}

PLAIT_HD inline double DivisorOf(double std, const plait_advantage_options& o) {
  if (std == 0 && o.zero_std_one) std = 1;
  if (std < o.std_floor) std = o.std_floor;
  return o.epsilon_place == PLAIT_EPSILON_VARIANCE ? std::sqrt(std * std + o.epsilon) : std + o.epsilon;
}

// What a scored reward becomes: (reward - baseline) * factor / divisor, 0 where that is 0 before the division.
struct Affine {
  double baseline;
  double factor;
  double divisor;
};

// Of the rewards of a group. `counted`: those that are among its statistics, or those that are not.
PLAIT_HD inline Affine AffineOf(bool counted, const plait_advantage_options& o, const Moments& group,
                                const Moments& batch) {
  constexpr Affine kZero = {0, 0, 1};
  if (UsesGroup(o) && group.count == 0) return kZero;
  if (UsesBatch(o) && batch.count == 0) return kZero;
  const bool alone = group.count == 1 && UsesGroup(o);
  if (alone && counted && o.singleton == PLAIT_SINGLETON_ZERO) return kZero;
  // Of a member outside of the statistics too, as upstream, where such a group has mean 0 and deviation 1.
  const bool singleton = alone && o.singleton == PLAIT_SINGLETON_REWARD;
  Affine affine = {0, 1, 1};
  if (o.baseline == PLAIT_BASELINE_BATCH_MEAN) {
    affine.baseline = batch.mean;
  } else if (HasGroupBaseline(o) && !singleton) {
    affine.baseline = GroupBaselineOf(o, group);
    if (o.baseline == PLAIT_BASELINE_LEAVE_ONE_OUT && counted) affine.factor = group.count / (group.count - 1);
  }
  if (o.scale == PLAIT_SCALE_BATCH_STD) affine.divisor = DivisorOf(batch.std, o);
  if (o.scale == PLAIT_SCALE_GROUP_STD) affine.divisor = DivisorOf(singleton ? 1 : group.std, o);
  return affine;
}

PLAIT_HD inline double AdvantageOf(double reward, const Affine& affine) {
  const double centred = (reward - affine.baseline) * affine.factor;
  if (affine.divisor > 0) return centred / affine.divisor;  // without a branch per reward, in vectors
  return centred == 0 ? 0 : centred / affine.divisor;
}

}  // namespace plait

#endif  // PLAIT_SRC_GROUP_ADVANTAGE_H_
