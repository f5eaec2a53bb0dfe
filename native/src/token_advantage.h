// Scalar mathematics of token advantages and whitening, in float64. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_TOKEN_ADVANTAGE_H_
#define PLAIT_SRC_TOKEN_ADVANTAGE_H_

#include <cmath>

#include "group_advantage.h"
#include "host_device.h"

namespace plait {

// What the tokens behind a token pass on to it.
struct AdvantageState {
  double next_value;
  double next_advantage;
};

// One step of the recurrence, from a sequence's end to its beginning; returns the token's advantage.
PLAIT_HD inline double StepAdvantage(double reward, double value, float gamma, float lambda, AdvantageState* state) {
  const double delta = reward + gamma * state->next_value - value;
  state->next_advantage = delta + gamma * static_cast<double>(lambda) * state->next_advantage;
  state->next_value = value;
  return state->next_advantage;
}

// What whitening multiplies by.
PLAIT_HD inline double WhiteningScale(const Moments& moments, float floor, float epsilon) {
  const double squared = moments.std * moments.std;
  return 1 / std::sqrt((squared > floor ? squared : floor) + epsilon);
}

PLAIT_HD inline float Whitened(double x, const Moments& moments, bool shift, double scale) {
  const double shifted = shift ? x - moments.mean : x;
  return moments.count < 2 || shifted == 0 ? 0 : static_cast<float>(shifted * scale);
}

}  // namespace plait

#endif  // PLAIT_SRC_TOKEN_ADVANTAGE_H_
