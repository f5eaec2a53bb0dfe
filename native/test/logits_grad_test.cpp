#include <sys/mman.h>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

std::vector<float> StateOfRows(Rows& rows) {
  std::vector<float> state(4 * rows.raw().tokens);
  Accept(plait_row_stats(Device(), nullptr, rows.get(), nullptr, nullptr, nullptr, state.data(), nullptr));
  return state;
}

void CheckGradient(Rows& logits, Rows& gradient, int64_t row, double temperature, double c, double h) {
  const std::vector<double> expected = GradientOf(logits, row, temperature, c, h);
  double largest = 0;
  for (const double g : expected) largest = std::fmax(largest, std::fabs(g));
  double worst = 0;
  const int32_t dtype = logits.raw().dtype;
  for (size_t j = 0; j < expected.size(); ++j) {
    const double allowed = HalfUlp(dtype) * std::fabs(expected[j]) + HalfSubnormal(dtype) + 6e-7 * largest;
    worst = std::fmax(worst, std::fabs(gradient.At(row, j) - expected[j]) / allowed);
  }
  CAPTURE(expected.size());
  CAPTURE(dtype);
  CAPTURE(largest);
  CHECK(worst <= 1);
  if (expected.size() > 1) CHECK(largest > 0);
}

}  // namespace

TEST_CASE("gradients agree with float64, in place and apart") {
  for (const int64_t vocab : {1, 2, 7, 33, 128, 2053, 32000, 151936}) {
    for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16}) {
      for (const float offset : {0.0f, 1e4f}) {
        Rows logits(3, vocab, dtype, vocab + 5);
        logits.Randomize(static_cast<uint32_t>(vocab) + 1, offset);
        logits.raw().temperature = 1.3f;
        const std::vector<float> state = StateOfRows(logits);
        const std::vector<float> c = {-1, 0.25f, -0.5f};
        const std::vector<float> h = {0, 0.1f, -2};
        Rows apart(3, vocab, dtype, vocab, 1);
        Accept(plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), h.data(), apart.data(), vocab,
                                 nullptr));
        for (int64_t row = 0; row < 3; ++row) CheckGradient(logits, apart, row, 1.3f, c[row], h[row]);

        Rows in_place = logits;
        Accept(plait_logits_grad(Device(), nullptr, in_place.get(), state.data(), c.data(), h.data(), in_place.data(),
                                 vocab + 5, nullptr));
        for (int64_t row = 0; row < 3; ++row) {
          for (int64_t j = 0; j < vocab; ++j) {
            if (in_place.At(row, j) != apart.At(row, j)) REQUIRE(in_place.At(row, j) == apart.At(row, j));
          }
        }
      }
    }
  }
}

TEST_CASE("masked entries get exactly zero gradient, with an entropy term too") {
  Rows logits(1, 300, PLAIT_FLOAT32);
  logits.Randomize(6);
  for (int64_t j = 0; j < 300; j += 2) logits.Set(0, j, -kInf);
  logits.targets() = {1};
  const std::vector<float> state = StateOfRows(logits), c = {-1}, h = {0.5f};
  Rows out(1, 300, PLAIT_FLOAT32);
  Accept(
      plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), h.data(), out.data(), 300, nullptr));
  CheckGradient(logits, out, 0, 1, -1, 0.5);
  for (int64_t j = 0; j < 300; j += 2) CHECK(out.At(0, j) == 0);

  logits.targets() = {2};  // a target that is masked: logp = -inf, the gradient is finite
  const std::vector<float> masked = StateOfRows(logits);
  Accept(
      plait_logits_grad(Device(), nullptr, logits.get(), masked.data(), c.data(), h.data(), out.data(), 300, nullptr));
  CHECK(out.At(0, 2) == -1);
}

TEST_CASE("bad targets get zero rows, NaN rows NaN, and rows without c and h zeros") {
  Rows logits(4, 40, PLAIT_BFLOAT16);
  logits.Randomize(1);
  logits.targets()[0] = 40;
  logits.Set(1, 3, kNan);
  const std::vector<float> state = StateOfRows(logits), c = {-1, 0, 0, -1};
  Rows out(4, 40, PLAIT_BFLOAT16);
  int64_t bad = 0;
  Accept(plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), nullptr, out.data(), 40, &bad));
  CHECK(bad == 1);
  for (int64_t j = 0; j < 40; ++j) {
    CHECK(out.At(0, j) == 0);
    CHECK(std::isnan(out.At(1, j)));
    CHECK(out.At(2, j) == 0);
  }
  CheckGradient(logits, out, 3, 1, -1, 0);
}

