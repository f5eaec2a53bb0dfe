package org.plait;

/**
 * What a token is to an objective. Ignored tokens are never read; the rows of their gradient are
 * written as zero. Immutable and thread-safe.
 */
public enum Role {
  /** Prompt, padding, or anything else that no loss is taken over. */
  IGNORED(0),
  /** Sampled by the policy. */
  ROLLOUT(1),
  /** Taken from an expert. */
  DEMONSTRATION(2),
  /** Expert prefix that a rollout continues. */
  HINT(3);

  private final byte code;

  Role(int code) {
    this.code = (byte) code;
  }

  /**
   * Returns the constant's {@code plait_role} in {@code plait.h}.
   *
   * @return the code
   */
  public byte code() {
    return code;
  }
}
