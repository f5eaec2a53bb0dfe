// The metrics of the sampler's mismatch, by hand.
#include <cstddef>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

const double kLog2 = std::log(2.0);
constexpr double kBound = 2.2;

// exp(omega) is 4 and 1/2 in the first sequence, 1/4, 1 and 1 in the second; the demonstration counts nowhere.
struct Mismatch {
  std::vector<int64_t> offsets = {0, 3, 6};
  std::vector<uint8_t> roles = {1, 2, 1, 1, 1, 1};
  std::vector<float> old_logp = {-1, -9, -2, -1, -1, -4};
  std::vector<double> omega = {2 * kLog2, 5, -kLog2, -2 * kLog2, 0, 0};
  std::vector<float> sampler_logp;
  plait_objective objective = EmptyObjective();

  Mismatch() {
    for (size_t t = 0; t < 6; ++t) sampler_logp.push_back(static_cast<float>(old_logp[t] - omega[t]));
    objective.rules[0].policy_loss = PLAIT_POLICY_REINFORCE;
    objective.rules[0].policy = {1, PLAIT_TOKEN_MEAN, PLAIT_ALL_TOKENS};
    objective.rules[0].sampler_correction = 1;
    objective.correction.level = PLAIT_CORRECTION_TOKEN;
    objective.correction.high = static_cast<float>(kBound);
    objective.correction.filter_high = kInf;
  }

  void Filter(int32_t level, float low, float high) {
    objective.correction.filter_level = level;
    objective.correction.filter_low = low;
    objective.correction.filter_high = high;
  }

  plait_metrics Run() const { return Run(0, 2); }

  // Of the sequences [first, last) alone.
  plait_metrics Run(int64_t first, int64_t last) const {
    const int64_t begin = offsets[first], tokens = offsets[last] - begin;
    std::vector<int64_t> own;
    for (int64_t i = first; i <= last; ++i) own.push_back(offsets[i] - begin);
    const std::vector<float> logp(tokens, -1.0f), advantages(tokens, 1.0f);
    plait_token_batch batch = EmptyBatch(tokens);
    batch.sequences = last - first;
    batch.offsets = own.data();
    batch.roles = roles.data() + begin;
    batch.advantages = advantages.data();
    batch.old_logp = old_logp.data() + begin;
    batch.sampler_logp = sampler_logp.data() + begin;
    std::vector<double> workspace(plait_objective_workspace_bytes(tokens, last - first) / 8 + 1);
    plait_metrics metrics = {};
    Accept(plait_token_objective(Device(), nullptr, &batch, &objective, nullptr, logp.data(), nullptr, nullptr, nullptr,
                                 nullptr, &metrics, workspace.data(), static_cast<int64_t>(workspace.size() * 8)));
    return metrics;
  }
};

double* Fields(plait_metrics* metrics) { return reinterpret_cast<double*>(metrics); }
const double* Fields(const plait_metrics* metrics) { return reinterpret_cast<const double*>(metrics); }

doctest::Approx Near(double value) { return doctest::Approx(value).epsilon(1e-6); }

}  // namespace

TEST_CASE("weights of the sampler's tokens have extremes, and sums where they are bounded") {
  const plait_metrics metrics = Mismatch().Run();
  CHECK(metrics.sampler_tokens == 5);
  CHECK(metrics.sampler_abs_max == Near(2 * kLog2));
  CHECK(metrics.sampler_ratio_max == Near(4));
  CHECK(metrics.sampler_ratio_min == Near(0.25));
  CHECK(metrics.sampler_ratio_sum == Near(6.75));
  CHECK(metrics.sampler_square_sum == Near(16 + 0.25 + 1 / 16.0 + 2));
  CHECK(metrics.sampler_bound_tokens == 5);
  CHECK(metrics.sampler_above_count == 1);
  CHECK(metrics.sampler_below_count == 1);
  CHECK(metrics.sampler_clamped_sum == Near(kBound + 0.5 + 1 / kBound + 2));
  CHECK(metrics.sampler_clamped_square_sum == Near(kBound * kBound + 0.25 + 1 / (kBound * kBound) + 2));
}

