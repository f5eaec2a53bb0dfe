package org.plait.lab.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one JSON object, read by name; every refusal is an {@link IllegalArgumentException}
 * of one sentence that names the place. A field that nobody asked for is refused by {@link #done}.
 * Not thread-safe.
 */
final class JsonFields {

  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode node;
  private final String where;
  private final Set<String> known = new LinkedHashSet<>();

  /**
   * @param where the place for messages, e.g. "a.json: case 'b': objective"
   */
  JsonFields(JsonNode node, String where) {
    if (!node.isObject()) {
      throw new IllegalArgumentException(where + " must be an object, not " + kind(node));
    }
    this.node = node;
    this.where = where;
  }

  /** Parses a text; {@code where} is its file. */
  static JsonFields parse(String json, String where) {
    try {
      return new JsonFields(MAPPER.readTree(json), where);
    } catch (JsonProcessingException e) {
      String at =
          e.getLocation() == null
              ? ""
              : " at line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr();
      throw new IllegalArgumentException(
          where + " is not valid JSON" + at + ": " + e.getOriginalMessage(), e);
    }
  }

  /** The place of this object. */
  String where() {
    return where;
  }

  /** The place of a field: "a.json: case 'b': objective.rollout". */
  String where(String name) {
    boolean place = where.contains(": ") && !where.endsWith("'");
    return where + (place ? "." : ": ") + name;
  }

  boolean has(String name) {
    known.add(name);
    return node.has(name);
  }

  /** The field, or null if it is absent. */
  @Nullable JsonNode node(String name) {
    known.add(name);
    return node.get(name);
  }

  /** The field, which must be there. */
  JsonNode required(String name) {
    JsonNode value = node(name);
    if (value == null) {
      throw new IllegalArgumentException(where + " lacks the field '" + name + "'");
    }
    return value;
  }

  @Nullable JsonFields object(String name) {
    JsonNode value = node(name);
    return value == null ? null : new JsonFields(value, where(name));
  }

  String text(String name, String fallback) {
    JsonNode value = node(name);
    if (value == null) {
      return fallback;
    }
    if (!value.isTextual()) {
      throw new IllegalArgumentException(where(name) + " must be a string, not " + kind(value));
    }
    return value.asText();
  }

  double number(String name, double fallback) {
    JsonNode value = node(name);
    return value == null ? fallback : number(value, where(name));
  }

  float real(String name, float fallback) {
    return (float) number(name, fallback);
  }

  int integer(String name, int fallback) {
    JsonNode value = node(name);
    if (value == null) {
      return fallback;
    }
    if (!value.canConvertToInt() || !value.isIntegralNumber()) {
      throw new IllegalArgumentException(
          where(name) + " must be a whole number of 32 bits, not " + kind(value));
    }
    return value.asInt();
  }

  boolean flag(String name, boolean fallback) {
    JsonNode value = node(name);
    if (value == null) {
      return fallback;
    }
    if (!value.isBoolean()) {
      throw new IllegalArgumentException(
          where(name) + " must be true or false, not " + kind(value));
    }
    return value.asBoolean();
  }

  /** A constant of an enum, written in lower case. */
  <E extends Enum<E>> E choice(String name, Class<E> type, E fallback) {
    String text = text(name, lower(fallback));
    for (E constant : type.getEnumConstants()) {
      if (lower(constant).equals(text)) {
        return constant;
      }
    }
    String all =
        Stream.of(type.getEnumConstants()).map(JsonFields::lower).collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        where(name) + " must be one of " + all + ", not \"" + text + "\"");
  }

  /** Refuses the fields that were not asked for. */
  void done() {
    List<String> unknown = new ArrayList<>();
    node.fieldNames()
        .forEachRemaining(
            name -> {
              if (!known.contains(name)) {
                unknown.add(name);
              }
            });
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          where
              + " has the unknown field '"
              + unknown.get(0)
              + "'; its fields are "
              + String.join(", ", known));
    }
  }

  /** A number, or one of the strings "inf", "-inf" and "nan"; null is NaN too. */
  static double number(JsonNode value, String where) {
    if (value.isNumber()) {
      return value.asDouble();
    }
    if (value.isNull()) {
      return Double.NaN;
    }
    return switch (value.asText()) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan" -> Double.NaN;
      default ->
          throw new IllegalArgumentException(
              where + " must be a number, \"inf\", \"-inf\" or \"nan\", not " + kind(value));
    };
  }

  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case STRING -> "the string \"" + node.asText() + "\"";
      case NUMBER -> "the number " + node.asText();
      case BOOLEAN -> "the boolean " + node.asText();
      case NULL -> "null";
      default -> "nothing";
    };
  }
}
