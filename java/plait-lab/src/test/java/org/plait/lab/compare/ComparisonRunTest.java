package org.plait.lab.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.plait.Objective;
import org.plait.lab.train.Options;
import org.plait.lab.train.RunObserver;
import org.plait.lab.util.UserException;
import org.plait.lab.verify.ObjectiveJson;

class ComparisonRunTest {

  private static final int STEPS = 6;

  @TempDir static Path shared;
  @TempDir Path directory;

  /** A comparison that nothing stopped, which others are held against. */
  private static Path straight;

  @BeforeAll
  static void compareOnce() {
    straight = shared.resolve("straight");
    String printed = run(start(config(), straight, 1));
    assertTrue(printed.contains("| grpo"), printed);
    assertTrue(printed.contains(straight.toString()), printed);
  }

  private static ComparisonConfig config(String... more) {
    Options options = new Options(ComparisonConfig.OPTIONS);
    options.put("recipes", "sft,grpo");
    options.put("seeds", "2");
    options.put("steps", Integer.toString(STEPS));
    options.put("prompts", "4");
    options.put("base-steps", "60");
    options.put("eval-prompts", "20");
    options.put("eval-split", "validation");
    options.put("eval-every", "3");
    options.put("checkpoint-every", "2");
    // A policy this young earns no reward; the entropy bonus gives its rollouts a gradient.
    options.put(
        "objective",
        ObjectiveJson.write(
            Objective.grpo().toBuilder()
                .entropyBonus(0.1f)
                .demonstration(Objective.sft().demonstration())
                .build()));
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return ComparisonConfig.of(options);
  }

  private static ComparisonRun start(ComparisonConfig config, Path out, int jobs) {
    return ComparisonRun.start(config, out, shared.resolve("cache"), 2, jobs);
  }

  private static ComparisonRun resume(ComparisonConfig config, Path out, int jobs) {
    return ComparisonRun.resume(config, out, shared.resolve("cache"), 2, jobs);
  }

  private static String run(ComparisonRun run) {
    StringWriter out = new StringWriter();
    run.run(new PrintWriter(out));
    return out.toString();
  }

  /** Cells of all lines, the seconds left out. */
  private static List<String> results(Path out) throws IOException {
    return Files.readAllLines(out.resolve("results.csv")).stream()
        .map(line -> line.replaceFirst(",\\d+\\.\\d\\d(,\\d+,\\d*)$", "$1"))
        .toList();
  }

  private static void assertSameResults(Path expected, Path actual) throws IOException {
    assertEquals(results(expected), results(actual));
    assertEquals(
        Files.readString(expected.resolve("curves.csv")),
        Files.readString(actual.resolve("curves.csv")));
  }

  /** Throws in the middle of the run whose title begins so. */
  private static ComparisonRun stopIn(ComparisonRun run, String title, int step) {
    IllegalStateException stop = new IllegalStateException("stopped");
    RuntimeException thrown =
        assertThrows(
            IllegalStateException.class,
            () ->
                run.train(
                    name ->
                        new RunObserver() {
                          private int steps;

                          @Override
                          public void evaluating(int problems) {}

                          @Override
                          public void training(int done, int of) {
                            steps = done;
                          }

                          @Override
                          public void step(String message) {
                            if (name.startsWith(title) && ++steps == step) {
                              throw stop;
                            }
                          }
                        }));
    assertEquals(stop, thrown);
    return run;
  }

  @Test
  void everyRunLeavesTheFilesOfTraining() {
    for (String run : List.of("sft-seed0", "sft-seed1", "grpo-seed0", "grpo-seed1")) {
      for (String file : List.of("summary.json", "metrics.csv", "config.json", "curves.png")) {
        assertTrue(Files.exists(straight.resolve("runs").resolve(run).resolve(file)), run + file);
      }
    }
  }

  @Test
  void seedsAndRecipesTrainDifferently() throws IOException {
    List<String> lines = Files.readAllLines(straight.resolve("curves.csv"));
    assertEquals(1 + 4 * STEPS, lines.size());
    Set<String> entropies = new HashSet<>();
    for (int run = 0; run < 4; run++) {
      String[] cells = lines.get(STEPS * (run + 1)).split(",", -1);
      assertEquals(Integer.toString(STEPS), cells[2]);
      assertFalse(cells[5].isEmpty(), "the last step was evaluated");
      entropies.add(cells[4]);
    }
    assertEquals(4, entropies.size(), entropies.toString());
  }

