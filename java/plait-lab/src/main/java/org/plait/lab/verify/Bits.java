package org.plait.lab.verify;

/** Comparison of floats bit by bit, where all NaNs are one value and the two zeros are two. */
final class Bits {

  private Bits() {}

  /** Index of the first element that differs, or -1. */
  static int mismatch(float[] a, float[] b) {
    if (a.length != b.length) {
      return Math.min(a.length, b.length);
    }
    for (int i = 0; i < a.length; i++) {
      if (Float.floatToIntBits(a[i]) != Float.floatToIntBits(b[i])) {
        return i;
      }
    }
    return -1;
  }
}
