package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
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
    makeWritable(path);
    return directory.withoutUnfinishedFiles();
  }

  /** Creates a directory if it does not exist, or says that it cannot be written to. */
  public static void makeWritable(Path path) {
    try {
      Files.createDirectories(path);
      Files.delete(Files.createTempFile(path, "writable", ".tmp"));
    } catch (IOException e) {
      throw new UserException(
          "Cannot write to " + path + "; choose another directory with --out.", e);
    }
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
    return directory.withoutUnfinishedFiles();
  }

  /** Removes what a run that was killed left half written. */
  private RunDirectory withoutUnfinishedFiles() {
    try {
      AtomicFile.deleteUnfinished(path);
    } catch (IOException e) {
      throw new UserException("Cannot tidy up " + path + ": " + e.getMessage() + ".", e);
    }
    return this;
  }

  /** Whether {@link #existing} would find a run to resume. */
  public static boolean holdsCheckpoint(Path path) {
    return Files.exists(new RunDirectory(path).checkpoint());
  }

  /** What the finished run of a directory came to; empty if it is not finished, or another one. */
  public static Optional<RunResult> result(Path path, TrainConfig config) {
    RunDirectory directory = new RunDirectory(path);
    if (!Files.exists(directory.summary())) {
      return Optional.empty();
    }
    try {
      JsonNode summary = JSON.readTree(Files.readAllBytes(directory.summary()));
      return RunResult.isOf(summary, config)
          ? Optional.of(RunResult.of(summary, MetricsCsv.read(directory.metrics())))
          : Optional.empty();
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // not what this version wrote
      return Optional.empty();
    }
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
    if (metrics().toFile().length() < checkpoint.csvPosition()) {
      throw new UserException(
          "Cannot resume from %s: %s is missing or shorter than it was; start a new run with another --out."
              .formatted(checkpoint(), metrics()));
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

  private Path summary() {
    return path.resolve("summary.json");
  }

  Path curves() {
    return path.resolve("curves.png");
  }

  void writeConfig(TrainConfig config) throws IOException {
    write(path.resolve("config.json"), config.toJson());
  }

  void writeSummary(JsonNode summary) throws IOException {
    write(summary(), summary);
  }

  private static void write(Path file, JsonNode json) throws IOException {
    AtomicFile.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
  }
}
