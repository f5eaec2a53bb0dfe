// token_advantage: returns and advantages of tokens, and their whitening, in float64, a few floats per token.
#include "token_advantage.h"
#include "checks.h"
#include "cpu.h"

namespace plait::cpu {
namespace {

bool Ignored(const uint8_t* roles, int64_t token) { return roles && roles[token] == PLAIT_IGNORED; }

void EstimateSequence(const TokenAdvantageArguments& in, int64_t begin, int64_t end) {
  AdvantageState state = {0, 0};
  for (int64_t t = end - 1; t >= begin; --t) {
    if (Ignored(in.roles, t)) {
      in.advantages[t] = 0;
      if (in.returns) in.returns[t] = 0;
      if (in.restart) state = {0, 0};
      continue;
    }
    const double value = in.values ? in.values[t] : 0;
    const double advantage = StepAdvantage(in.rewards[t], value, in.gamma, in.lambda, &state);
    in.advantages[t] = static_cast<float>(advantage);
    if (in.returns) in.returns[t] = static_cast<float>(advantage + value);
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
  const double scale = WhiteningScale(moments, in.floor, in.epsilon);
  for (int64_t t = 0; t < in.tokens; ++t) {
    in.out[t] = Ignored(in.roles, t) ? 0 : Whitened(in.x[t], moments, in.shift, scale);
  }
  return PLAIT_OK;
}

}  // namespace plait::cpu
