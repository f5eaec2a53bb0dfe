package org.plait.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ThirdPartyNoticesTest {
  private static final Pattern JAR = Pattern.compile("([a-z0-9-]+?)-\\d[^/]*\\.jar");

  /** On the class path of tests, but in neither program. */
  private static final Pattern FOR_TESTS =
      Pattern.compile("junit-.*|opentest4j|apiguardian-api|surefire-.*|plait.*");

  @Test
  void nameEveryLibraryInTheProgram() throws IOException {
    String notices;
    try (InputStream in =
        ThirdPartyNoticesTest.class.getResourceAsStream("/META-INF/THIRD-PARTY-NOTICES")) {
      notices = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
    List<String> libraries = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (String path : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Matcher name = JAR.matcher(new File(path).getName());
      if (name.matches() && !FOR_TESTS.matcher(name.group(1)).matches()) {
        libraries.add(name.group(1));
        if (!Pattern.compile("[(, ]" + name.group(1) + "[,) ]").matcher(notices).find()) {
          missing.add(path);
        }
      }
    }
    assertTrue(libraries.contains("picocli"), libraries.toString());
    assertEquals(List.of(), missing);
  }
}
