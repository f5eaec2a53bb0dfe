package org.plait.lab.compare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.plait.lab.train.Options;
import org.plait.lab.train.RunDirectory;
import org.plait.lab.util.AtomicFile;
import org.plait.lab.util.UserException;

/** The files of one comparison. What can be wrong with them is found before training starts. */
final class ComparisonDirectory {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RECIPES = "recipes";

  private final Path path;

  private ComparisonDirectory(Path path) {
    this.path = path;
  }

  /** A directory for a new comparison, which must not hold another one, nor a run. */
  static ComparisonDirectory create(Path path) {
    ComparisonDirectory directory = new ComparisonDirectory(path);
    if (Files.exists(directory.config())) {
      throw new UserException(
          path
              + " holds a comparison or a run already; continue it with --resume or choose another"
              + " --out.");
    }
    RunDirectory.makeWritable(path);
    return directory;
  }

  /** The directory of a comparison with these options that stopped. */
  static ComparisonDirectory existing(Path path, ObjectNode options) {
    ComparisonDirectory directory = new ComparisonDirectory(path);
    if (!Files.exists(directory.config())) {
      throw new UserException(path + " holds no comparison to resume; start it without --resume.");
    }
    JsonNode written = Options.readJson(directory.config());
    if (!written.has(RECIPES)) {
      throw new UserException(
          path + " holds something else than a comparison; choose another --out.");
    }
    refuseDifference(path, written, options);
    RunDirectory.makeWritable(path);
    return directory;
  }

  private static void refuseDifference(Path path, JsonNode written, ObjectNode asked) {
    Set<String> names = new LinkedHashSet<>();
    for (Iterator<String> i = asked.fieldNames(); i.hasNext(); ) {
      names.add(i.next());
    }
    for (Iterator<String> i = written.fieldNames(); i.hasNext(); ) {
      names.add(i.next());
    }
    for (String name : names) {
      // Compared as text: a number read from a file may be of another type.
      String before = text(written.path(name));
      String now = text(asked.path(name));
      if (!before.equals(now)) {
        throw new UserException(
            "Cannot resume the comparison in %s: it was started with %s %s, not %s; give the same"
                    .formatted(path, name, before, now)
                + " option or another --out.");
      }
    }
  }

  private static String text(JsonNode value) {
    return value.isMissingNode() ? "unset" : value.toString();
  }

  Path path() {
    return path;
  }

  private Path config() {
    return path.resolve("config.json");
  }

  /** The directory of one run. */
  Path run(Arm arm, int seed) {
    return path.resolve("runs").resolve(arm.directory(seed));
  }

  /** From here on the directory holds a comparison. */
  void writeConfig(ObjectNode options) throws IOException {
    AtomicFile.write(config(), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(options));
  }

  void write(String name, String text) throws IOException {
    AtomicFile.write(path.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }
}
