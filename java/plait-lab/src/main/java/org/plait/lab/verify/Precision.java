package org.plait.lab.verify;

import org.plait.DType;

/**
 * What rounding to a floating-point type means, in float64; independent of the conversions under
 * test.
 */
enum Precision {
  FLOAT32(DType.FLOAT32, 24, -126),
  BFLOAT16(DType.BFLOAT16, 8, -126),
  FLOAT16(DType.FLOAT16, 11, -14);

  private final DType dtype;
  private final int bits;
  private final int minExponent;

  Precision(DType dtype, int bits, int minExponent) {
    this.dtype = dtype;
    this.bits = bits;
    this.minExponent = minExponent;
  }

  DType dtype() {
    return dtype;
  }

  /** "f32", "bf16" or "f16", for tables. */
  String label() {
    return this == FLOAT32 ? "f32" : this == BFLOAT16 ? "bf16" : "f16";
  }

  /** Half the distance between neighbours of the type around {@code value}. */
  double halfUlp(double value) {
    int exponent = Math.max(minExponent, Math.getExponent(value));
    return Math.scalb(1.0, exponent - bits);
  }

  /** Whether the nearest value of the type is infinite. */
  boolean overflows(double value) {
    double largest =
        this == FLOAT16 ? 65504 : this == BFLOAT16 ? 0x1.FEp127 : (double) Float.MAX_VALUE;
    return Double.isFinite(value) && Math.abs(value) >= largest + halfUlp(largest);
  }

  /** The nearest value of the type, ties to even; no overflow is expected. */
  float round(double value) {
    if (value == 0 || Double.isNaN(value) || Double.isInfinite(value)) {
      return (float) value;
    }
    double ulp = 2 * halfUlp(value);
    return (float) (Math.rint(value / ulp) * ulp);
  }
}
