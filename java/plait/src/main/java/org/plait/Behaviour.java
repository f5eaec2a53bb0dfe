package org.plait;

/** Whose probability an importance ratio divides by. Immutable and thread-safe. */
public enum Behaviour {
  /**
   * {@code x = exp(logp - oldLogp)}: the policy that sampled. Exactly 1 where the batch has no old
   * log-probabilities.
   */
  OLD(0),
  /**
   * {@code x = exp(logp) = p}: an expert who was certain of every token (LUFFY, arXiv:2504.14945;
   * SRFT, arXiv:2506.19767).
   */
  CERTAIN(1);

  private final int code;

  Behaviour(int code) {
    this.code = code;
  }

  /**
   * Returns the constant's {@code plait_behaviour} in {@code plait.h}.
   *
   * @return the code
   */
  public int code() {
    return code;
  }
}
