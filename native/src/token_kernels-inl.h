// Stage two over a run of tokens, a vector of them at a time; compiled once per SIMD target by kernels.cpp.
#if defined(PLAIT_SRC_TOKEN_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_SRC_TOKEN_KERNELS_INL_H_
#undef PLAIT_SRC_TOKEN_KERNELS_INL_H_
#else
#define PLAIT_SRC_TOKEN_KERNELS_INL_H_
#endif

#include <limits>

#include "extremes.h"
#include "hwy/highway.h"
#include "lanes-inl.h"
#include "objective-inl.h"
#include "token_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace plait {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct RunSums {
  HWY_INLINE RunSums() : ratio_max(-std::numeric_limits<float>::infinity()) {}
  WideSum policy_loss, nll_loss, kl_loss, entropy_loss, magnitude, logp, entropy, probability, old_probability;
  WideSum ratio, drift, k3, policy_value, reshaped, policy_weighting, nll_weighting, kl;
  CountSum clipped_low, clipped_high, dual_clipped, dropped, reshape_low, reshape_high;
  VectorReal ratio_max;
};

// Zero in the lanes beyond the run; kFull: there are none.
template <bool kFull>
HWY_INLINE VectorReal Kept(VectorMask present, VectorReal value) {
  return kFull ? value : Select(present, value, VectorReal(0));
}

template <bool kFull>
HWY_INLINE void AddPolicy(const plait_rule& rule, const TokenResult<VectorReal>& token, VectorMask present,
                          RunSums* sums) {
  const auto kept = [&](VectorReal value) HWY_ATTR { return Kept<kFull>(present, value); };
  sums->policy_loss.Add(kept(token.policy_loss));
  sums->ratio.Add(kept(token.ratio));
  sums->drift.Add(kept(token.drift));
  sums->k3.Add(kept(Expm1MinusX(token.drift)));
  sums->policy_value.Add(kept(token.policy_value));
  sums->clipped_low.Add(kept(token.clipped_low));
  sums->clipped_high.Add(kept(token.clipped_high));
  sums->dual_clipped.Add(kept(token.dual_clipped));
  sums->dropped.Add(kept(token.dropped));
  // A NaN ratio compares false with everything, and so stays.
  const auto larger = Or(token.ratio > sums->ratio_max, IsNan(token.ratio));
  sums->ratio_max = Select(And(present, larger), token.ratio, sums->ratio_max);
  if (rule.policy_loss == PLAIT_POLICY_RESHAPED) {
    sums->reshaped.Add(kept(token.reshaped));
    sums->reshape_low.Add(kept(token.reshape_low));
    sums->reshape_high.Add(kept(token.reshape_high));
  }
  if (rule.policy_weighting.scope != PLAIT_SCOPE_NONE) sums->policy_weighting.Add(kept(token.policy_weighting));
}

template <bool kFull>
HWY_INLINE void AddTokens(const plait_rule& rule, const TokenInputs<VectorReal>& in,
                          const TokenResult<VectorReal>& token, VectorMask present, RunSums* sums) {
  const auto kept = [&](VectorReal value) HWY_ATTR { return Kept<kFull>(present, value); };
  const VectorReal probability = Exp(in.logp);
  sums->logp.Add(kept(in.logp));
  sums->entropy.Add(kept(in.entropy));
  sums->probability.Add(kept(probability));
  sums->old_probability.Add(kept(Exp(in.old_logp)));
  sums->magnitude.Add(
      kept(Abs(token.policy_loss) + Abs(token.nll_loss) + Abs(token.kl_loss) + Abs(token.entropy_loss)));
  if (HasPolicy(rule)) AddPolicy<kFull>(rule, token, present, sums);
  if (rule.nll.coefficient != 0) {
    sums->nll_loss.Add(kept(token.nll_loss));
    sums->nll_weighting.Add(kept(token.nll_weighting));
  }
  if (rule.kl.coefficient != 0) {
    sums->kl_loss.Add(kept(token.kl_loss));
    sums->kl.Add(kept(token.kl));
  }
  if (rule.entropy.coefficient != 0) sums->entropy_loss.Add(kept(token.entropy_loss));
}

