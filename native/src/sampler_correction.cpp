#include "sampler_correction.h"

#include <algorithm>
#include <cstring>

#include "batch.h"
#include "kernels.h"
#include "runs.h"
#include "sampler-inl.h"
#include "sampler_filter.h"

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

  void Weigh(int64_t begin, int64_t end) {
    if (correction_.level == PLAIT_CORRECTION_TOKEN) return WeighTokens(begin, end);
    if (correction_.level == PLAIT_CORRECTION_NONE) return;
    double sum = 0;
    int64_t count = 0;
    for (int64_t t = begin; t < end; ++t) {
      if (!Corrected(t)) continue;
      sum += ExactLogRatio(batch_.old_logp[t], batch_.sampler_logp[t]);
      ++count;
    }
    if (correction_.level == PLAIT_CORRECTION_SEQUENCE_MEAN && count > 0) sum /= static_cast<double>(count);
    const float weight = SamplerWeight(correction_, static_cast<float>(sum));
    for (int64_t t = begin; t < end; ++t) {
      if (Corrected(t)) workspace_->sampler_weights[t] = weight;
    }
  }

  void WeighTokens(int64_t begin, int64_t end) {
    VisitRoles(batch_.roles, begin, end, PLAIT_ROLLOUT, [this](int64_t first, int64_t last, int role) {
      if (role != PLAIT_ROLLOUT) return;
      ActiveKernels().weigh_tokens(correction_, batch_.old_logp + first, batch_.sampler_logp + first, last - first,
                                   workspace_->sampler_weights + first);
    });
  }

  double Statistic(int64_t t) const { return FilterStatistic(correction_, batch_.old_logp[t], batch_.sampler_logp[t]); }

  void Reject(int64_t t) {
    if (correction_.filter_action == PLAIT_FILTER_REJECT) {
      workspace_->gates[t] |= kGateRejected;
    } else {
      workspace_->sampler_weights[t] = 0;
    }
  }

  void Filter(int64_t begin, int64_t end) {
    if (correction_.filter_level == PLAIT_CORRECTION_NONE) return;
    FilterSums sums = EmptyFilterSums();
    for (int64_t t = begin; t < end; ++t) {
      if (!Corrected(t)) continue;
      const double statistic = Statistic(t);
      AddToFilter(statistic, &sums);
      if (correction_.filter_level == PLAIT_CORRECTION_TOKEN && !PassesFilter(correction_, statistic)) Reject(t);
    }
    if (correction_.filter_level == PLAIT_CORRECTION_TOKEN || sums.count == 0) return;
    if (PassesFilter(correction_, SequenceStatistic(correction_, sums))) return;
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
  std::fill(workspace->sampler_weights, workspace->sampler_weights + in.batch.tokens, 1.0f);
  std::memset(workspace->gates, 0, in.batch.tokens);
  if (!UsesSampler(in.objective)) return;
  SamplerCorrection(in, workspace).Run();
}

}  // namespace plait
