package org.plait.lab.util;

/**
 * Something that the user can put right. The message is one sentence that says what is wrong and
 * what to do; the command line prints it alone and exits with code 2.
 */
public final class UserException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public UserException(String message) {
    super(message);
  }

  public UserException(String message, Throwable cause) {
    super(message, cause);
  }
}
