// What a fuzzer draws from and how it stops: floats at the edges of what floats are, random numbers, and expectations.
#ifndef PLAIT_TEST_FUZZ_VALUES_H_
#define PLAIT_TEST_FUZZ_VALUES_H_

#include <cfloat>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plait.h"

namespace plait::fuzz {

constexpr float kInf = HUGE_VALF;
constexpr float kNan = NAN;

// Ends the process; libFuzzer then saves the input.
[[noreturn]] __attribute__((format(printf, 1, 2))) inline void Stop(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "\nlast error: %s\n", plait_last_error());
  std::abort();
}

#define PLAIT_EXPECT(condition, format, ...)                                                     \
  do {                                                                                           \
    if (!(condition)) ::plait::fuzz::Stop("%s: " format, #condition __VA_OPT__(, ) __VA_ARGS__); \
  } while (false)

// Numbers from a seed that the input holds: a few bytes fill an array.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t x = state_ += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }
  int64_t Below(int64_t count) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(count)); }
  float Uniform(float low, float high) { return low + (high - low) * (static_cast<float>(Next() >> 40) * 0x1p-24f); }
  float Bits() {
    const uint32_t bits = static_cast<uint32_t>(Next());
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

 private:
  uint64_t state_;
};

// Values at the edges of what floats are.
constexpr float kEdges[] = {1,     0,       -1,       0.5f,   0.2f,    2,        -0.0f,     1e-3f,      1e3f,
                            -1e3f, FLT_MIN, -FLT_MIN, 1e-40f, FLT_MAX, -FLT_MAX, 0.999999f, 1.0000001f, FLT_EPSILON,
                            kInf,  -kInf,   kNan,     88.5f,  -104,    65504,    1e30f};

// Bitwise, but any NaN equals any other.
inline bool Same(float a, float b) { return a != a ? b != b : std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace plait::fuzz

#endif  // PLAIT_TEST_FUZZ_VALUES_H_
