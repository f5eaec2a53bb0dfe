// The metrics of a block's tokens, as a table in shared memory: a row per quantity, a column per token.
#ifndef PLAIT_CUDA_SRC_METRIC_ROWS_CUH_
#define PLAIT_CUDA_SRC_METRIC_ROWS_CUH_

#include <cstddef>

#include "metrics_math.h"
#include "objective-inl.h"
#include "target.cuh"

namespace plait::cuda {

// What a token has to say. Sums have 0 where it has nothing to add, the maximum -inf.
enum MetricRow : int {
  kRowCount,  // 1 for a token that counts
  kRowBadTarget,
  kRowLogp,
  kRowEntropy,
  kRowProbability,
  kRowOldProbability,
  kRowMagnitude,
  kRowPolicyLoss,
  kRowNllLoss,
  kRowKlLoss,
  kRowEntropyLoss,
  kRowPolicyCount,
  kRowRatio,
  kRowRatioMax,
  kRowMinusDrift,
  kRowK3,
  kRowPolicyValue,
  kRowClippedLow,
  kRowClippedHigh,
  kRowClipped,
  kRowDualClipped,
  kRowDropped,
  kRowReshaped,
  kRowReshapedCount,
  kRowReshapeLow,
  kRowReshapeHigh,
  kRowPolicyWeighting,
  kRowPolicyWeightingCount,
  kRowNllWeighting,
  kRowNllWeightingCount,
  kRowKl,
  kRowKlCount,
  kMetricRows
};

// Which row a field of plait_metrics adds up, over the tokens of which role; 0: of all.
struct MetricSource {
  int field;
  int row;
  int role;
};

#define PLAIT_SOURCE(field, row) \
  { PLAIT_METRIC(field), row, 0 }
// Three fields in a row, of the roles, behind that of all.
#define PLAIT_SOURCE_BY_ROLE(field, row)                                        \
  {PLAIT_METRIC(field), row, 0}, {PLAIT_METRIC(field) + 1, row, PLAIT_ROLLOUT}, \
      {PLAIT_METRIC(field) + 2, row, PLAIT_DEMONSTRATION}, {                    \
    PLAIT_METRIC(field) + 3, row, PLAIT_HINT                                    \
  }

PLAIT_DEVICE_TABLE MetricSource kMetricSources[] = {
    PLAIT_SOURCE_BY_ROLE(tokens, kRowCount),
    PLAIT_SOURCE_BY_ROLE(policy_value_sum, kRowPolicyValue),
    PLAIT_SOURCE_BY_ROLE(clipped_tokens, kRowClipped),
    PLAIT_SOURCE_BY_ROLE(probability_sum, kRowProbability),
    PLAIT_SOURCE_BY_ROLE(old_probability_sum, kRowOldProbability),
    PLAIT_SOURCE(bad_targets, kRowBadTarget),
    PLAIT_SOURCE(logp_sum, kRowLogp),
    PLAIT_SOURCE(entropy_sum, kRowEntropy),
    PLAIT_SOURCE(loss_magnitude, kRowMagnitude),
    PLAIT_SOURCE(policy_loss, kRowPolicyLoss),
    PLAIT_SOURCE(nll_loss, kRowNllLoss),
    PLAIT_SOURCE(kl_loss, kRowKlLoss),
    PLAIT_SOURCE(entropy_loss, kRowEntropyLoss),
    PLAIT_SOURCE(policy_tokens, kRowPolicyCount),
    PLAIT_SOURCE(ratio_sum, kRowRatio),
    PLAIT_SOURCE(ratio_max, kRowRatioMax),
    PLAIT_SOURCE(approx_kl_k1_sum, kRowMinusDrift),
    PLAIT_SOURCE(approx_kl_k3_sum, kRowK3),
    PLAIT_SOURCE(clip_low_count, kRowClippedLow),
    PLAIT_SOURCE(clip_high_count, kRowClippedHigh),
    PLAIT_SOURCE(dual_clip_count, kRowDualClipped),
    PLAIT_SOURCE(dropped_tokens, kRowDropped),
    PLAIT_SOURCE(reshaped_sum, kRowReshaped),
    PLAIT_SOURCE(reshaped_tokens, kRowReshapedCount),
    PLAIT_SOURCE(reshape_low_count, kRowReshapeLow),
    PLAIT_SOURCE(reshape_high_count, kRowReshapeHigh),
    PLAIT_SOURCE(policy_weighting_sum, kRowPolicyWeighting),
    PLAIT_SOURCE(policy_weighting_tokens, kRowPolicyWeightingCount),
    PLAIT_SOURCE(nll_weighting_sum, kRowNllWeighting),
    PLAIT_SOURCE(nll_weighting_tokens, kRowNllWeightingCount),
    PLAIT_SOURCE(reference_kl_sum, kRowKl),
    PLAIT_SOURCE(reference_kl_tokens, kRowKlCount),
};
#undef PLAIT_SOURCE
#undef PLAIT_SOURCE_BY_ROLE

constexpr int kMetricTokens = 256;
constexpr int kLanesPerMetric = 4;
constexpr int kMetricSourceCount = sizeof(kMetricSources) / sizeof(MetricSource);
static_assert(kMetricSourceCount * kLanesPerMetric <= kMetricTokens);

// A token's column.
class MetricColumn {
 public:
  __device__ MetricColumn(float* values, int stride, unsigned char* role)
      : values_(values), stride_(stride), role_(role) {}

