// What the tests share: random rows in every dtype, and the float64 definition of each kernel, written for clarity.
#ifndef PLAIT_TEST_SUPPORT_H_
#define PLAIT_TEST_SUPPORT_H_

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "dtype.h"
#include "plait.h"

namespace plait::test {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Where kernels run: PLAIT_CPU, or a device that shares the host's memory, as the emulator of the CUDA tests does.
inline int32_t Device() {
  static const int32_t device = [] {
    const char* name = std::getenv("PLAIT_TEST_DEVICE");
    return name ? std::atoi(name) : PLAIT_CPU;
  }();
  return device;
}

// Values in arrays, unlike arguments, can be refused only where a call reads them before it starts.
inline bool ReadsValuesFirst() { return Device() == PLAIT_CPU; }

// Fails the test with the library's own message if a call was refused.
inline void Accept(int32_t status) {
  INFO(plait_last_error());
  CHECK(status == PLAIT_OK);
}

// Logits of any dtype and stride with their targets. Elements are set and read as floats.
class Rows {
 public:
  Rows(int64_t rows, int64_t vocab, int32_t dtype, int64_t stride = 0, int64_t shift = 0)
      : stride_(stride ? stride : vocab),
        shift_(shift),
        dtype_(dtype),
        bytes_(((rows ? rows - 1 : 0) * stride_ + vocab + shift) * ElementBytes(dtype) + 1),
        targets_(rows) {
    logits_.struct_bytes = sizeof(plait_logits);
    logits_.rows = logits_.tokens = rows;
    logits_.vocab = logits_.vocab_total = vocab;
    logits_.row_stride = stride_;
    logits_.dtype = dtype;
    logits_.target_dtype = PLAIT_INT64;
    logits_.temperature = 1;
  }

  const plait_logits* get() {
    logits_.data = data();
    logits_.targets = targets_.data();
    return &logits_;
  }
  plait_logits& raw() { return logits_; }
  void* data() { return bytes_.data() + shift_ * ElementBytes(dtype_); }
  std::vector<int64_t>& targets() { return targets_; }
  std::vector<uint8_t>& bytes() { return bytes_; }

  float At(int64_t row, int64_t column) { return LoadElement(data(), row * stride_ + column, dtype_); }
  void Set(int64_t row, int64_t column, float v) { StoreElement(data(), row * stride_ + column, dtype_, v); }

  // Normal logits around `offset`, and random targets.
  Rows& Randomize(uint32_t seed, float offset = 0, float spread = 3) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(offset, spread);
    for (int64_t row = 0; row < logits_.rows; ++row) {
      for (int64_t column = 0; column < logits_.vocab; ++column) Set(row, column, normal(random));
      targets_[row] = static_cast<int64_t>(random() % logits_.vocab);
    }
    return *this;
  }

 private:
  int64_t stride_;
  int64_t shift_;
  int32_t dtype_;
  std::vector<uint8_t> bytes_;
  std::vector<int64_t> targets_;
  plait_logits logits_ = {};
};

struct Statistics {
  double logp;
  double entropy;
  double logsumexp;
};

// z_j = x_j / temperature; log p_j = z_j - logsumexp; 0 * log 0 = 0.
inline Statistics StatisticsOf(Rows& rows, int64_t row, double temperature) {
  const int64_t vocab = rows.raw().vocab;
  double max = -INFINITY;
  for (int64_t j = 0; j < vocab; ++j) max = std::fmax(max, rows.At(row, j) / temperature);
  double sum = 0;
  for (int64_t j = 0; j < vocab; ++j) sum += std::exp(rows.At(row, j) / temperature - max);
  Statistics result = {0, 0, max + std::log(sum)};
  for (int64_t j = 0; j < vocab; ++j) {
    const double logp = rows.At(row, j) / temperature - max - std::log(sum);
    if (logp > -INFINITY) result.entropy -= std::exp(logp) * logp;
    if (j == rows.targets()[row]) result.logp = logp;
  }
  return result;
}

// c * (1[j = y] - p_j) + h * p_j * (S - z_j), over the temperature.
inline std::vector<double> GradientOf(Rows& rows, int64_t row, double temperature, double c, double h) {
  const int64_t vocab = rows.raw().vocab;
  const Statistics statistics = StatisticsOf(rows, row, temperature);
  std::vector<double> gradient(vocab);
  for (int64_t j = 0; j < vocab; ++j) {
    const double logp = rows.At(row, j) / temperature - statistics.logsumexp;
    const double p = std::exp(logp);
    const double entropy_part = p == 0 ? 0 : -h * p * (logp + statistics.entropy);
    gradient[j] = (c * ((j == rows.targets()[row]) - p) + entropy_part) / temperature;
  }
  return gradient;
}

// Half a unit in the last place of `dtype`, relative, and absolute below its normal range.
inline double HalfUlp(int32_t dtype) {
  return dtype == PLAIT_FLOAT32 ? 0x1p-24 : dtype == PLAIT_BFLOAT16 ? 0x1p-8 : 0x1p-11;
}
inline double HalfSubnormal(int32_t dtype) { return dtype == PLAIT_FLOAT16 ? 0x1p-25 : 0; }

// A rule that does nothing, for tests to fill in.
inline plait_rule EmptyRule() {
  plait_rule rule = {};
  rule.clip_low = rule.clip_high = 0.2f;
  rule.dual_clip = rule.log_ratio_limit = kInf;
  rule.max_probability = rule.off_policy_threshold = kInf;
  rule.reshape_parameter = 0.1f;
  rule.reshape_low = -kInf;
  rule.reshape_high = kInf;
  rule.kl_log_limit = rule.kl_value_limit = kInf;
  rule.sapo_positive = 1;
  rule.sapo_negative = 1.05f;
  rule.vespo_positive[0] = 2;
  rule.vespo_positive[1] = 3;
  rule.vespo_negative[0] = 3;
  rule.vespo_negative[1] = 2;
  return rule;
}

inline plait_objective EmptyObjective() {
  plait_objective objective = {sizeof(plait_objective), {EmptyRule(), EmptyRule(), EmptyRule()}, {}, 0};
  objective.correction.high = objective.correction.log_limit = kInf;
  return objective;
}

inline plait_token_batch EmptyBatch(int64_t tokens) {
  plait_token_batch batch = {};
  batch.struct_bytes = sizeof(plait_token_batch);
  batch.tokens = tokens;
  return batch;
}

inline plait_normalizers EmptyNormalizers() {
  plait_normalizers normalizers = {};
  normalizers.struct_bytes = sizeof(plait_normalizers);
  return normalizers;
}

// Bitwise equality, NaN included.
template <class T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace plait::test

#endif  // PLAIT_TEST_SUPPORT_H_
