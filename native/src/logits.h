// Where a token's row, target and temperature are. Compiled by the CPU and the CUDA backend.
#ifndef PLAIT_SRC_LOGITS_H_
#define PLAIT_SRC_LOGITS_H_

#include <cmath>
#include <cstdint>

#include "dtype.h"
#include "host_device.h"
#include "plait.h"

namespace plait {

// The three things that a kernel needs to know of a token's row.
PLAIT_HD inline int64_t RowOf(const plait_logits& logits, int64_t token) {
  return logits.row_index ? logits.row_index[token] : token;
}

// Finite and positive; subnormal ones are no use, as their reciprocal is not a float.
PLAIT_HD inline bool IsTemperature(float temperature) { return temperature >= 0x1p-126f && temperature < INFINITY; }

// What to divide by: 2^100 at most, as more would lift a masked logit to the others; NaN for what is no temperature.
PLAIT_HD inline float UsableTemperature(float temperature) {
  if (!IsTemperature(temperature)) return NAN;
  return temperature > 0x1p100f ? 0x1p100f : temperature;
}

PLAIT_HD inline float TemperatureOf(const plait_logits& logits, int64_t token) {
  return UsableTemperature(logits.temperatures ? logits.temperatures[token] : logits.temperature);
}

PLAIT_HD inline int64_t TargetOf(const plait_logits& logits, int64_t token) {
  return logits.target_dtype == PLAIT_INT32 ? static_cast<const int32_t*>(logits.targets)[token]
                                            : static_cast<const int64_t*>(logits.targets)[token];
}

PLAIT_HD inline bool IsBadTarget(const plait_logits& logits, int64_t target) {
  return target < 0 || target >= logits.vocab_total;
}

PLAIT_HD inline const void* RowAt(const void* data, int64_t row, int64_t stride, int32_t dtype) {
  return static_cast<const char*>(data) + row * stride * ElementBytes(dtype);
}

PLAIT_HD inline void* RowAt(void* data, int64_t row, int64_t stride, int32_t dtype) {
  return static_cast<char*>(data) + row * stride * ElementBytes(dtype);
}

PLAIT_HD inline int64_t RowBytes(const plait_logits& logits) { return logits.vocab * ElementBytes(logits.dtype); }

// The raw logit of the target: NaN if the target is bad, -inf if another shard has it.
PLAIT_HD inline float TargetLogit(const plait_logits& logits, const void* row, int64_t target) {
  if (IsBadTarget(logits, target)) return NAN;
  const int64_t column = target - logits.vocab_begin;
  if (column < 0 || column >= logits.vocab) return -INFINITY;
  return LoadElement(row, column, logits.dtype);
}

}  // namespace plait

#endif  // PLAIT_SRC_LOGITS_H_
