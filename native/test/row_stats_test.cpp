#include <cfloat>

#include "support.h"

using namespace plait;
using namespace plait::test;

namespace {

struct Output {
  explicit Output(int64_t tokens) : logp(tokens), entropy(tokens), logsumexp(tokens), state(4 * tokens) {}
  std::vector<float> logp, entropy, logsumexp, state;
  int64_t bad = -1;
};

Output Run(Rows& rows) {
  Output out(rows.raw().tokens);
  Accept(plait_row_stats(Device(), nullptr, rows.get(), out.logp.data(), out.entropy.data(), out.logsumexp.data(),
                         out.state.data(), &out.bad));
  return out;
}

// From the states of `parts` shards.
Output RunInShards(Rows& rows, int64_t parts) {
  const plait_logits& whole = rows.raw();
  std::vector<float> states(parts * whole.tokens * 4);
  for (int64_t part = 0; part < parts; ++part) {
    plait_logits shard = *rows.get();
    shard.vocab_begin = whole.vocab * part / parts;
    shard.vocab = whole.vocab * (part + 1) / parts - shard.vocab_begin;
    shard.data = static_cast<const float*>(shard.data) + shard.vocab_begin;
    Accept(plait_row_stats(Device(), nullptr, &shard, nullptr, nullptr, nullptr, &states[part * whole.tokens * 4],
                           nullptr));
  }
  Output out(whole.tokens);
  Accept(plait_row_stats_merge(Device(), nullptr, states.data(), parts, whole.tokens, whole.temperatures,
                               whole.temperature, out.logp.data(), out.entropy.data(), out.logsumexp.data(),
                               out.state.data()));
  return out;
}

// A float result of a float64 computation over a float32 sum: a few units in the last place of the largest part.
void CheckClose(double actual, double expected, double scale) {
  CHECK(std::fabs(actual - expected) <= 4e-7 * std::fmax(1, std::fabs(scale)));
}

void CheckRow(Rows& rows, const Output& out, int64_t row, double temperature) {
  const Statistics expected = StatisticsOf(rows, row, temperature);
  CAPTURE(rows.raw().vocab);
  CAPTURE(rows.raw().dtype);
  CheckClose(out.logp[row], expected.logp, expected.logp);
  CheckClose(out.entropy[row], expected.entropy, expected.entropy);
  CheckClose(out.logsumexp[row], expected.logsumexp, expected.logsumexp);
}

}  // namespace

TEST_CASE("statistics agree with float64 for every vocabulary, dtype and offset") {
  for (const int64_t vocab : {1, 2, 7, 31, 32, 33, 128, 2053, 4096, 4097, 32000, 50257, 151936}) {
    for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16}) {
      for (const float offset : {0.0f, 1e4f, -1e4f}) {
        Rows rows(3, vocab, dtype);
        rows.Randomize(static_cast<uint32_t>(vocab), offset);
        const Output out = Run(rows);
        CHECK(out.bad == 0);
        for (int64_t row = 0; row < 3; ++row) CheckRow(rows, out, row, 1);
        if (vocab > 7 && dtype == PLAIT_FLOAT32) CHECK(out.entropy[0] > 0.5f);
      }
    }
  }
}

TEST_CASE("every SIMD target agrees with float64") {
  for (const char* target : {"AVX-512", "AVX2", "SSE4", "baseline"}) {
    if (plait_cpu_select_target(target) != PLAIT_OK) continue;
    CHECK(std::string(plait_cpu_target()) == target);
    for (const int32_t dtype : {PLAIT_FLOAT32, PLAIT_BFLOAT16, PLAIT_FLOAT16}) {
      Rows rows(2, 5003, dtype);
      rows.Randomize(3, 2);
      rows.Set(1, 17, kNan);
      const Output out = Run(rows);
      CheckRow(rows, out, 0, 1);
      CHECK(std::isnan(out.logp[1]));
    }
  }
  Accept(plait_cpu_select_target(nullptr));
}

