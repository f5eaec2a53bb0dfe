#include "sampler_correction.h"

#include <cmath>

#include "batch.h"

namespace plait {
namespace {

class SamplerCorrection {
 public:
  SamplerCorrection(const ObjectiveArguments& in, Workspace* workspace)
      : batch_(in.batch), correction_(in.objective.correction), workspace_(workspace) {}

  void Run() {
    for (int64_t i = 0; i < SequenceCount(batch_); ++i) {
      const int64_t begin = batch_.offsets ? batch_.offsets[i] : 0;
      const int64_t end = batch_.offsets ? batch_.offsets[i + 1] : batch_.tokens;
      Weigh(begin, end);
      Filter(begin, end);
    }
    if (correction_.normalise) Normalise();
  }

 private:
  bool Corrected(int64_t t) const { return !batch_.roles || batch_.roles[t] == PLAIT_ROLLOUT; }

  double Omega(int64_t t) const {
    const float omega = LogRatio(batch_.old_logp[t], batch_.sampler_logp[t]);
    return correction_.level == PLAIT_CORRECTION_TOKEN || correction_.level == PLAIT_CORRECTION_NONE
               ? ClampSymmetric(omega, correction_.log_limit)
               : omega;
  }

  float Bound(double log_weight) const {
    const float weight = Exp(ClampSymmetric(static_cast<float>(log_weight), correction_.log_limit));
    if (weight >= correction_.low && weight <= correction_.high) return weight;
    if (weight != weight || correction_.bounds == PLAIT_CORRECTION_MASK) return 0;
    return weight < correction_.low ? correction_.low : correction_.high;
  }

  void Weigh(int64_t begin, int64_t end) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t t = begin; t < end; ++t) {
      if (!Corrected(t)) continue;
      sum += Omega(t);
      ++count;
    }
    if (correction_.level == PLAIT_CORRECTION_SEQUENCE_MEAN && count > 0) sum /= static_cast<double>(count);
    for (int64_t t = begin; t < end; ++t) {
      if (!Corrected(t) || correction_.level == PLAIT_CORRECTION_NONE) continue;
      workspace_->sampler_weights[t] = Bound(correction_.level == PLAIT_CORRECTION_TOKEN ? Omega(t) : sum);
    }
  }

  double Statistic(int64_t t) const {
    const double x = ClampSymmetric(LogRatio(batch_.old_logp[t], batch_.sampler_logp[t]), correction_.log_limit);
    if (correction_.filter_estimator == PLAIT_KL_K1) return -x;
    return correction_.filter_estimator == PLAIT_KL_K2 ? x * x / 2 : std::expm1(x) - x;
  }

  bool Passes(double statistic) const {
    if (correction_.filter_estimator != PLAIT_KL_K1) return statistic <= correction_.filter_high;
    return statistic >= std::log(static_cast<double>(correction_.filter_low)) &&
           statistic <= std::log(static_cast<double>(correction_.filter_high));
  }

  void Reject(int64_t t) {
    if (correction_.filter_action == PLAIT_FILTER_REJECT) {
      workspace_->gates[t] |= kGateRejected;
    } else {
      workspace_->sampler_weights[t] = 0;
    }
  }

  void Filter(int64_t begin, int64_t end) {
    if (correction_.filter_level == PLAIT_CORRECTION_NONE) return;
    double sum = 0;
    double max = -INFINITY;
    int64_t count = 0;
    for (int64_t t = begin; t < end; ++t) {
      if (!Corrected(t)) continue;
      const double statistic = Statistic(t);
      sum += statistic;
      max = statistic > max ? statistic : max;
      ++count;
      if (correction_.filter_level == PLAIT_CORRECTION_TOKEN && !Passes(statistic)) Reject(t);
    }
    if (correction_.filter_level == PLAIT_CORRECTION_TOKEN || count == 0) return;
    const double statistic = correction_.filter_level == PLAIT_CORRECTION_SEQUENCE_MEAN
                                 ? sum / static_cast<double>(count)
                             : correction_.filter_level == PLAIT_CORRECTION_SEQUENCE_MAX ? max
                                                                                         : sum;
    if (Passes(statistic)) return;
    for (int64_t t = begin; t < end; ++t) {
      if (Corrected(t)) Reject(t);
    }
  }

  void Normalise() {
    double sum = 0;
    double count = 0;
    for (int64_t t = 0; t < batch_.tokens; ++t) {
      if (!Corrected(t) || workspace_->gates[t] & kGateRejected) continue;
      sum += workspace_->sampler_weights[t];
      count += 1;
    }
    if (!(sum > 0)) return;
    for (int64_t t = 0; t < batch_.tokens; ++t) {
      if (Corrected(t))
        workspace_->sampler_weights[t] = static_cast<float>(workspace_->sampler_weights[t] * count / sum);
    }
  }

  const plait_token_batch& batch_;
  const plait_sampler_correction& correction_;
  Workspace* workspace_;
};

}  // namespace

void CorrectForSampler(const ObjectiveArguments& in, Workspace* workspace) {
  for (int64_t t = 0; t < in.batch.tokens; ++t) {
    workspace->sampler_weights[t] = 1;
    workspace->gates[t] = 0;
  }
  if (!UsesSampler(in.objective)) return;
  SamplerCorrection(in, workspace).Run();
}

}  // namespace plait
