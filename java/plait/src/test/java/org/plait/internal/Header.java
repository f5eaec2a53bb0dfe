package org.plait.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code plait.h} declares: functions, constants of its enumerations, and the layout of its
 * structures by the rules of an LP64 platform. Reads the C that the header uses, no more.
 */
final class Header {
  private final String text;
  private final Map<String, Map<String, Integer>> layouts = new LinkedHashMap<>();

  private Header(String text) {
    this.text = text;
    Matcher struct =
        Pattern.compile("typedef struct (\\w+) \\{(.*?)\\} \\1;", Pattern.DOTALL).matcher(text);
    while (struct.find()) {
      layouts.put(struct.group(1), layout(struct.group(2)));
    }
  }

  static Header read() throws IOException {
    String text = beside("../../native/include/plait.h");
    return new Header(Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL).matcher(text).replaceAll(" "));
  }

  /** A file of the source tree, by its path from this module. */
  static String beside(String path) throws IOException {
    Path module = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    return Files.readString(module.resolve(path));
  }

  Set<String> functions() {
    Set<String> names = new TreeSet<>();
    Matcher function = Pattern.compile("PLAIT_API\\s+[\\w *]*?[ *](plait_\\w+)\\(").matcher(text);
    while (function.find()) {
      names.add(function.group(1));
    }
    return names;
  }

  /** Values of a {@code #define} or of all enumerations, by name. */
  Map<String, Integer> constants() {
    Map<String, Integer> constants = new LinkedHashMap<>();
    Matcher constant =
        Pattern.compile("(?:#define )?(PLAIT_\\w+)(?: =)? \\(?(-?\\d+)\\)?\\s").matcher(text);
    while (constant.find()) {
      constants.put(constant.group(1), Integer.valueOf(constant.group(2)));
    }
    Matcher enumerator = Pattern.compile("(PLAIT_\\w+) = (\\d+)").matcher(text);
    while (enumerator.find()) {
      constants.put(enumerator.group(1), Integer.valueOf(enumerator.group(2)));
    }
    return constants;
  }

  /** Structures by name: offsets of their fields, and their size under {@code size}. */
  Map<String, Map<String, Integer>> layouts() {
    return layouts;
  }

  private Map<String, Integer> layout(String body) {
    Map<String, Integer> offsets = new LinkedHashMap<>();
    int end = 0;
    int alignment = 1;
    for (String declaration : body.split(";", -1)) {
      Matcher field =
          Pattern.compile("^(?:const )?(\\w+)(\\*?) (\\w+)(?:\\[(\\d+)\\])?$")
              .matcher(declaration.strip());
      if (!field.matches()) {
        if (!declaration.isBlank()) {
          throw new IllegalArgumentException("not understood: " + declaration);
        }
        continue;
      }
      String type = field.group(2).isEmpty() ? field.group(1) : "pointer";
      int count = field.group(4) == null ? 1 : Integer.parseInt(field.group(4));
      int fieldAlignment = alignmentOf(type);
      end = roundUp(end, fieldAlignment);
      offsets.put(field.group(3), end);
      end += count * sizeOf(type);
      alignment = Math.max(alignment, fieldAlignment);
    }
    offsets.put("size", roundUp(end, alignment));
    return offsets;
  }

  private int sizeOf(String type) {
    return switch (type) {
      case "int32_t", "uint32_t", "float" -> 4;
      case "int64_t", "double", "pointer" -> 8;
      default -> nested(type).getOrDefault("size", 0);
    };
  }

  /** Nested structures here hold nothing wider than four bytes. */
  private int alignmentOf(String type) {
    return switch (type) {
      case "int64_t", "double", "pointer" -> 8;
      case "int32_t", "uint32_t", "float" -> 4;
      default -> nested(type).isEmpty() ? 1 : 4;
    };
  }

  private Map<String, Integer> nested(String type) {
    Map<String, Integer> layout = layouts.get(type);
    if (layout == null) {
      throw new IllegalArgumentException("unknown type: " + type);
    }
    return layout;
  }

  private static int roundUp(int value, int to) {
    return (value + to - 1) / to * to;
  }
}
