package org.plait.torture;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.plait.PlaitException;

/**
 * How a call that is wrong in one way must be refused.
 *
 * @param way what is wrong with it, for statistics and reports
 * @param type what is thrown
 * @param names of the argument, in the Java API and in plait.h: the message starts with one; empty
 *     where it is the device that is missing
 * @param overlap the array in plait.h's terms that must be on one side of an overlap
 */
record Refusal(
    String way, Class<? extends Throwable> type, List<String> names, @Nullable String overlap) {
  /** What follows the name: perhaps an index, and what was expected. */
  private static final Pattern TAIL = Pattern.compile("(\\[\\d+\\])?: expected .");

  static Refusal of(String way, String... names) {
    return new Refusal(way, IllegalArgumentException.class, List.of(names), null);
  }

  static Refusal closed(String way, String... names) {
    return new Refusal(way, IllegalStateException.class, List.of(names), null);
  }

  static Refusal unavailable() {
    return new Refusal("no such device", PlaitException.class, List.of(), null);
  }

  static Refusal overlap(String name) {
    return new Refusal("overlap", IllegalArgumentException.class, List.of(), name);
  }

  /** Why what was thrown is not the refusal that was due, or null if it is. */
  @Nullable String objection(@Nullable Throwable thrown) {
    if (thrown == null) {
      return "was not refused";
    }
    if (thrown.getClass() != type) {
      return "threw " + thrown + ", not " + type.getSimpleName();
    }
    String message = String.valueOf(thrown.getMessage());
    if (names.isEmpty() && overlap == null) {
      return message.contains("device") ? null : "says '" + message + "', not which device";
    }
    if (overlap != null) {
      return message.contains(": expected memory of its own, got an overlap with ")
              && (message.startsWith(overlap + ":") || message.endsWith(" " + overlap))
          ? null
          : "says '" + message + "', not that " + overlap + " overlaps";
    }
    for (String name : names) {
      if (message.startsWith(name) && TAIL.matcher(message.substring(name.length())).lookingAt()) {
        return null;
      }
    }
    return "says '" + message + "', which names none of " + names;
  }
}