  @Test
  void reportSaysWhatTheResultsSay() throws IOException {
    String report = Files.readString(straight.resolve("report.md"));
    List<String[]> lines = results(straight).stream().map(line -> line.split(",", -1)).toList();
    assertEquals(5, lines.size());
    assertEquals("entropy", lines.get(0)[7]);
    for (String[] cells : lines.subList(1, 5)) {
      String row = "\\| %s +\\| +%s \\|.*".formatted(cells[0], cells[3]);
      String found = report.lines().filter(line -> line.matches(row)).findFirst().orElseThrow();
      String[] said = found.replace(" ", "").split("\\|", -1);
      for (int metric = 0; metric < 3; metric++) {
        assertEquals(
            100 * Double.parseDouble(cells[4 + metric]),
            Double.parseDouble(said[3 + metric]),
            0.0501);
      }
      assertEquals(Double.parseDouble(cells[7]), Double.parseDouble(said[6]), 0.000501);
      assertTrue(Double.parseDouble(said[6]) > 0, found);
    }
    double mean = (Double.parseDouble(lines.get(3)[7]) + Double.parseDouble(lines.get(4)[7])) / 2;
    String rounded = String.format(Locale.ROOT, "| %.3f (", mean);
    assertTrue(
        report.lines().anyMatch(line -> line.startsWith("| grpo") && line.contains(rounded)),
        rounded + report);
    assertTrue(report.contains("--recipes sft,grpo --seeds 2"), report);
    assertTrue(report.contains("20 validation problems"), report);
    for (String chart : List.of("reward.png", "validation.png", "entropy.png")) {
      assertTrue(report.contains("(" + chart + ")"), report);
    }
  }

  @Test
  void chartsShowTheLinesOfTheArms() throws IOException {
    int first = 0x1f5fb4;
    int second = 0xe2711d;
    BufferedImage entropy = chart("entropy.png");
    assertTrue(columns(entropy, first) > 300);
    assertTrue(columns(entropy, second) > 300);
    // Demonstrations earn no reward.
    BufferedImage reward = chart("reward.png");
    assertEquals(0, columns(reward, first));
    assertTrue(columns(reward, second) > 300);
    // Policies this young solve nothing: the lines coincide.
    assertTrue(columns(chart("validation.png"), second) > 300);
  }

  private static BufferedImage chart(String name) throws IOException {
    BufferedImage image = ImageIO.read(straight.resolve(name).toFile());
    assertNotNull(image, name);
    assertEquals(900, image.getWidth());
    assertEquals(560, image.getHeight());
    return image;
  }

  /** Columns of pixels that a line of this colour, unlike its entry in the legend, runs through. */
  private static int columns(BufferedImage image, int color) {
    int columns = 0;
    for (int x = 0; x < image.getWidth(); x++) {
      boolean found = false;
      for (int y = 0; y < image.getHeight(); y++) {
        found |= (image.getRGB(x, y) & 0xffffff) == color;
      }
      columns += found ? 1 : 0;
    }
    return columns;
  }

  @Test
  void runsSideBySideGiveTheSameResults() throws IOException {
    Path out = directory.resolve("two");
    run(start(config(), out, 2));
    assertSameResults(straight, out);
  }

  @Test
  void stoppedComparisonEndsAsIfItHadNotStopped() throws IOException {
    Path out = directory.resolve("stopped");
    ComparisonRun run = start(config(), out, 1);
    stopIn(run, "sft, seed 1 (2 of 4)", 5);
    Path finished = out.resolve("runs/sft-seed0/summary.json");
    FileTime before = Files.getLastModifiedTime(finished);
    assertTrue(Files.exists(out.resolve("runs/sft-seed1/checkpoint.safetensors")));
    assertFalse(Files.exists(out.resolve("runs/sft-seed1/summary.json")));
    assertFalse(Files.exists(out.resolve("runs/grpo-seed0/metrics.csv")));
    assertFalse(Files.exists(out.resolve("results.csv")));
    // Once more, before a run's first checkpoint.
    stopIn(resume(config(), out, 1), "grpo, seed 0 (3 of 4)", 1);
    run(resume(config(), out, 1));
    assertSameResults(straight, out);
    assertEquals(before, Files.getLastModifiedTime(finished), "a finished run stays as it is");
    run(resume(config(), out, 1));
    assertSameResults(straight, out);
  }

  @Test
  void anotherComparisonIsNeitherResumedNorOverwritten() {
    assertRefused("seeds 2, not 3", () -> resume(config("seeds", "3"), straight, 1));
    assertRefused(
        "learning-rates unset, not [1.0E-4]",
        () -> resume(config("learning-rates", "1e-4"), straight, 1));
    assertRefused("holds a comparison", () -> start(config(), straight, 1));
    Path empty = directory.resolve("empty");
    assertRefused("no comparison to resume", () -> resume(config(), empty, 1));
    Path run = straight.resolve("runs/sft-seed0");
    assertRefused("something else", () -> resume(config(), run, 1));
  }

  private static void assertRefused(String part, Executable executable) {
    String message = assertThrows(UserException.class, executable).getMessage();
    assertNotNull(message);
    assertTrue(message.contains(part), message);
  }

  @Test
  void writtenOptionsRepeatTheComparison() {
    Options options = new Options(ComparisonConfig.OPTIONS);
    options.putFile(straight.resolve("config.json"));
    assertEquals(config(), ComparisonConfig.of(options));
    options.put("learning-rates", "1e-4,2e-3");
    assertNotEquals(config(), ComparisonConfig.of(options));
    Options again = new Options(ComparisonConfig.OPTIONS);
    ComparisonConfig tuned = ComparisonConfig.of(options);
    tuned.options().properties().forEach(option -> again.put(option.getKey(), option.getValue()));
    assertEquals(tuned, ComparisonConfig.of(again));
  }
}
