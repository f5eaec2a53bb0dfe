package org.plait;

/**
 * Conversions between float32 and its 16-bit relatives, which the JDK has from release 20 on only.
 */
final class HalfFloats {
  private HalfFloats() {}

  static float float16ToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0x1f) {
      return Float.intBitsToFloat(sign | 0x7f800000 | (fraction << 13));
    }
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (fraction << 13));
  }

  /** Rounds to nearest, ties to even; NaN stays NaN. */
  static short floatToFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 65520f) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x1p-14f) {
      // Multiples of 2^-24, and Math.rint ties to even; 1024 of them is the smallest normal number.
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24f));
    }
    int rounded = roundOff(bits & 0x7fffffff, 13);
    return (short) (sign | (rounded - (112 << 10)));
  }

  /** Rounds to nearest, ties to even; NaN stays NaN. */
  static short floatToBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) roundOff(bits, 16);
  }

  private static int roundOff(int bits, int count) {
    int half = (1 << (count - 1)) - 1 + ((bits >>> count) & 1);
    return (bits + half) >>> count;
  }
}
