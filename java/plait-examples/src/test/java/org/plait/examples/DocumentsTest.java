package org.plait.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Java in documents is compiled: each block stands below a comment that names a file of this module
 * and a region of it, as in {@code <!-- TrainingStep.java step -->}, and is equal to that region,
 * which {@code // tag::step[]} and {@code // end::step[]} enclose.
 */
class DocumentsTest {

  private static final Path ROOT = Path.of("..", "..");
  private static final Pattern SOURCE = Pattern.compile("<!-- (\\w+\\.java) (\\w+) -->");

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "java/plait/GUIDE.md"})
  void everyBlockOfJavaIsARegionOfCompiledSource(String document) throws IOException {
    List<String> lines = Files.readAllLines(ROOT.resolve(document));
    int blocks = 0;
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).equals("```java")) {
        continue;
      }
      blocks++;
      Matcher source = SOURCE.matcher(lines.get(i - 1));
      String where = "%s, line %d".formatted(document, i + 1);
      assertTrue(source.matches(), where + " stands below no <!-- File.java region -->");
      List<String> block = new ArrayList<>();
      for (i++; !lines.get(i).equals("```"); i++) {
        block.add(lines.get(i));
      }
      assertEquals(
          String.join("\n", region(source.group(1), source.group(2))),
          String.join("\n", block),
          where + " differs from its source");
    }
    assertTrue(blocks > 0, "no block of Java in " + document);
  }

  /** The lines of a region, as far to the left as they go. */
  private static List<String> region(String file, String name) throws IOException {
    List<String> region = null;
    for (String line : Files.readAllLines(find(file))) {
      if (line.strip().equals("// end::" + name + "[]")) {
        return dedented(region, file + " " + name);
      }
      if (region != null && !line.strip().matches("// (tag|end)::\\w+\\[]")) {
        region.add(line);
      }
      if (line.strip().equals("// tag::" + name + "[]")) {
        region = new ArrayList<>();
      }
    }
    throw new AssertionError(file + " has no region " + name);
  }

  private static List<String> dedented(@Nullable List<String> region, String name) {
    assertNotNull(region, name);
    assertFalse(region.isEmpty(), name);
    int indent =
        region.stream()
            .filter(line -> !line.isBlank())
            .mapToInt(line -> line.length() - line.stripLeading().length())
            .min()
            .orElse(0);
    return region.stream().map(line -> line.isBlank() ? "" : line.substring(indent)).toList();
  }

  private static Path find(String file) throws IOException {
    try (Stream<Path> sources = Files.walk(Path.of("src"))) {
      return sources.filter(path -> path.endsWith(file)).findFirst().orElseThrow();
    }
  }
}
