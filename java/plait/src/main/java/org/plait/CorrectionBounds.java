package org.plait;

/**
 * What happens to a weight outside the bounds of a {@link SamplerCorrection}. Immutable and
 * thread-safe.
 */
public enum CorrectionBounds {
  /** It becomes the bound: truncated importance sampling, TIS. */
  TRUNCATE(0),
  /** It becomes 0: IcePop. */
  MASK(1);

  private final int code;

  CorrectionBounds(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_correction_bounds} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
