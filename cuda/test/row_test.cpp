// row_stats and logits_grad on the device against float64.
#include "device_support.h"

using namespace plait;
using namespace plait::test;

namespace {

constexpr int32_t kDtypes[] = {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16};
// A warp's rows, a block's, those of clusters of 2 to 8, of a wide block alone, and vectors' and stages' borders.
constexpr int64_t kVocabs[] = {1,    2,    7,     8,     9,     128,   1024,   2047,   2048,
                               2053, 4097, 16384, 16391, 32000, 50257, 131072, 151936, 262144};

// A float result of float32 arithmetic on a row: a few units in the last place of the largest part. 2^-22 of it is the
// exponential's own.
void CheckClose(double actual, double expected, double scale) {
  CHECK(std::fabs(actual - expected) <= 6e-7 * std::fmax(1, std::fabs(scale)));
}

void CheckStats(Rows& rows, const StatsArrays& out, double temperature) {
  const std::vector<float> logp = out.logp.Read(), entropy = out.entropy.Read(), logsumexp = out.logsumexp.Read();
  for (int64_t row = 0; row < rows.raw().rows; ++row) {
    CAPTURE(row);
    const Statistics expected = StatisticsOf(rows, row, temperature);
    CheckClose(logp[row], expected.logp, expected.logp);
    CheckClose(entropy[row], expected.entropy, expected.entropy);
    CheckClose(logsumexp[row], expected.logsumexp, expected.logsumexp);
  }
}

// The gradient of every row, from the device's own state.
std::vector<uint8_t> RunGradient(DeviceRows& rows, const std::vector<float>& c, const std::vector<float>& h,
                                 void* dlogits, int64_t stride) {
  const StatsArrays stats = RunStats(rows.get());
  const Array<float> c_array(c), h_array(h);
  Accept(plait_logits_grad(kDevice, nullptr, rows.get(), stats.state.get(), c_array.get(), h_array.get(), dlogits,
                           stride, nullptr));
  return rows.Read();
}

void CheckGradient(Rows& rows, DeviceRows& device, const std::vector<uint8_t>& bytes, double temperature,
                   const std::vector<float>& c, const std::vector<float>& h) {
  const double half_ulp = HalfUlp(rows.raw().dtype);
  for (int64_t row = 0; row < rows.raw().rows; ++row) {
    const std::vector<double> expected = GradientOf(rows, row, temperature, c[row], h[row]);
    const Statistics statistics = StatisticsOf(rows, row, temperature);
    double worst = 0, largest = 0;
    for (int64_t j = 0; j < rows.raw().vocab; ++j) {
      const double p = std::exp(rows.At(row, j) / temperature - statistics.logsumexp);
      // c and h may cancel; what they are each multiplied by does not, nor does the exponent's rounding.
      const double exponent = std::fabs(rows.At(row, j) / temperature - statistics.logsumexp);
      const double scale = p * (std::fabs(c[row]) + std::fabs(h[row]) * (exponent + statistics.entropy)) / temperature +
                           (j == rows.targets()[row] ? std::fabs(c[row]) / temperature : 0);
      const double bound = scale * 1e-6 * (1 + exponent / 8) + std::fabs(expected[j]) * half_ulp +
                           HalfSubnormal(rows.raw().dtype) + 1e-37;
      worst = std::fmax(worst, std::fabs(device.At(bytes, row, j) - expected[j]) / bound);
      largest = std::fmax(largest, std::fabs(expected[j]));
    }
    CAPTURE(row);
    CHECK(worst <= 1);
    if (rows.raw().vocab > 1) CHECK(largest > 1e-5);
  }
}

}  // namespace

TEST_CASE("the device's statistics and gradients agree with float64 for every vocabulary, dtype and offset") {
  for (const int64_t vocab : kVocabs) {
    for (const int32_t dtype : kDtypes) {
      for (const float offset : {0.0f, 1e4f, -1e4f}) {
        if (vocab > 60000 && offset != 0) continue;
        CAPTURE(vocab);
        CAPTURE(dtype);
        CAPTURE(offset);
        Rows rows(3, vocab, dtype);
        rows.Randomize(static_cast<uint32_t>(vocab), offset);
        rows.raw().temperature = 0.8f;
        DeviceRows device(rows);
        const StatsArrays stats = RunStats(device.get());
        CheckStats(rows, stats, rows.raw().temperature);
        CHECK(stats.bad.Read()[0] == 0);
        const std::vector<float> c = {-1, 0.5f, 2}, h = {0.25f, 0, -1};
        CheckGradient(rows, device, RunGradient(device, c, h, device.data(), vocab), rows.raw().temperature, c, h);
      }
    }
  }
}

