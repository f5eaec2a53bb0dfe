package org.plait.lab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.plait.lab.CommandResult;
import org.plait.lab.Main;
import org.plait.lab.model.AdamW;

/** {@code plait train} in processes of its own, which are killed, or find the disk full. */
class KilledRunTest {

  private static final String CHECKPOINT = "checkpoint.safetensors";
  private static final int KILLS = 8;
  private static final int MOST_KILLS = 30;
  private static final int NO_END = 1_000_000;

  @TempDir static Path shared;
  @TempDir Path directory;

  /** A run of two steps, for tests to copy. */
  @BeforeAll
  static void trainTwoSteps() {
    assertEquals(0, run(train(shared, shared.resolve("two"), 2)).code());
  }

  private Path copyOfTwoSteps() throws IOException {
    Path copy = Files.createDirectory(directory.resolve("copy"));
    for (String name : List.of(CHECKPOINT, "metrics.csv", "config.json")) {
      Files.copy(shared.resolve("two").resolve(name), copy.resolve(name));
    }
    return copy;
  }

  /** ReLIFT has the most to remember: two optimizers, and questions for later. */
  private static List<String> train(Path cache, Path out, int steps, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "train --recipe relift --prompts 4 --samples 2 --lr 0.001 --eval-prompts 2"
                    .split(" ")));
    arguments.addAll(
        List.of(
            "--eval-every 1000000 --checkpoint-every 1 --base-steps 20 --threads 1".split(" ")));
    arguments.addAll(List.of("--cache-dir", cache.toString()));
    arguments.addAll(List.of("--out", out.toString()));
    arguments.addAll(List.of("--steps", Integer.toString(steps)));
    arguments.addAll(List.of(more));
    return arguments;
  }

  private static CommandResult run(List<String> arguments) {
    return CommandResult.of(arguments.toArray(String[]::new));
  }

  private Process start(List<String> prefix, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("output.txt").toFile())
        .start();
  }

  private static List<Path> unfinished(Path folder) throws IOException {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.part")) {
        files.forEach(found::add);
      }
    }
    return found;
  }

  private String output() throws IOException {
    return Files.readString(directory.resolve("output.txt"));
  }

  /** Waits until a process is writing a file for the n-th time. */
  private void awaitWrite(Process process, Path folder, String file, int times) throws IOException {
    String mine = "/" + file + "." + process.pid() + "-"; // not what a dead one left
    boolean writing = false;
    for (int seen = 0; seen < times; ) {
      assertTrue(process.isAlive(), output());
      boolean now = unfinished(folder).stream().anyMatch(part -> part.toString().contains(mine));
      seen += now && !writing ? 1 : 0;
      writing = now;
      LockSupport.parkNanos(100_000); // writing takes some milliseconds
    }
  }

  private static void kill(Process process) throws InterruptedException {
    process.destroyForcibly();
    assertTrue(process.waitFor(1, TimeUnit.MINUTES));
  }

  /** The name that the base of these options is kept under. */
  private static String base() {
    Options options = new Options(TrainConfig.OPTIONS);
    options.put("base-steps", "20");
    TrainConfig config = TrainConfig.of(options);
    String key = new BasePolicy(config.dataset(), config.baseSteps()).key();
    return "base-" + key + ".safetensors";
  }

  private static int step(Path out) throws IOException {
    Path checkpoint = out.resolve(CHECKPOINT);
    return Files.exists(checkpoint) ? Checkpoint.read(checkpoint).step() : 0;
  }

  @Test
  void aRunKilledAgainAndAgainEndsWithTheBitsOfOneThatWasNot() throws Exception {
    Random random = new Random(1);
    Path cache = directory.resolve("cache");
    Path killed = directory.resolve("killed");
    // First while it keeps the base that it has trained.
    Process process = start(List.of(), train(cache, killed, NO_END));
    awaitWrite(process, cache, base(), 1);
    kill(process);

    int step = 0;
    int whileWriting = 0;
    for (int kills = 0; kills < KILLS || (whileWriting == 0 && kills < MOST_KILLS); kills++) {
      String[] resume = step > 0 ? new String[] {"--resume"} : new String[0];
      process = start(List.of(), train(cache, killed, NO_END, resume));
      // Once the second is being written, the first is there.
      awaitWrite(process, killed, CHECKPOINT, 2 + random.nextInt(3));
      // Half of them at once, half of them later in the step.
      Thread.sleep(random.nextBoolean() ? 0 : random.nextInt(40));
      kill(process);
      whileWriting += unfinished(killed).isEmpty() ? 0 : 1;
      int next = step(killed);
      assertTrue(next > step, "no step was kept after step " + step);
      step = next;
    }
    assertTrue(whileWriting > 0, "never killed while it wrote");

    int steps = step + 2;
    assertEquals(0, run(train(cache, killed, steps, "--resume")).code());
    Path straight = directory.resolve("straight");
    assertEquals(0, run(train(shared, straight, steps)).code());
    assertSameRun(straight, killed);
    assertEquals(List.of(), unfinished(killed));
  }

  private static void assertSameRun(Path expected, Path actual) throws IOException {
    Checkpoint a = Checkpoint.read(expected.resolve(CHECKPOINT));
    Checkpoint b = Checkpoint.read(actual.resolve(CHECKPOINT));
    boolean trained = false;
    assertEquals(a.step(), b.step());
    assertArrayEquals(a.parameters().values(), b.parameters().values());
    assertEquals(Set.of(Recipe.Optimizer.values()), a.optimizers().keySet());
    assertEquals(a.optimizers().keySet(), b.optimizers().keySet());
    for (Recipe.Optimizer which : Recipe.Optimizer.values()) {
      AdamW.State state = Objects.requireNonNull(a.optimizers().get(which));
      AdamW.State other = Objects.requireNonNull(b.optimizers().get(which));
      assertEquals(state.steps(), other.steps());
      assertArrayEquals(state.mean(), other.mean());
      assertArrayEquals(state.variance(), other.variance());
      trained |= state.mean()[0] != 0;
    }
    assertTrue(trained, "nothing was trained");
    assertEquals(a.recipe(), b.recipe());
    assertEquals(a.before(), b.before());
    assertEquals(withoutTimes(expected), withoutTimes(actual));
  }

  /** The lines of the metrics without what is measured in milliseconds, which stands last. */
  private static List<String> withoutTimes(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.replaceFirst("(,[^,]*){3}$", ""))
        .toList();
  }

  @Test
  void aFullDiskEndsTheRunInOneSentenceAndLeavesTheLastCheckpoint() throws Exception {
    Path out = copyOfTwoSteps();
    // No file may grow beyond 1000 blocks, of 512 or 1024 bytes, which a checkpoint exceeds.
    List<String> limited = List.of("sh", "-c", "ulimit -f 1000 && exec \"$@\"", "sh");
    Process process = start(limited, train(shared, out, 4, "--resume"));
    assertTrue(process.waitFor(5, TimeUnit.MINUTES));
    assertEquals(2, process.exitValue(), output());
    String last = output().lines().reduce("", (a, b) -> b);
    assertTrue(last.startsWith("plait: The run stopped: cannot write " + out), last);
    assertTrue(last.endsWith("; put that right and continue it with --resume."), last);
    assertFalse(output().contains("Exception"), output());
    assertArrayEquals(
        Files.readAllBytes(shared.resolve("two").resolve(CHECKPOINT)),
        Files.readAllBytes(out.resolve(CHECKPOINT)));
    assertEquals(List.of(), unfinished(out));
  }

  @Test
  void whatAKilledWriterLeftIsNeitherReadNorKept() throws IOException {
    Path out = copyOfTwoSteps();
    byte[] whole = Files.readAllBytes(out.resolve(CHECKPOINT));
    Path half = out.resolve(CHECKPOINT + ".4711-1.part");
    Files.write(half, Arrays.copyOf(whole, whole.length / 2));
    assertEquals(2, step(out));
    assertEquals(0, run(train(shared, out, 3, "--resume")).code());
    assertEquals(3, step(out));
    assertFalse(Files.exists(half));
  }

  @Test
  void damagedRunsAreRefusedInOneSentence() throws IOException {
    Path out = copyOfTwoSteps();
    List<String> resume = train(shared, out, 3, "--resume");
    Path checkpoint = out.resolve(CHECKPOINT);
    byte[] whole = Files.readAllBytes(checkpoint);
    for (int length : new int[] {0, 7, 100, whole.length / 2, whole.length - 1}) {
      Files.write(checkpoint, Arrays.copyOf(whole, length));
      run(resume).assertRefused("Cannot resume from " + checkpoint, "another --out");
    }
    // In the header, where the step stands, and in a tensor.
    String beforeStep = "{\\\"step\\\":"; // JSON in JSON
    int step =
        new String(whole, StandardCharsets.ISO_8859_1).indexOf(beforeStep) + beforeStep.length();
    assertEquals('2', whole[step]);
    for (int at : new int[] {step, whole.length / 2}) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 1;
      Files.write(checkpoint, damaged);
      run(resume).assertRefused("checksum does not match", "another --out");
    }
    Files.write(checkpoint, whole);
    Path metrics = out.resolve("metrics.csv");
    byte[] lines = Files.readAllBytes(metrics);
    Files.write(metrics, Arrays.copyOf(lines, lines.length - 1));
    run(resume).assertRefused("metrics.csv is missing or shorter", "another --out");
    Files.delete(metrics);
    run(resume).assertRefused("metrics.csv is missing or shorter", "another --out");
  }
}
