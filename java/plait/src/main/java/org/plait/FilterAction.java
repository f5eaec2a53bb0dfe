package org.plait;

/**
 * What the filter of a {@link SamplerCorrection} does to tokens that differ too much. Immutable and
 * thread-safe.
 */
public enum FilterAction {
  /** They count as ignored: no loss, and no place in any count. */
  REJECT(0),
  /** Their policy term is 0, but they are still counted. */
  ZERO_WEIGHT(1);

  private final int code;

  FilterAction(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_filter_action} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