TEST_CASE("weights of the sampler's sequences are the means of their tokens") {
  const plait_metrics metrics = Mismatch().Run();
  CHECK(metrics.sampler_sequences == 2);
  CHECK(metrics.sampler_sequence_ratio_sum == Near(2.25 + 0.75));
  CHECK(metrics.sampler_sequence_ratio_square_sum == Near(2.25 * 2.25 + 0.75 * 0.75));
  CHECK(metrics.sampler_sequence_ratio_max == Near(2.25));
  CHECK(metrics.sampler_sequence_ratio_min == Near(0.75));
  CHECK(metrics.sampler_sequence_deviation_max == Near(1.25));
  CHECK(metrics.sampler_bound_sequences == 2);
  CHECK(metrics.sampler_sequence_above_count == 1);
  CHECK(metrics.sampler_sequence_below_count == 0);
  CHECK(metrics.sampler_sequence_square_sum == Near(4 + 1 / 16.0));
}

TEST_CASE("perplexities of sampler and trainer are those of sequences") {
  const plait_metrics metrics = Mismatch().Run();
  const double first = -kLog2 / 2, second = 2 * kLog2 / 3;  // mean sampler_logp - mean old_logp
  CHECK(metrics.old_ppl_sum == Near(std::exp(1.5) + std::exp(2.0)));
  CHECK(metrics.sampler_ppl_sum == Near(std::exp(1.5 - first) + std::exp(2 - second)));
  CHECK(metrics.sampler_ppl_ratio_sum == Near(std::exp(first) + std::exp(second)));
  CHECK(metrics.log_ppl_abs_diff_sum == Near(second - first));
  CHECK(metrics.log_ppl_diff_max == Near(second));
  CHECK(metrics.log_ppl_diff_min == Near(first));
}

TEST_CASE("a log limit holds the sampler's weights, and 20 the log-ratio of a sequence") {
  Mismatch mismatch;
  mismatch.objective.correction.log_limit = 1;
  const plait_metrics limited = mismatch.Run();
  CHECK(limited.sampler_ratio_max == Near(std::exp(1.0)));
  CHECK(limited.sampler_ratio_min == Near(std::exp(-1.0)));
  CHECK(limited.sampler_ratio_sum == Near(std::exp(1.0) + 0.5 + std::exp(-1.0) + 2));
  CHECK(limited.sampler_abs_max == Near(2 * kLog2));
  CHECK(limited.sampler_sequence_square_sum == Near(4 + 1 / 16.0));
  mismatch.sampler_logp[0] = -30;
  CHECK(mismatch.Run().sampler_sequence_square_sum == Near(std::exp(40.0)));
}

TEST_CASE("without an upper bound nothing is counted against it") {
  Mismatch mismatch;
  mismatch.objective.correction.high = kInf;
  const plait_metrics metrics = mismatch.Run();
  CHECK(metrics.sampler_tokens == 5);
  CHECK(metrics.sampler_bound_tokens == 0);
  CHECK(metrics.sampler_below_count == 0);
  CHECK(metrics.sampler_clamped_sum == 0);
  CHECK(metrics.sampler_bound_sequences == 0);
  CHECK(metrics.sampler_sequence_below_count == 0);
  CHECK(metrics.sampler_ratio_max == Near(4));
}

TEST_CASE("sequences are rejected as a whole or in part") {
  Mismatch mismatch;
  CHECK(mismatch.Run().partly_rejected_sequences == 0);
  mismatch.Filter(PLAIT_CORRECTION_TOKEN, 0.3f, 3);  // 4 and 1/4 are out of it
  plait_metrics metrics = mismatch.Run();
  CHECK(metrics.rejected_tokens == 2);
  CHECK(metrics.rejected_sequences == 0);
  CHECK(metrics.partly_rejected_sequences == 2);
  mismatch.Filter(PLAIT_CORRECTION_SEQUENCE_MEAN, 0.8f, 2);
  metrics = mismatch.Run();
  CHECK(metrics.rejected_tokens == 2);
  CHECK(metrics.rejected_sequences == 1);
  CHECK(metrics.partly_rejected_sequences == 0);
}