TEST_CASE("a state needs no more alignment than its floats") {
  Rows rows(2, 7, PLAIT_FLOAT32);
  rows.Randomize(1);
  std::vector<float> memory(3 + 2 * PLAIT_STATE_FLOATS), merged(memory), plain(2 * PLAIT_STATE_FLOATS);
  Accept(plait_row_stats(Device(), nullptr, rows.get(), nullptr, nullptr, nullptr, plain.data(), nullptr));
  for (int64_t shift = 0; shift < 4; ++shift) {
    Accept(plait_row_stats(Device(), nullptr, rows.get(), nullptr, nullptr, nullptr, &memory[shift], nullptr));
    Accept(plait_row_stats_merge(Device(), nullptr, &memory[shift], 1, 2, nullptr, 1, nullptr, nullptr, nullptr,
                                 &merged[shift]));
    CHECK(std::memcmp(&memory[shift], plain.data(), plain.size() * sizeof(float)) == 0);
    CHECK(std::memcmp(&merged[shift], plain.data(), plain.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("a NaN of any bits makes its row NaN, on every SIMD target") {
  for (const char* target : {"AVX-512", "AVX2", "SSE4", "NEON", "baseline"}) {
    if (plait_cpu_select_target(target) != PLAIT_OK) continue;
    for (const int64_t column : {0, 16, 5000}) {
      for (const uint32_t bits : {0x7FC00000u, 0x7FC00001u, 0x7F800001u, 0xFFFFFFFFu, 0x7FFFFFFFu, 0xFFC001FFu}) {
        Rows rows(2, 5003, PLAIT_FLOAT32);
        rows.Randomize(5);
        rows.Set(0, 5002, 1e30f);  // beside which the blocks before it count for nothing
        std::memcpy(rows.bytes().data() + column * sizeof(float), &bits, sizeof(bits));
        const Output out = Run(rows);
        CAPTURE(bits);
        CHECK(std::isnan(out.logp[0]));
        CHECK(std::isnan(out.entropy[0]));
        CHECK(std::isnan(out.logsumexp[0]));
        CHECK(std::isfinite(out.logp[1]));
        CHECK(out.entropy[1] > 0);
      }
    }
  }
  Accept(plait_cpu_select_target(nullptr));
}

TEST_CASE("temperature is a scalar or one per token") {
  Rows rows(3, 999, PLAIT_FLOAT32);
  rows.Randomize(11);
  const std::vector<float> temperatures = {0.3f, 1.0f, 7.5f};
  rows.raw().temperatures = temperatures.data();
  const Output each = Run(rows);
  for (int64_t row = 0; row < 3; ++row) CheckRow(rows, each, row, temperatures[row]);
  rows.raw().temperatures = nullptr;
  rows.raw().temperature = 7.5f;
  const Output all = Run(rows);
  CHECK(all.logp[2] == each.logp[2]);
  CHECK(all.logp[0] != each.logp[0]);
}

TEST_CASE("masked entries contribute nothing, and one unmasked entry is certain") {
  Rows rows(2, 1000, PLAIT_FLOAT32);
  rows.Randomize(4);
  for (int64_t j = 0; j < 1000; ++j) {
    if (j % 3 != 0) rows.Set(0, j, -kInf);
    if (j != 70) rows.Set(1, j, -kInf);
  }
  rows.targets() = {300, 70};
  const Output out = Run(rows);
  CheckRow(rows, out, 0, 1);
  CHECK(out.logp[1] == 0);
  CHECK(out.entropy[1] == 0);
  CHECK(out.logsumexp[1] == rows.At(1, 70));
  rows.targets()[1] = 71;
  CHECK(Run(rows).logp[1] == -kInf);
}

TEST_CASE("NaN, +inf and a row of -inf poison their own row alone") {
  for (const int64_t at : {0, 5000, 9998}) {
    for (const float poison : {kNan, kInf}) {
      Rows rows(3, 9999, PLAIT_BFLOAT16);
      rows.Randomize(8);
      const Output clean = Run(rows);
      rows.Set(1, at, poison);
      const Output out = Run(rows);
      CHECK(std::isnan(out.logp[1]));
      CHECK(std::isnan(out.entropy[1]));
      CHECK(std::isnan(out.logsumexp[1]));
      CHECK(out.logp[0] == clean.logp[0]);
      CHECK(out.logp[2] == clean.logp[2]);
    }
  }
  Rows rows(1, 50, PLAIT_FLOAT32);
  for (int64_t j = 0; j < 50; ++j) rows.Set(0, j, -kInf);
  CHECK(std::isnan(Run(rows).logp[0]));
  rows.Set(0, 3, kNan);
  CHECK(std::isnan(Run(rows).entropy[0]));
}

TEST_CASE("a target outside the vocabulary gives NaN and is counted") {
  Rows rows(4, 64, PLAIT_FLOAT32);
  rows.Randomize(2);
  rows.targets() = {0, 64, -1, 63};
  const Output out = Run(rows);
  CHECK(out.bad == 2);
  CHECK(std::isnan(out.logp[1]));
  CHECK(std::isnan(out.entropy[2]));
  CheckRow(rows, out, 0, 1);
  CheckRow(rows, out, 3, 1);
  rows.targets()[1] = std::numeric_limits<int64_t>::min();
  CHECK(Run(rows).bad == 2);
}

TEST_CASE("strided, unaligned and indexed rows give the same bits as packed ones") {
  Rows packed(6, 777, PLAIT_FLOAT32);
  packed.Randomize(21);
  const Output expected = Run(packed);
  Rows strided(6, 777, PLAIT_FLOAT32, 801, 3);
  strided.Randomize(21);
  CHECK(SameBits(Run(strided).logp, expected.logp));

  const std::vector<int64_t> index = {1, 2, 5};
  strided.raw().row_index = index.data();
  strided.raw().tokens = 3;
  strided.targets() = {packed.targets()[1], packed.targets()[2], packed.targets()[5]};
  const Output some = Run(strided);
  CHECK(some.logp[0] == expected.logp[1]);
  CHECK(some.entropy[2] == expected.entropy[5]);
}

TEST_CASE("int32 targets mean the same as int64 ones") {
  Rows rows(5, 100, PLAIT_FLOAT16);
  rows.Randomize(9);
  const Output expected = Run(rows);
  const std::vector<int32_t> narrow(rows.targets().begin(), rows.targets().end());
  plait_logits logits = *rows.get();
  logits.targets = narrow.data();
  logits.target_dtype = PLAIT_INT32;
  std::vector<float> logp(5);
  Accept(plait_row_stats(Device(), nullptr, &logits, logp.data(), nullptr, nullptr, nullptr, nullptr));
  CHECK(SameBits(logp, expected.logp));
}

TEST_CASE("a vocabulary split over shards merges to the whole") {
  Rows rows(7, 4999, PLAIT_FLOAT32);
  rows.Randomize(31, 50);
  for (int64_t j = 0; j < 700; ++j) rows.Set(2, j, -kInf);  // a shard of nothing but -inf
  rows.Set(3, 4998, kNan);
  rows.targets()[4] = -5;
  rows.raw().temperature = 0.7f;
  const Output whole = Run(rows);
  for (const int64_t parts : {1, 2, 3, 8}) {
    const Output merged = RunInShards(rows, parts);
    for (int64_t row = 0; row < 7; ++row) {
      CAPTURE(row);
      if (row == 3 || row == 4) {
        CHECK(std::isnan(merged.logp[row]));
        CHECK(std::isnan(merged.entropy[row]));
      } else {
        CheckRow(rows, merged, row, 0.7f);
        CHECK(merged.state[4 * row] == whole.state[4 * row]);
        CHECK(merged.state[4 * row + 3] == whole.state[4 * row + 3]);
      }
    }
  }
}

TEST_CASE("a temperature above 2^100 counts as 2^100, in shards too") {
  Rows rows(3, 999, PLAIT_FLOAT32);
  rows.Randomize(7);
  rows.Set(0, 17, 1e30f);
  rows.Set(1, 600, -1e30f);
  rows.Set(2, 998, -kInf);
  for (const float temperature : {0x1p100f, FLT_MAX}) {
    rows.raw().temperature = temperature;
    const Output whole = Run(rows), merged = RunInShards(rows, 2);
    for (int64_t row = 0; row < 3; ++row) {
      CheckRow(rows, whole, row, 0x1p100);
      CheckRow(rows, merged, row, 0x1p100);
    }
  }
}

TEST_CASE("outputs lie at the address of any float") {
  Rows rows(3, 65, PLAIT_FLOAT32);
  rows.Randomize(9);
  const Output expected = Run(rows);
  for (const int64_t shift : {1, 2, 3}) {
    std::vector<float> state(12 + shift), merged(12 + shift), logp(3 + shift);
    float* first = state.data() + shift;
    Accept(plait_row_stats(Device(), nullptr, rows.get(), &logp[shift], nullptr, nullptr, first, nullptr));
    CHECK(std::memcmp(first, expected.state.data(), 12 * sizeof(float)) == 0);
    CHECK(std::memcmp(&logp[shift], expected.logp.data(), 3 * sizeof(float)) == 0);
    Accept(plait_row_stats_merge(Device(), nullptr, first, 1, 3, nullptr, 1, nullptr, nullptr, nullptr,
                                 merged.data() + shift));
    CHECK(std::memcmp(merged.data() + shift, first, 12 * sizeof(float)) == 0);
  }
}
