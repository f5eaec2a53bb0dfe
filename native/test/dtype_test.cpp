#include "support.h"

using namespace plait;
using namespace plait::test;

TEST_CASE("every float16 survives the way to float and back") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = FloatFromFloat16(static_cast<uint16_t>(bits));
    if (value != value) continue;
    CHECK(Float16FromFloat(value) == bits);
  }
}

TEST_CASE("floats round to the nearest float16 and to even in a tie") {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> exponent(-30, 17);
  for (int i = 0; i < 200000; ++i) {
    const float value = std::exp2(exponent(random));
    const uint16_t bits = Float16FromFloat(value);
    if (bits == 0x7C00) {
      CHECK(value >= 65520.0f);
      continue;
    }
    const double error = std::fabs(FloatFromFloat16(bits) - static_cast<double>(value));
    const double above = std::fabs(FloatFromFloat16(bits + 1) - static_cast<double>(value));
    const double below = bits ? std::fabs(FloatFromFloat16(bits - 1) - static_cast<double>(value)) : above;
    CHECK(error <= above);
    CHECK(error <= below);
    if (error == above || error == below) CHECK(bits % 2 == 0);
  }
}

TEST_CASE("floats round to the nearest bfloat16 and NaN stays NaN") {
  CHECK(Bfloat16FromFloat(1.00390625f) == 0x3F80);                // tie, to even
  CHECK(Bfloat16FromFloat(1.01171875f) == 0x3F82);                // tie, to even
  CHECK(Bfloat16FromFloat(FloatFromBits(0x3F808001)) == 0x3F81);  // just above a tie
  CHECK(std::isnan(FloatFromBfloat16(Bfloat16FromFloat(FloatFromBits(0x7F800001)))));
  CHECK(FloatFromBfloat16(Bfloat16FromFloat(-kInf)) == -kInf);
}
