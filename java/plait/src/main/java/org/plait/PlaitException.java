package org.plait;

import java.io.Serial;
import java.util.Objects;

/**
 * A call that could not be carried out for a reason that is not in its arguments; those are
 * reported as {@link IllegalArgumentException}. No output has been written. Immutable but for the
 * cause and stack trace, and thread-safe.
 */
public final class PlaitException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /** Why a call failed. Immutable and thread-safe. */
  public enum Code {
    /** The library, backend or device cannot be used on this machine. */
    UNAVAILABLE,
    /** A device has too little memory left. */
    OUT_OF_MEMORY,
    /** A backend failed in a way that its caller did not cause. */
    INTERNAL
  }

  /** The kind of failure. */
  private final Code code;

  /**
   * Makes an exception.
   *
   * @param code the kind of failure
   * @param message what happened, and what to do if that is known
   */
  public PlaitException(Code code, String message) {
    super(message);
    this.code = Objects.requireNonNull(code, "code");
  }

  /**
   * Returns the kind of failure.
   *
   * @return the code
   */
  public Code code() {
    return code;
  }
}
