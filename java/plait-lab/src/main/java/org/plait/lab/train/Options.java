package org.plait.lab.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.plait.lab.util.UserException;

/**
 * Options by name, from the command line and from a JSON file; a value may be text in either. What
 * is set later wins. Every refusal names the option, what was expected and what came. Not
 * thread-safe.
 */
public final class Options {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Set<String> known;
  private final ObjectNode values = JsonNodeFactory.instance.objectNode();

  /**
   * @param known names that may be set
   */
  public Options(Set<String> known) {
    this.known = Set.copyOf(known);
  }

  /** Parses a JSON file, or says why it cannot be used. */
  public static JsonNode readJson(Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      throw new UserException(
          file + " is not valid JSON: " + e.getOriginalMessage().replace('\n', ' ') + ".", e);
    } catch (IOException e) {
      throw new UserException(
          "Cannot read " + file + "; give the path of a readable JSON file.", e);
    }
  }

  /** Sets everything that a JSON file holds. */
  public void putFile(Path file) {
    JsonNode json = readJson(file);
    if (!json.isObject()) {
      throw new UserException(file + " must hold a JSON object with options by name.");
    }
    json.properties().forEach(field -> put(field.getKey(), field.getValue(), file + ": "));
  }

  /** Sets one option from the command line. */
  public void put(String name, String value) {
    put(name, JsonNodeFactory.instance.textNode(value), "");
  }

  /** Sets one option to JSON. */
  public void put(String name, JsonNode value) {
    put(name, value, "");
  }

  private void put(String name, JsonNode value, String source) {
    if (!known.contains(name)) {
      throw new UserException(
          "%sunknown option '%s'; known are %s."
              .formatted(source, name, String.join(", ", known.stream().sorted().toList())));
    }
    values.set(name, value);
  }

  /** The value as JSON, or null if it was not set. */
  public @Nullable JsonNode json(String name) {
    return values.get(name);
  }

  /** A text. */
  public String text(String name, String otherwise) {
    JsonNode value = values.get(name);
    return value == null ? otherwise : value.asText();
  }

  /** One of a few texts. */
  public String choice(String name, List<String> choices, String otherwise) {
    String value = text(name, otherwise);
    if (!choices.contains(value)) {
      throw new UserException(
          "--%s: expected one of %s, got '%s'.".formatted(name, String.join(", ", choices), value));
    }
    return value;
  }

  /** A whole number in a range. */
  public long integer(String name, long minimum, long maximum, long otherwise) {
    JsonNode value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(value.asText());
      if (number >= minimum && number <= maximum) {
        return number;
      }
    } catch (NumberFormatException e) {
      // refused below, like a number out of range
    }
    String range =
        maximum >= Integer.MAX_VALUE ? "of at least " + minimum : minimum + " to " + maximum;
    throw new UserException(
        "--%s: expected a whole number %s, got '%s'.".formatted(name, range, value.asText()));
  }

  /** A whole number of at least {@code minimum} that fits an int. */
  public int count(String name, int minimum, int otherwise) {
    return (int) integer(name, minimum, Integer.MAX_VALUE, otherwise);
  }

  /** A finite number above 0. */
  public double positive(String name, double otherwise) {
    JsonNode value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      double number = Double.parseDouble(value.asText());
      if (number > 0 && number < Double.POSITIVE_INFINITY) {
        return number;
      }
    } catch (NumberFormatException e) {
      // refused below, like a number out of range
    }
    throw new UserException(
        "--%s: expected a number above 0, got '%s'.".formatted(name, value.asText()));
  }
}
