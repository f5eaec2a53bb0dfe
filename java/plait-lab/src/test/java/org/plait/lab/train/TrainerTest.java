package org.plait.lab.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.plait.HybridObjectives;
import org.plait.Objective;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.model.SafeTensors;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;
import org.plait.lab.verify.ObjectiveJson;

class TrainerTest {

  @TempDir static Path cache;
  @TempDir Path directory;

  private static TrainConfig config(String recipe, int steps, String... more) {
    Options options = new Options(TrainConfig.OPTIONS);
    options.put("recipe", recipe);
    options.put("steps", Integer.toString(steps));
    options.put("base-steps", "60");
    options.put("eval-prompts", "20");
    options.put("eval-every", "4");
    options.put("checkpoint-every", "5");
    if (List.of("grpo", "bread", "prefix-rft").contains(recipe)) {
      // A policy this young earns no reward; the entropy bonus gives it a gradient.
      Objective objective = Recipes.named(recipe).objective();
      options.put(
          "objective", ObjectiveJson.write(objective.toBuilder().entropyBonus(0.1f).build()));
    }
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return TrainConfig.of(options);
  }

  private static String run(TrainRun run) {
    StringWriter out = new StringWriter();
    run.run(new PrintWriter(out));
    return out.toString();
  }

  private static String start(TrainConfig config, Path out, int threads) {
    return run(TrainRun.start(config, RunDirectory.create(out), cache, threads));
  }

  private static String resume(TrainConfig config, Path out, int threads) {
    return run(TrainRun.resume(config, RunDirectory.existing(out), cache, threads));
  }

  private static void assertSameCheckpoint(Path expected, Path actual) throws IOException {
    SafeTensors a = SafeTensors.read(RunDirectory.existing(expected).checkpoint());
    SafeTensors b = SafeTensors.read(RunDirectory.existing(actual).checkpoint());
    assertEquals(a.tensors().keySet(), b.tensors().keySet());
    assertTrue(
        a.tensors().keySet().stream()
            .filter(name -> name.endsWith(".mean"))
            .anyMatch(name -> Objects.requireNonNull(a.tensors().get(name)).values()[0] != 0),
        "nothing was trained");
    a.tensors()
        .forEach(
            (name, tensor) ->
                assertArrayEquals(
                    tensor.values(),
                    Objects.requireNonNull(b.tensors().get(name)).values(),
                    0,
                    name));
  }

  private static List<Row> metrics(Path out) throws IOException {
    return MetricsCsv.read(RunDirectory.existing(out).metrics());
  }

  @ParameterizedTest
  @MethodSource("org.plait.lab.train.Recipes#names")
  void resumedRunEqualsAStraightOneBitForBit(String recipe) throws IOException {
    List<String> more = new ArrayList<>(List.of("prompts", "4", "minibatches", "2", "lr", "0.001"));
    if (Recipes.named(recipe).scheduleSteps(600) > 0) {
      more.addAll(List.of("schedule-steps", "4"));
    }
    String[] options = more.toArray(String[]::new);
    Path straight = directory.resolve("straight");
    Path resumed = directory.resolve("resumed");
    start(config(recipe, 12, options), straight, 2);
    start(config(recipe, 5, options), resumed, 2);
    resume(config(recipe, 12, options), resumed, 2);
    assertSameCheckpoint(straight, resumed);
    assertEquals(metrics(straight).size(), metrics(resumed).size());
    for (int i = 0; i < 12; i++) {
      for (Column column : Column.values()) {
        if (!column.name().endsWith("_MS")) {
          assertEquals(metrics(straight).get(i).get(column), metrics(resumed).get(i).get(column));
        }
      }
    }
  }

  @Test
  void numberOfThreadsDoesNotChangeABit() throws IOException {
    Path one = directory.resolve("one");
    Path three = directory.resolve("three");
    start(config("grpo", 6), one, 1);
    start(config("grpo", 6), three, 3);
    assertSameCheckpoint(one, three);
  }

  @Test
  void metricsWrittenAfterTheCheckpointAreDroppedOnResuming() throws IOException {
    Path out = directory.resolve("killed");
    TrainConfig config = config("sft", 5, "prompts", "2");
    start(config, out, 1);
    Files.writeString(RunDirectory.existing(out).metrics(), "6,garbage", StandardOpenOption.APPEND);
    resume(config("sft", 8, "prompts", "2"), out, 1);
    List<Row> rows = metrics(out);
    assertEquals(8, rows.size());
    assertEquals(6, rows.get(5).step());
  }

