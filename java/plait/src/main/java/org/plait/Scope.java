package org.plait;

/** Which tokens a statistic is over. Immutable and thread-safe. */
public enum Scope {
  /** None: switched off. */
  NONE(0),
  /** The token itself. */
  TOKEN(1),
  /** The tokens of the same role in the sequence. */
  SEQUENCE(2),
  /** The tokens of the same role in the call. */
  BATCH(3);

  private final int code;

  Scope(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_scope} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