  // Of a token that adds nothing, but counts as a bad target if it is one.
  __device__ void Ignore(bool bad_target) const {
    Clear();
    *role_ = PLAIT_IGNORED;
    At(kRowBadTarget) = bad_target;
  }

  __device__ void Describe(const plait_rule& rule, int role, const TokenInputs<float>& in,
                           const TokenResult<float>& token) const {
    Clear();
    *role_ = static_cast<unsigned char>(role);
    At(kRowCount) = 1;
    At(kRowLogp) = in.logp;
    At(kRowEntropy) = in.entropy;
    At(kRowProbability) = Exp(in.logp);
    At(kRowOldProbability) = Exp(in.old_logp);
    At(kRowMagnitude) = Abs(token.policy_loss) + Abs(token.nll_loss) + Abs(token.kl_loss) + Abs(token.entropy_loss);
    if (HasPolicy(rule)) DescribePolicy(rule, token);
    if (rule.nll.coefficient != 0) {
      At(kRowNllLoss) = token.nll_loss;
      At(kRowNllWeightingCount) = WeighsNll(rule);
      if (WeighsNll(rule)) At(kRowNllWeighting) = token.nll_weighting;
    }
    if (rule.kl.coefficient != 0) {
      At(kRowKlLoss) = token.kl_loss;
      At(kRowKl) = token.kl;
      At(kRowKlCount) = 1;
    }
    if (rule.entropy.coefficient != 0) At(kRowEntropyLoss) = token.entropy_loss;
  }

 private:
  __device__ float& At(MetricRow row) const { return values_[row * stride_]; }

  __device__ void Clear() const {
    for (int row = 0; row < kMetricRows; ++row) values_[row * stride_] = 0;
    At(kRowRatioMax) = -INFINITY;
  }

  __device__ void DescribePolicy(const plait_rule& rule, const TokenResult<float>& token) const {
    At(kRowPolicyCount) = 1;
    At(kRowPolicyLoss) = token.policy_loss;
    At(kRowRatio) = token.ratio;
    At(kRowRatioMax) = token.ratio;
    At(kRowMinusDrift) = -token.drift;
    At(kRowK3) = Expm1MinusX(token.drift);
    At(kRowPolicyValue) = token.policy_value;
    At(kRowClippedLow) = token.clipped_low;
    At(kRowClippedHigh) = token.clipped_high;
    At(kRowClipped) = token.clipped_low + token.clipped_high;
    At(kRowDualClipped) = token.dual_clipped;
    At(kRowDropped) = token.dropped;
    if (rule.policy_loss == PLAIT_POLICY_RESHAPED) {
      At(kRowReshaped) = token.reshaped;
      At(kRowReshapedCount) = 1;
      At(kRowReshapeLow) = token.reshape_low;
      At(kRowReshapeHigh) = token.reshape_high;
    }
    if (rule.policy_weighting.scope != PLAIT_SCOPE_NONE) {
      At(kRowPolicyWeighting) = token.policy_weighting;
      At(kRowPolicyWeightingCount) = 1;
    }
  }

  float* values_;
  int stride_;
  unsigned char* role_;
};

class MetricTable {
 public:
  // Four more than the tokens, so that the eight rows that a warp adds up lie in different banks.
  static constexpr int kStride = kMetricTokens + 4;
  static constexpr int kBytes = kMetricRows * kStride * static_cast<int>(sizeof(float)) + kMetricTokens;

  __device__ explicit MetricTable(char* shared)
      : values_(reinterpret_cast<float*>(shared)),
        roles_(reinterpret_cast<unsigned char*>(shared) + kMetricRows * kStride * sizeof(float)) {}

  __device__ MetricColumn Column(int token) const { return {values_ + token, kStride, roles_ + token}; }
  __device__ float Value(int row, int token) const { return values_[row * kStride + token]; }
  __device__ int Role(int token) const { return roles_[token]; }

 private:
  float* values_;
  unsigned char* roles_;
};

// One thread's part of a field's sum: every fourth token. The four threads of a field are neighbours.
class MetricSum {
 public:
  __device__ explicit MetricSum(int thread) : source_(thread / kLanesPerMetric), lane_(thread % kLanesPerMetric) {
    if (IsSource()) value_ = EmptyMetric(kMetricSources[source_].field);
  }

  __device__ void Add(const MetricTable& table) {
    if (!IsSource()) return;
    const MetricSource source = kMetricSources[source_];
    for (int token = lane_; token < kMetricTokens; token += kLanesPerMetric) {
      if (source.role == 0 || source.role == table.Role(token)) {
        AddMetric(source.field, table.Value(source.row, token), &value_);
      }
    }
  }

  // Adds up the four parts and writes all fields; those without a source as if nothing had been added.
  __device__ void Write(double* metrics) {
    for (int field = static_cast<int>(threadIdx.x); field < kMetricFields; field += kMetricTokens) {
      metrics[field] = EmptyMetric(field);
    }
    __syncthreads();
    for (int step = 1; step < kLanesPerMetric; step *= 2) {
      const double other = __shfl_xor_sync(kFullWarp, value_, step);
      if (IsSource()) AddMetric(kMetricSources[source_].field, other, &value_);
    }
    if (IsSource() && lane_ == 0) metrics[kMetricSources[source_].field] = value_;
  }

 private:
  __device__ bool IsSource() const { return source_ < kMetricSourceCount; }

  int source_;
  int lane_;
  double value_ = 0;
};

}  // namespace plait::cuda

#endif  // PLAIT_CUDA_SRC_METRIC_ROWS_CUH_