void AddTotals(const TokenRun& run, const RunSums& sums, plait_metrics* to) {
  const plait_rule& rule = *run.rule;
  const double count = static_cast<double>(run.count);
  const auto by_role = [&](double value, double* sum) {
    sum[0] += value;
    sum[run.role] += value;
  };
  by_role(count, to->tokens);
  by_role(sums.probability.Total(), to->probability_sum);
  by_role(sums.old_probability.Total(), to->old_probability_sum);
  to->logp_sum += sums.logp.Total();
  to->entropy_sum += sums.entropy.Total();
  to->policy_loss += sums.policy_loss.Total();
  to->nll_loss += sums.nll_loss.Total();
  to->kl_loss += sums.kl_loss.Total();
  to->entropy_loss += sums.entropy_loss.Total();
  to->loss_magnitude += sums.magnitude.Total();
  if (HasPolicy(rule)) {
    const double low = sums.clipped_low.Total(), high = sums.clipped_high.Total();
    to->policy_tokens += count;
    to->ratio_sum += sums.ratio.Total();
    Maximise(MaxOfLanes(sums.ratio_max), &to->ratio_max);
    to->clip_low_count += low;
    to->clip_high_count += high;
    to->dual_clip_count += sums.dual_clipped.Total();
    to->approx_kl_k1_sum -= sums.drift.Total();
    to->approx_kl_k3_sum += sums.k3.Total();
    to->dropped_tokens += sums.dropped.Total();
    by_role(sums.policy_value.Total(), to->policy_value_sum);
    by_role(low + high, to->clipped_tokens);
    if (rule.policy_loss == PLAIT_POLICY_RESHAPED) {
      to->reshaped_sum += sums.reshaped.Total();
      to->reshaped_tokens += count;
      to->reshape_low_count += sums.reshape_low.Total();
      to->reshape_high_count += sums.reshape_high.Total();
    }
    if (rule.policy_weighting.scope != PLAIT_SCOPE_NONE) {
      to->policy_weighting_sum += sums.policy_weighting.Total();
      to->policy_weighting_tokens += count;
    }
  }
  if (rule.nll.coefficient != 0 && WeighsNll(rule)) {
    to->nll_weighting_sum += sums.nll_weighting.Total();
    to->nll_weighting_tokens += count;
  }
  if (rule.kl.coefficient != 0) {
    to->reference_kl_tokens += count;
    to->reference_kl_sum += sums.kl.Total();
  }
}

void EvaluateRun(const TokenRun& run, plait_metrics* metrics) {
  const plait_rule& rule = *run.rule;
  RunSums sums;
  const bool gated = rule.selection.scope != PLAIT_SCOPE_NONE || rule.covariance.kind != PLAIT_COVARIANCE_NONE;
  for (int64_t i = 0; i < run.count; i += RealLanes()) {
    const int64_t left = run.count - i;
    TokenInputs<VectorReal> in;
    in.logp = LoadSome(run.logp + i, left);
    in.entropy = run.entropy ? LoadSome(run.entropy + i, left) : VectorReal(0);
    in.old_logp = run.old_logp ? LoadSome(run.old_logp + i, left) : in.logp;
    in.ref_logp = run.ref_logp ? LoadSome(run.ref_logp + i, left) : in.logp;
    in.advantage = run.advantages ? LoadSome(run.advantages + i, left) : VectorReal(run.advantage);
    in.sampler_weight = LoadSome(run.sampler_weights + i, left);
    in.dropped = gated ? LoadGate(run.gates + i, kGateDropped, left) : VectorReal(0);
    in.covariance_kl = gated ? LoadGate(run.gates + i, kGateCovarianceKl, left) : VectorReal(0);
    const TokenResult<VectorReal> token = EvaluateToken(rule, run.weights, run.context, in);
    if (run.c) StoreSome(token.c, run.c + i, left);
    if (run.h) StoreSome(token.h, run.h + i, left);
    if (run.token_loss) {
      StoreSome(token.policy_loss + token.nll_loss + token.kl_loss + token.entropy_loss, run.token_loss + i, left);
    }
    if (left >= RealLanes()) {
      AddTokens<true>(rule, in, token, FirstLanes(left), &sums);
    } else {
      AddTokens<false>(rule, in, token, FirstLanes(left), &sums);
    }
  }
  AddTotals(run, sums, metrics);
}

}  // namespace HWY_NAMESPACE
}  // namespace plait
HWY_AFTER_NAMESPACE();

#endif  // PLAIT_SRC_TOKEN_KERNELS_INL_H_