TEST_CASE("no bit depends on where a row lies, nor on how many there are") {
  // 4094 and 8186: rows of 4 and of 8 logits a vector that need another tile if they begin with the last of a vector.
  for (const int64_t vocab : {9, 2053, 4094, 8186, 16391, 50257, 151936}) {
    for (const int32_t dtype : kDtypes) {
      CAPTURE(vocab);
      CAPTURE(dtype);
      Rows one(1, vocab, dtype);
      one.Randomize(7);
      DeviceRows device_one(one);
      const StatsArrays expected = RunStats(device_one.get());
      const std::vector<float> c = {-1}, h = {0.5f};
      const std::vector<uint8_t> expected_gradient = RunGradient(device_one, c, h, device_one.data(), vocab);
      // Five rows, each with the same logits and another alignment.
      for (const int64_t shift : {0, 1, 3}) {
        Rows many(5, vocab, dtype, vocab + 1, shift);
        for (int64_t row = 0; row < 5; ++row) {
          for (int64_t j = 0; j < vocab; ++j) many.Set(row, j, one.At(0, j));
          many.targets()[row] = one.targets()[0];
        }
        DeviceRows device(many);
        const StatsArrays stats = RunStats(device.get());
        const std::vector<float> all_c(5, c[0]), all_h(5, h[0]);
        const std::vector<uint8_t> gradient = RunGradient(device, all_c, all_h, device.data(), vocab + 1);
        int64_t different = 0;
        for (int64_t row = 0; row < 5; ++row) {
          CHECK(stats.logp.Read()[row] == expected.logp.Read()[0]);
          CHECK(stats.entropy.Read()[row] == expected.entropy.Read()[0]);
          CHECK(stats.logsumexp.Read()[row] == expected.logsumexp.Read()[0]);
          for (int64_t j = 0; j < vocab; ++j) {
            different += device.At(gradient, row, j) != device_one.At(expected_gradient, 0, j);
          }
        }
        CHECK(different == 0);
      }
    }
  }
}

TEST_CASE("the gradient may go to rows of another alignment, and leaves everything between them") {
  for (const int32_t dtype : kDtypes) {
    const int64_t vocab = 5003, stride = 5011;
    Rows rows(3, vocab, dtype);
    rows.Randomize(5);
    DeviceRows device(rows);
    const std::vector<float> c = {-1, 0, 2}, h = {0.25f, 0, -1};
    Rows apart(3, vocab, dtype, stride, 3);
    for (uint8_t& byte : apart.bytes()) byte = 0x5A;
    DeviceRows out(apart);
    const StatsArrays stats = RunStats(device.get());
    const Array<float> c_array(c), h_array(h);
    Accept(plait_logits_grad(kDevice, nullptr, device.get(), stats.state.get(), c_array.get(), h_array.get(),
                             out.data(), stride, nullptr));
    const std::vector<uint8_t> apart_bytes = out.Read();
    const std::vector<uint8_t> in_place = RunGradient(device, c, h, device.data(), vocab);
    int64_t different = 0, touched = 0;
    for (int64_t row = 0; row < 3; ++row) {
      for (int64_t j = 0; j < vocab; ++j) different += out.At(apart_bytes, row, j) != device.At(in_place, row, j);
      for (int64_t j = vocab; j < stride && row < 2; ++j) {
        touched += out.At(apart_bytes, row, j) != apart.At(row, j);
      }
    }
    CHECK(different == 0);
    CHECK(touched == 0);
  }
}

