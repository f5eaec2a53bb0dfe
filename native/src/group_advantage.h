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
};

PLAIT_HD inline Moments EmptyMoments() { return {0, 0, 0, INFINITY, -INFINITY}; }

PLAIT_HD inline void AddReward(double reward, Moments* m) {
  m->count += 1;
  m->sum += reward;
  m->min = reward < m->min ? reward : m->min;
  m->max = reward > m->max ? reward : m->max;
}

PLAIT_HD inline bool IsConstant(const Moments& m) { return m.min == m.max; }

// Exact for equal rewards, whose sum over their count may not be.
PLAIT_HD inline double MeanOf(const Moments& m) { return IsConstant(m) ? m.min : m.sum / m.count; }

PLAIT_HD inline void AddSquare(double reward, double mean, Moments* m) {
  m->squares += (reward - mean) * (reward - mean);
}

PLAIT_HD inline double StdOf(const Moments& m, bool sample) {
  if (m.count == 0) return NAN;
  if (m.count == 1 || IsConstant(m)) return 0;
  return std::sqrt(m.squares / (sample ? m.count - 1 : m.count));
}

PLAIT_HD inline bool UsesGroup(const plait_advantage_options& o) {
  return o.baseline == PLAIT_BASELINE_GROUP_MEAN || o.baseline == PLAIT_BASELINE_LEAVE_ONE_OUT ||
         o.scale == PLAIT_SCALE_GROUP_STD;
}

PLAIT_HD inline double AdvantageOf(double reward, const plait_advantage_options& o, const Moments& group,
                                   const Moments& batch) {
  if (reward != reward) return 0;
  const bool singleton = group.count == 1 && UsesGroup(o);
  if (singleton && o.singleton == PLAIT_SINGLETON_ZERO) return 0;
  double centred = reward;
  if (o.baseline == PLAIT_BASELINE_BATCH_MEAN) {
    centred = reward - MeanOf(batch);
  } else if (o.baseline != PLAIT_BASELINE_NONE && !singleton) {
    centred = reward - MeanOf(group);
    if (o.baseline == PLAIT_BASELINE_LEAVE_ONE_OUT) centred *= group.count / (group.count - 1);
  }
  if (o.scale == PLAIT_SCALE_NONE || centred == 0) return centred;
  const bool sample = o.sample_std != 0;
  const double std = o.scale == PLAIT_SCALE_BATCH_STD ? StdOf(batch, sample) : singleton ? 1 : StdOf(group, sample);
  return centred / (std + o.epsilon);
}

}  // namespace plait

#endif  // PLAIT_SRC_GROUP_ADVANTAGE_H_
