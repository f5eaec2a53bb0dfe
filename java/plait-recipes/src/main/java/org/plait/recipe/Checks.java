package org.plait.recipe;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Checks of arguments: a message names the argument, what was expected and what came. */
final class Checks {
  private Checks() {}

  static void that(boolean ok, String name, String expected, @Nullable Object actual) {
    if (!ok) {
      throw new IllegalArgumentException(
          "%s: expected %s, got %s".formatted(name, expected, actual));
    }
  }

  static void present(String name, @Nullable Object value) {
    that(value != null, name, "a value", null);
  }

  static void step(long step) {
    that(step >= 0, "step", "at least 0", step);
  }

  static void random(@Nullable RandomGenerator random) {
    that(random != null, "random", "a generator", null);
  }

  /** Refuses NaN too. */
  static void share(String name, double value) {
    that(value >= 0 && value <= 1, name, "0 to 1", value);
  }

  /** For what is right in itself, but not now. */
  static void state(boolean ok, String name, String expected, @Nullable Object actual) {
    if (!ok) {
      throw new IllegalStateException("%s: expected %s, got %s".formatted(name, expected, actual));
    }
  }
}
