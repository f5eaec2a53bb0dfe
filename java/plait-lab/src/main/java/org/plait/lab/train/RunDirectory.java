package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.lab.util.AtomicFile;
import org.plait.lab.util.UserException;

/** The files of one run. Everything that can be wrong with them is found before training starts. */
public final class RunDirectory {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /** A directory for a new run, which must not hold another one. */
  public static RunDirectory create(Path path) {
    RunDirectory directory = new RunDirectory(path);
    if (Files.exists(directory.checkpoint())) {
      throw new UserException(
          path + " holds a run already; continue it with --resume or choose another --out.");
    }
    try {
      Files.createDirectories(path);
      Files.delete(Files.createTempFile(path, "writable", ".tmp"));
    } catch (IOException e) {
      throw new UserException(
          "Cannot write to " + path + "; choose another directory with --out.", e);
    }
    return directory;
  }

  /** The directory of a run that stopped. */
  public static RunDirectory existing(Path path) {
    RunDirectory directory = new RunDirectory(path);
    if (!Files.exists(directory.checkpoint())) {
      throw new UserException(
          path + " holds no checkpoint to resume; start the run without --resume.");
    }
    if (!Files.isWritable(path)) {
      throw new UserException(
          "Cannot write to " + path + "; make it writable to resume the run in it.");
    }
    return directory;
  }

  /** The checkpoint of a run with this configuration, or an error that says what to do instead. */
  Checkpoint readCheckpoint(TrainConfig config) {
    Checkpoint checkpoint;
    try {
      checkpoint = Checkpoint.read(checkpoint());
    } catch (IOException e) {
      throw new UserException(
          "Cannot resume from %s: %s; start a new run with another --out."
              .formatted(checkpoint(), e.getMessage()),
          e);
    }
    String difference = difference(checkpoint.options(), config.fixedJson());
    if (difference != null) {
      throw new UserException(
          "Cannot resume from %s: it was written with %s; give the same option or another --out."
              .formatted(checkpoint(), difference));
    }
    if (checkpoint.step() > config.steps()) {
      throw new UserException(
          "%s holds a run of %d steps already; give at least as many --steps to continue it."
              .formatted(path, checkpoint.step()));
    }
    return checkpoint;
  }

  private static @Nullable String difference(ObjectNode trained, ObjectNode asked) {
    for (Map.Entry<String, JsonNode> option : asked.properties()) {
      JsonNode before = trained.path(option.getKey());
      // Compared as text: 0 read from a file is an int, where the option was a long.
      if (!before.toString().equals(option.getValue().toString())) {
        return "%s %s, not %s".formatted(option.getKey(), before, option.getValue());
      }
    }
    return null;
  }

  Path path() {
    return path;
  }

  Path checkpoint() {
    return path.resolve("checkpoint.safetensors");
  }

  Path metrics() {
    return path.resolve("metrics.csv");
  }

  Path curves() {
    return path.resolve("curves.png");
  }

  void writeConfig(TrainConfig config) throws IOException {
    write("config.json", config.toJson());
  }

  void writeSummary(JsonNode summary) throws IOException {
    write("summary.json", summary);
  }

  private void write(String name, JsonNode json) throws IOException {
    AtomicFile.write(
        path.resolve(name), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
  }
}