TEST_CASE("a shard's gradient leaves the places beside its rows where the targets of other shards would be") {
  for (const int32_t dtype : kDtypes) {
    CAPTURE(dtype);
    const int64_t vocab = 100, stride = 120, begin = 50;
    Rows rows(4, vocab, dtype);
    rows.Randomize(8);
    rows.targets() = {begin - 1, begin + vocab, begin - 3, begin + vocab + 9};
    DeviceRows device(rows);
    device.raw().vocab_begin = begin;
    device.raw().vocab_total = 300;
    Rows apart(4, vocab, dtype, stride, 3);
    for (uint8_t& byte : apart.bytes()) byte = 0x5A;
    DeviceRows out(apart);
    const StatsArrays stats = RunStats(device.get());
    const Array<float> c(std::vector<float>(4, -1)), h(std::vector<float>(4, 0));
    Accept(plait_logits_grad(kDevice, nullptr, device.get(), stats.state.get(), c.get(), h.get(), out.data(), stride,
                             nullptr));
    const std::vector<uint8_t> bytes = out.Read();
    int64_t touched = 0, wrong = 0;
    for (int64_t row = 0; row < 4; ++row) {
      for (int64_t j = -3; j < (row < 3 ? stride - 3 : vocab); ++j) {
        const float value = out.At(bytes, row, j);
        if (j < 0 || j >= vocab) {
          touched += value != apart.At(row, j);
        } else {
          wrong += !(value >= 0 && value <= 1);  // p
        }
      }
    }
    CHECK(touched == 0);
    CHECK(wrong == 0);
  }
}

TEST_CASE("masked entries, one finite entry, NaN, infinity and bad targets stay in their rows") {
  for (const int32_t dtype : kDtypes) {
    for (const int64_t vocab : {300, 40000}) {
      CAPTURE(dtype);
      CAPTURE(vocab);
      Rows rows(8, vocab, dtype);
      rows.Randomize(3);
      for (int64_t j = 0; j < vocab; j += 2) rows.Set(1, j, -kInf);
      rows.targets()[1] = 1;
      for (int64_t j = 0; j < vocab; ++j) rows.Set(2, j, j == 17 ? 3 : -kInf);
      rows.targets()[2] = 17;
      for (int64_t j = 0; j < vocab; ++j) rows.Set(3, j, -kInf);
      rows.Set(4, vocab - 1, kNan);
      rows.Set(5, 0, kInf);
      rows.targets()[6] = vocab;
      rows.targets()[7] = -1;
      DeviceRows device(rows);
      const StatsArrays stats = RunStats(device.get());
      const std::vector<float> logp = stats.logp.Read(), entropy = stats.entropy.Read();
      const Statistics expected = StatisticsOf(rows, 1, 1);
      CheckClose(logp[1], expected.logp, expected.logp);
      CheckClose(entropy[1], expected.entropy, expected.entropy);
      CHECK(logp[2] == 0);
      CHECK(entropy[2] == 0);
      for (const int64_t row : {3, 4, 5, 6, 7}) {
        CHECK(std::isnan(logp[row]));
        CHECK(std::isnan(entropy[row]));
      }
      CHECK(stats.bad.Read()[0] == 2);
      const std::vector<float> c(8, -1), h(8, 0.5f);
      const std::vector<uint8_t> gradient = RunGradient(device, c, h, device.data(), vocab);
      for (int64_t j = 0; j < vocab; ++j) {
        REQUIRE((j % 2 == 1 || device.At(gradient, 1, j) == 0));
        REQUIRE(device.At(gradient, 2, j) == 0);
        for (const int64_t row : {3, 4, 5}) REQUIRE(std::isnan(device.At(gradient, row, j)));
        for (const int64_t row : {6, 7}) REQUIRE(device.At(gradient, row, j) == 0);
      }
      CHECK(device.At(gradient, 0, rows.targets()[0]) != 0);
    }
  }
}

TEST_CASE("shards merge to the whole row") {
  const int64_t vocab = 3000, half = 1400;
  Rows rows(4, vocab, PLAIT_BFLOAT16);
  rows.Randomize(9);
  DeviceRows device(rows);
  const std::vector<float> whole = RunStats(device.get()).logp.Read();
  Array<float> states(2 * 4 * 4);
  for (int part = 0; part < 2; ++part) {
    plait_logits shard = *device.get();
    shard.vocab_begin = part * half;
    shard.vocab = part ? vocab - half : half;
    shard.data = static_cast<const uint8_t*>(shard.data) + 2 * shard.vocab_begin;
    Accept(plait_row_stats(kDevice, nullptr, &shard, nullptr, nullptr, nullptr, states.get() + 16 * part, nullptr));
  }
  Array<float> logp(4), entropy(4);
  Accept(plait_row_stats_merge(kDevice, nullptr, states.get(), 2, 4, nullptr, 1, logp.get(), entropy.get(), nullptr,
                               nullptr));
  for (int64_t row = 0; row < 4; ++row) {
    CheckClose(logp.Read()[row], whole[row], whole[row]);
    CheckClose(entropy.Read()[row], StatisticsOf(rows, row, 1).entropy, 1);
  }
}
