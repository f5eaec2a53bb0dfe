package org.plait;

/** Which tokens the counts of an {@link Aggregation} are over. Immutable and thread-safe. */
public enum Population {
  /** Every token that is not ignored. */
  ALL_TOKENS(0),
  /** Tokens of the same {@link Role}. */
  OWN_ROLE(1);

  private final int code;

  Population(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_population} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
