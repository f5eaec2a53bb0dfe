// token_advantage: returns and advantages of tokens, and their whitening, in float64, a few floats per token.
#include <cmath>

#include "checks.h"
#include "cpu.h"
#include "group_advantage.h"

namespace plait::cpu {
namespace {

bool Ignored(const uint8_t* roles, int64_t token) { return roles && roles[token] == PLAIT_IGNORED; }

void EstimateSequence(const TokenAdvantageArguments& in, int64_t begin, int64_t end) {
  double next_value = 0;
  double next_advantage = 0;
  for (int64_t t = end - 1; t >= begin; --t) {
    if (Ignored(in.roles, t)) {
      in.advantages[t] = 0;
      if (in.returns) in.returns[t] = 0;
      if (in.restart) next_value = next_advantage = 0;
      continue;
    }
    const double value = in.values ? in.values[t] : 0;
    const double delta = in.rewards[t] + in.gamma * next_value - value;
    next_advantage = delta + in.gamma * static_cast<double>(in.lambda) * next_advantage;
    next_value = value;
    in.advantages[t] = static_cast<float>(next_advantage);
    if (in.returns) in.returns[t] = static_cast<float>(next_advantage + value);
  }
}

}  // namespace

plait_status TokenAdvantage(const Placement&, const TokenAdvantageArguments& in) {
  PLAIT_TRY(CheckOffsetValues(in.offsets, in.sequences, in.tokens));
  PLAIT_TRY(CheckRoleValues(in.roles, in.tokens));
  if (!in.offsets) EstimateSequence(in, 0, in.tokens);
  for (int64_t i = 0; in.offsets && i < in.sequences; ++i) EstimateSequence(in, in.offsets[i], in.offsets[i + 1]);
  return PLAIT_OK;
}

plait_status Whiten(const Placement&, const WhitenArguments& in) {
  PLAIT_TRY(CheckRoleValues(in.roles, in.tokens));
  Moments moments = EmptyMoments();
  for (int64_t t = 0; t < in.tokens; ++t) {
    if (!Ignored(in.roles, t)) AddReward(in.x[t], &moments);
  }
  FinishMean(&moments);
  for (int64_t t = 0; t < in.tokens; ++t) {
    if (!Ignored(in.roles, t)) AddSquare(in.x[t], &moments);
  }
  FinishStd(in.sample, &moments);
  const double squared = moments.std * moments.std;
  const double variance = squared > in.floor ? squared : in.floor;
  const double scale = 1 / std::sqrt(variance + in.epsilon);
  for (int64_t t = 0; t < in.tokens; ++t) {
    const double shifted = in.shift ? in.x[t] - moments.mean : in.x[t];
    const bool zero = Ignored(in.roles, t) || moments.count < 2 || (shifted == 0);
    in.out[t] = zero ? 0 : static_cast<float>(shifted * scale);
  }
  return PLAIT_OK;
}

}  // namespace plait::cpu
