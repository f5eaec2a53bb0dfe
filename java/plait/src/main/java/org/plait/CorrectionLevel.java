package org.plait;

/**
 * What the log-ratio {@code omega = oldLogp - samplerLogp} of a {@link SamplerCorrection} is taken
 * over. Immutable and thread-safe.
 */
public enum CorrectionLevel {
  /** Nothing: switched off. */
  NONE(0),
  /** The token. */
  TOKEN(1),
  /** Sum over the sequence. */
  SEQUENCE_SUM(2),
  /** Mean over the sequence. */
  SEQUENCE_MEAN(3),
  /** Largest of the sequence: for filters alone. */
  SEQUENCE_MAX(4);

  private final int code;

  CorrectionLevel(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_correction_level} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