TEST_CASE("a bad target is counted once however long its row, and beats a NaN in it; h alone has a gradient") {
  constexpr int64_t kVocab = 20000;
  Rows logits(3, kVocab, PLAIT_FLOAT32);
  logits.Randomize(2);
  logits.targets()[0] = logits.targets()[1] = -1;
  logits.Set(1, 3, kNan);
  const std::vector<float> state = StateOfRows(logits), c = {-1, -1, 0}, h = {1, 1, 0.5f};
  Rows out(3, kVocab, PLAIT_FLOAT32);
  int64_t bad = 0;
  Accept(
      plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), h.data(), out.data(), kVocab, &bad));
  CHECK(bad == 2);
  for (int64_t j = 0; j < kVocab; ++j) REQUIRE((out.At(0, j) == 0 && out.At(1, j) == 0));
  CheckGradient(logits, out, 2, 1, 0, 0.5f);
}

TEST_CASE("each shard's gradient is its part of the whole") {
  Rows logits(4, 1001, PLAIT_FLOAT32);
  logits.Randomize(77);
  const std::vector<float> state = StateOfRows(logits), c = {-1, 1, 0.5f, -2}, h = {0.1f, 0, 0.3f, -0.1f};
  Rows whole(4, 1001, PLAIT_FLOAT32);
  Accept(plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), h.data(), whole.data(), 1001,
                           nullptr));
  Rows parts(4, 1001, PLAIT_FLOAT32);
  for (const int64_t begin : {0, 400}) {
    plait_logits shard = *logits.get();
    shard.vocab_begin = begin;
    shard.vocab = begin == 0 ? 400 : 601;
    shard.data = static_cast<const float*>(shard.data) + begin;
    Accept(plait_logits_grad(Device(), nullptr, &shard, state.data(), c.data(), h.data(),
                             static_cast<float*>(parts.data()) + begin, 1001, nullptr));
  }
  CHECK(SameBits(parts.bytes(), whole.bytes()));
}

TEST_CASE("rows that the index leaves out are not touched") {
  Rows logits(5, 90, PLAIT_FLOAT32);
  logits.Randomize(12);
  Rows original = logits;
  const std::vector<int64_t> index = {0, 3};
  logits.raw().row_index = index.data();
  logits.raw().tokens = 2;
  logits.targets() = {5, 6};
  const std::vector<float> state = StateOfRows(logits), c = {-1, -1};
  Accept(
      plait_logits_grad(Device(), nullptr, logits.get(), state.data(), c.data(), nullptr, logits.data(), 90, nullptr));
  original.targets() = {5, 0, 0, 6, 0};
  CheckGradient(original, logits, 0, 1, -1, 0);
  CheckGradient(original, logits, 3, 1, -1, 0);
  for (const int64_t row : {1, 2, 4}) {
    for (int64_t j = 0; j < 90; ++j) CHECK(logits.At(row, j) == original.At(row, j));
  }
}

TEST_CASE("without rows the strides of the logits and of their gradient are their own, whatever their addresses") {
  Rows none(0, 7, PLAIT_FLOAT32, 12);
  std::vector<float> state(4), c(1);
  int64_t bad = -1;
  Accept(plait_logits_grad(Device(), nullptr, none.get(), state.data(), c.data(), nullptr, none.data(), 7, &bad));
  CHECK(bad == 0);
}

TEST_CASE("rows beyond 2^31 elements are reached") {
  constexpr int64_t kVocab = 131072, kRows = 16400;  // 2.15e9 elements, of which three rows are touched
  const size_t bytes = kVocab * kRows * 2;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  const std::vector<int64_t> index = {0, 8000, kRows - 1}, targets = {1, kVocab - 1, 9};
  for (size_t i = 0; i < index.size(); ++i) StoreElement(memory, index[i] * kVocab + targets[i], PLAIT_BFLOAT16, 5);
  plait_logits logits = {};
  logits.struct_bytes = sizeof(logits);
  logits.data = memory;
  logits.rows = kRows;
  logits.vocab = logits.vocab_total = logits.row_stride = kVocab;
  logits.tokens = 3;
  logits.row_index = index.data();
  logits.targets = targets.data();
  logits.dtype = PLAIT_BFLOAT16;
  logits.target_dtype = PLAIT_INT64;
  logits.temperature = 1;
  std::vector<float> logp(3), state(12), c(3, -1);
  Accept(plait_row_stats(Device(), nullptr, &logits, logp.data(), nullptr, nullptr, state.data(), nullptr));
  const double expected = 5 - std::log(kVocab - 1 + std::exp(5.0));
  for (int i = 0; i < 3; ++i) CHECK(std::fabs(logp[i] - expected) < 3e-6);
  Accept(plait_logits_grad(Device(), nullptr, &logits, state.data(), c.data(), nullptr, memory, kVocab, nullptr));
  for (int i = 0; i < 3; ++i) {
    const float g = LoadElement(memory, index[i] * kVocab + targets[i], PLAIT_BFLOAT16);
    CHECK(std::fabs(g - (std::exp(expected) - 1)) < 0x1p-8);
  }
  munmap(memory, bytes);
}