  @Test
  void minibatchesMakeRatiosLeaveOne() throws IOException {
    Path one = directory.resolve("one");
    Path four = directory.resolve("four");
    start(config("grpo", 2), one, 2);
    start(config("grpo", 2, "minibatches", "4"), four, 2);
    assertEquals(0, metrics(one).get(1).get(Column.APPROX_KL));
    assertTrue(metrics(four).get(1).get(Column.APPROX_KL) > 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", "luffy", "luffy-unshaped", "srft", "uft", "prefix-rft"})
  void plaitAndTorchTrainAlike(String recipe) throws IOException {
    Path plait = directory.resolve("plait");
    Path torch = directory.resolve("torch");
    start(config(recipe, 4, "prompts", "4", "loss", "plait"), plait, 2);
    start(config(recipe, 4, "prompts", "4", "loss", "torch"), torch, 2);
    double largest = 0;
    for (int i = 0; i < 4; i++) {
      Row expected = metrics(torch).get(i);
      Row actual = metrics(plait).get(i);
      for (Column column : List.of(Column.LOSS, Column.GRADIENT_NORM)) {
        double tolerance = 1e-4 * Math.abs(expected.get(column)) + 1e-6;
        assertEquals(expected.get(column), actual.get(column), tolerance, column.name());
      }
      largest = Math.max(largest, expected.get(Column.GRADIENT_NORM));
    }
    assertTrue(largest > 0.01, "nothing was trained");
  }

  @Test
  void aSecondOptimizerStopsAndResumesWithItsOwnMoments() throws IOException {
    Path out = directory.resolve("relift");
    start(config("relift", 10, "prompts", "4"), out, 2);
    var tensors = SafeTensors.read(RunDirectory.existing(out).checkpoint()).tensors();
    float[] main = Objects.requireNonNull(tensors.get("adamw.mean")).values();
    float[] supervised = Objects.requireNonNull(tensors.get("adamw.supervised.mean")).values();
    assertFalse(Arrays.equals(main, supervised));
  }

  @Test
  void anObjectiveThatRanksTheBatchSeesAllOfIt() {
    List<TrainingSequence> batch =
        Dataset.of(1).training().subList(0, 40).stream()
            .map(TrainingSequence::demonstration)
            .toList();
    assertEquals(2, Shard.split(batch, Recipes.named("prefix-rft").objective()).size());
    assertEquals(1, Shard.split(batch, HybridObjectives.prefixRft()).size());
    assertEquals(1, Shard.split(batch, Objective.klCov()).size());
  }

  @Test
  void supervisedTrainingLearnsAndLeavesItsFiles() throws IOException {
    Path out = directory.resolve("sft");
    String printed = start(config("sft", 60, "lr", "0.002"), out, 2);
    List<Row> rows = metrics(out);
    double first = rows.get(0).get(Column.LOSS);
    double last = rows.get(59).get(Column.LOSS);
    assertTrue(last < 0.7 * first, first + " to " + last);
    assertTrue(printed.contains("before"), printed);
    assertTrue(printed.contains("after sft"), printed);
    for (String name : List.of("config.json", "summary.json", "curves.png")) {
      assertTrue(Files.size(out.resolve(name)) > 0, name);
    }
    byte[] png = Arrays.copyOf(Files.readAllBytes(out.resolve("curves.png")), 4);
    assertArrayEquals(new byte[] {(byte) 0x89, 'P', 'N', 'G'}, png);
  }

  @Test
  void writtenConfigurationIsReadAgain() throws IOException {
    TrainConfig config = config("grpo", 0, "lr", "0.0007", "eval-split", "validation");
    Path out = directory.resolve("out");
    start(config, out, 1);
    Options options = new Options(TrainConfig.OPTIONS);
    options.putFile(out.resolve("config.json"));
    assertEquals(config, TrainConfig.of(options));
  }

  @Test
  void everyEpochShowsEachPromptOnceInAnOrderOfItsOwn() {
    var data = Dataset.of(1).training().subList(0, 10);
    PromptOrder order = new PromptOrder(data, 3);
    var first = order.at(0, 10);
    var second = order.at(10, 10);
    var all = Set.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assertEquals(all, Set.copyOf(first));
    assertEquals(all, Set.copyOf(second));
    assertFalse(first.equals(second));
    assertEquals(first.subList(7, 10), new PromptOrder(data, 3).at(7, 3));
  }
}
