package org.plait;

/** Element types of {@link TensorView}s. Immutable and thread-safe. */
public enum DType {
  /** IEEE 754 binary32. */
  FLOAT32(0, 4),
  /** The upper half of a binary32: 8 bits of exponent, 7 of fraction. */
  BFLOAT16(1, 2),
  /** IEEE 754 binary16. */
  FLOAT16(2, 2),
  /** Signed 32-bit integer. */
  INT32(3, 4),
  /** Signed 64-bit integer. */
  INT64(4, 8),
  /** Unsigned byte: roles, flags and workspace. */
  UINT8(-1, 1);

  private final int code;
  private final int bytes;

  DType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /**
   * Returns the type's {@code plait_dtype} in {@code plait.h}.
   *
   * @return the code, or -1 for {@link #UINT8}, which no function takes as a choice
   */
  public int code() {
    return code;
  }

  /**
   * Returns the size of an element.
   *
   * @return bytes per element
   */
  public int bytes() {
    return bytes;
  }

  /**
   * Says whether elements are floating-point numbers.
   *
   * @return true for {@link #FLOAT32}, {@link #BFLOAT16} and {@link #FLOAT16}
   */
  public boolean isFloating() {
    return this == FLOAT32 || this == BFLOAT16 || this == FLOAT16;
  }
}