TEST_CASE("the sampler's metrics of parts add up, but for maxima and minima") {
  const Mismatch mismatch;
  const plait_metrics whole = mismatch.Run(), first = mismatch.Run(0, 1), second = mismatch.Run(1, 2);
  constexpr size_t kFirst = offsetof(plait_metrics, rejected_tokens) / sizeof(double);
  constexpr size_t kEnd = sizeof(plait_metrics) / sizeof(double);
  plait_metrics sum = first;
  for (size_t i = kFirst; i < kEnd; ++i) Fields(&sum)[i] += Fields(&second)[i];
  for (const auto field :
       {&plait_metrics::sampler_abs_max, &plait_metrics::sampler_ratio_max, &plait_metrics::sampler_sequence_ratio_max,
        &plait_metrics::sampler_sequence_deviation_max, &plait_metrics::log_ppl_diff_max}) {
    sum.*field = std::fmax(first.*field, second.*field);
  }
  for (const auto field : {&plait_metrics::sampler_ratio_min, &plait_metrics::sampler_sequence_ratio_min,
                           &plait_metrics::log_ppl_diff_min}) {
    sum.*field = std::fmin(first.*field, second.*field);
  }
  for (size_t i = kFirst; i < kEnd; ++i) {
    CAPTURE(i);
    CHECK(Fields(&sum)[i] == doctest::Approx(Fields(&whole)[i]).epsilon(1e-14));
  }
  const plait_metrics none = mismatch.Run(0, 0);
  CHECK(none.sampler_sequences == 0);
  CHECK(none.sampler_ratio_max == -INFINITY);
  CHECK(none.sampler_ratio_min == INFINITY);
  CHECK(none.sampler_sequence_deviation_max == -INFINITY);
  CHECK(none.log_ppl_diff_min == INFINITY);
}

TEST_CASE("a NaN stays in the sampler's maxima and minima, whichever sequence it is in") {
  for (const size_t token : {0u, 5u}) {
    Mismatch mismatch;
    mismatch.sampler_logp[token] = kNan;
    const plait_metrics metrics = mismatch.Run();
    for (const auto field :
         {&plait_metrics::sampler_abs_max, &plait_metrics::sampler_ratio_max, &plait_metrics::sampler_ratio_min,
          &plait_metrics::sampler_clamped_sum, &plait_metrics::sampler_sequence_ratio_max,
          &plait_metrics::sampler_sequence_ratio_min, &plait_metrics::sampler_sequence_deviation_max,
          &plait_metrics::sampler_sequence_square_sum, &plait_metrics::log_ppl_diff_max,
          &plait_metrics::log_ppl_diff_min}) {
      CHECK(std::isnan(metrics.*field));
    }
    CHECK(metrics.sampler_above_count + metrics.sampler_below_count == (token == 0 ? 1 : 2));
  }
}

TEST_CASE("long runs have the sampler's metrics of their tokens on every target") {
  constexpr int64_t kTokens = 1003;
  Mismatch mismatch;
  mismatch.offsets = {0, kTokens, kTokens};
  mismatch.roles.assign(kTokens, 1);
  mismatch.old_logp.assign(kTokens, -1);
  mismatch.sampler_logp.clear();
  double largest = 0, smallest = INFINITY, sum = 0, above = 0, below = 0, clamped = 0, square = 0;
  for (int64_t t = 0; t < kTokens; ++t) {
    mismatch.sampler_logp.push_back(-1 - 1.3f * std::sin(static_cast<float>(t)));
    const double x = std::exp(-1.0 - mismatch.sampler_logp[t]), v = std::fmin(std::fmax(x, 1 / kBound), kBound);
    largest = std::fmax(largest, x);
    smallest = std::fmin(smallest, x);
    sum += x;
    above += x > kBound;
    below += x < 1 / kBound;
    clamped += v;
    square += v * v;
  }
  CHECK(above > 100);
  for (const char* target : {"AVX-512", "AVX2", "SSE4", "NEON", "baseline"}) {
    if (plait_cpu_select_target(target) != PLAIT_OK) continue;
    CAPTURE(target);
    const plait_metrics metrics = mismatch.Run();
    CHECK(metrics.sampler_ratio_max == Near(largest));
    CHECK(metrics.sampler_ratio_min == Near(smallest));
    CHECK(metrics.sampler_above_count == above);
    CHECK(metrics.sampler_below_count == below);
    CHECK(metrics.sampler_clamped_sum == Near(clamped));
    CHECK(metrics.sampler_clamped_square_sum == Near(square));
    CHECK(metrics.sampler_sequence_ratio_sum == Near(sum / kTokens));
  }
  Accept(plait_cpu_select_target(nullptr));
}
