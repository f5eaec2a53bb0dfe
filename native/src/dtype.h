// Scalar conversions between float and the 16-bit types, rounding to nearest even; and access to single elements.
#ifndef PLAIT_SRC_DTYPE_H_
#define PLAIT_SRC_DTYPE_H_

#include <cstdint>
#include <cstring>

#include "host_device.h"
#include "plait.h"

namespace plait {

PLAIT_HD inline float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

PLAIT_HD inline uint32_t BitsFromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

PLAIT_HD inline float FloatFromBfloat16(uint16_t value) { return FloatFromBits(static_cast<uint32_t>(value) << 16); }

PLAIT_HD inline uint16_t Bfloat16FromFloat(float value) {
  if (value != value) return 0x7FC0;
  const uint32_t bits = BitsFromFloat(value);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

PLAIT_HD inline float FloatFromFloat16(uint16_t value) {
  const uint32_t sign = static_cast<uint32_t>(value & 0x8000) << 16;
  const uint32_t magnitude = value & 0x7FFF;
  if (magnitude >= 0x7C00) return FloatFromBits(sign | 0x7F800000u | (magnitude & 0x3FF) << 13);
  if (magnitude >= 0x0400) return FloatFromBits(sign | ((magnitude << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return FloatFromBits(sign | BitsFromFloat(subnormal));
}

PLAIT_HD inline uint16_t Float16FromFloat(float value) {
  const uint32_t bits = BitsFromFloat(value);
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return sign | 0x7E00;
  if (magnitude >= 0x477FF000u) return sign | 0x7C00;  // rounds to 65520 or more
  if (magnitude >= 0x38800000u) {
    return static_cast<uint16_t>(sign | ((magnitude - (112u << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13));
  }
  // Subnormal: adding 0.5 leaves the value, in units of 2^-24 and rounded to nearest even, in the low bits.
  return static_cast<uint16_t>(sign | (BitsFromFloat(FloatFromBits(magnitude) + 0.5f) - 0x3F000000u));
}

PLAIT_HD inline int64_t ElementBytes(int32_t dtype) { return dtype == PLAIT_FLOAT32 ? 4 : 2; }

PLAIT_HD inline float LoadElement(const void* array, int64_t index, int32_t dtype) {
  if (dtype == PLAIT_FLOAT32) return static_cast<const float*>(array)[index];
  const uint16_t bits = static_cast<const uint16_t*>(array)[index];
  return dtype == PLAIT_BFLOAT16 ? FloatFromBfloat16(bits) : FloatFromFloat16(bits);
}

PLAIT_HD inline void StoreElement(void* array, int64_t index, int32_t dtype, float value) {
  if (dtype == PLAIT_FLOAT32) {
    static_cast<float*>(array)[index] = value;
  } else {
    static_cast<uint16_t*>(array)[index] = dtype == PLAIT_BFLOAT16 ? Bfloat16FromFloat(value) : Float16FromFloat(value);
  }
}

}  // namespace plait

#endif  // PLAIT_SRC_DTYPE_H_
