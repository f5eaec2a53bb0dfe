package org.plait;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Objects;

/** What a refused call looks like. */
final class Refusals {
  private Refusals() {}

  /** Asserts that a call is refused with a message that names an argument and both sides. */
  static void refused(String argument, Runnable call) {
    String message = message(assertThrows(IllegalArgumentException.class, call::run));
    assertTrue(message.startsWith(argument + ": expected "), message);
    assertTrue(message.contains("got "), message);
  }

  /** Asserts that a call is refused because two arrays share memory. */
  static void overlaps(Runnable call) {
    String message = message(assertThrows(IllegalArgumentException.class, call::run));
    assertTrue(message.contains(": expected memory of its own, got an overlap with "), message);
  }

  static String message(Throwable e) {
    return Objects.requireNonNull(e.getMessage(), "message");
  }

  /** A null that callers without a nullness checker could pass. */
  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  static <T> T missing() {
    return null;
  }
}
