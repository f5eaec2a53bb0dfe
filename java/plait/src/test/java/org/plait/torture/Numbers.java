package org.plait.torture;

import java.nio.ByteBuffer;
import org.plait.DType;

/** Elements as bytes, and hashes of them. */
final class Numbers {
  private Numbers() {}

  /** Writes an element; 16-bit floats are cut off, which is as good a number as another. */
  static void put(ByteBuffer to, int at, DType dtype, double value) {
    switch (dtype) {
      case FLOAT32 -> to.putFloat(at, (float) value);
      case BFLOAT16 -> to.putShort(at, bfloat16((float) value));
      case FLOAT16 -> to.putShort(at, float16((float) value));
      case INT32 -> to.putInt(at, (int) value);
      case INT64 -> to.putLong(at, (long) value);
      case UINT8 -> to.put(at, (byte) value);
    }
  }

  private static short bfloat16(float value) {
    return (short) (Float.floatToIntBits(value) >>> 16);
  }

  private static short float16(float value) {
    int bits = Float.floatToIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) 0x7e00;
    }
    if (magnitude > 65504) {
      return (short) (sign | (Float.isInfinite(value) ? 0x7c00 : 0x7bff));
    }
    return (short) (magnitude < 0x1p-14f ? sign : sign | (((bits & 0x7fffffff) >>> 13) - 0x1c000));
  }

  /** The bits of an element, the same for all NaNs. */
  static long bits(ByteBuffer from, int at, DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> Float.floatToIntBits(from.getFloat(at));
      case BFLOAT16 -> half(from.getShort(at), 0x7f80);
      case FLOAT16 -> half(from.getShort(at), 0x7c00);
      case INT32 -> from.getInt(at);
      case INT64 -> from.getLong(at);
      case UINT8 -> from.get(at);
    };
  }

  private static long half(short bits, int infinity) {
    return (bits & 0x7fff) > infinity ? infinity + 1 : bits;
  }

  /** SplitMix64's finaliser. */
  static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
