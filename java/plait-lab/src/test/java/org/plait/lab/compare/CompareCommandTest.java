package org.plait.lab.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.plait.lab.CommandResult;
import org.plait.lab.train.TrainRun;

class CompareCommandTest {

  @TempDir Path directory;

  private static CommandResult compare(String... arguments) {
    return CommandResult.of(
        Stream.of(new String[] {"compare"}, arguments)
            .flatMap(Arrays::stream)
            .toArray(String[]::new));
  }

  private static void assertRefused(CommandResult result, String part) {
    result.assertRefused(part);
  }

  private String out() {
    return directory.resolve("out").toString();
  }

  @ParameterizedTest
  @CsvSource({
    "--recipes, 'sft,alchemy', Unknown recipe 'alchemy'; choose one of sft",
    "--recipes, 'sft,sft', 'each once, got ''sft'' twice'",
    "--recipes, 'sft,', Unknown recipe ''",
    "--seeds, 0, 'at least 1, got ''0'''",
    "--seeds, few, whole number",
    "--learning-rates, '1e-4,fast', 'above 0, got ''fast'''",
    "--learning-rates, '1e-4,0.0001', 'each once, got ''1e-4'' twice'",
    "--learning-rates, '-1', above 0",
    "--steps, many, 'at least 0, got ''many'''",
    "--eval-split, training, 'held-out, validation'",
    "--minibatches, 5, divisor of the 16 prompts",
    "--samples, 1, at least 2",
    "--threads, 0, at least 1",
    "--jobs, 0, at least 1",
    "--config, missing.json, Cannot read missing.json",
    "--recipe, sft, --recipe",
    "--seed, 1, --seed",
    "--lr, 1, --lr",
  })
  void badOptionIsRefusedInOneSentence(String option, String value, String part) {
    CommandResult result =
        option.equals("--recipes")
            ? compare("--out", out(), option, value)
            : compare("--recipes", "sft,grpo", "--out", out(), option, value);
    assertRefused(result, part);
    assertFalse(Files.exists(directory.resolve("out")));
  }

  @Test
  void recipesAndDirectoryAreAskedFor() {
    assertRefused(compare("--out", out()), "--recipes: name the recipes");
    assertRefused(compare("--recipes", "sft"), "--out: name a directory");
    assertRefused(
        compare("--recipes", "sft", "--out", out(), "--resume"), "no comparison to resume");
  }

  @Test
  void unwritableDirectoryIsRefusedBeforeTraining() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "not a directory");
    assertRefused(
        compare("--recipes", "sft", "--out", file.resolve("out").toString()), "Cannot write to");
  }

  @Test
  void unknownOptionOfTheFileIsRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("config.json"), "{\"seed\": 1}");
    assertRefused(
        compare("--recipes", "sft", "--out", out(), "--config", file.toString()),
        "unknown option 'seed'");
  }

  @Test
  void comparisonRunsFromTheCommandLineAndAgainFromItsFile() throws IOException {
    String cache = directory.resolve("cache").toString();
    CommandResult result =
        compare(
            "--recipes=all",
            "--seeds=1",
            "--steps=0",
            "--base-steps=1",
            "--eval-prompts=2",
            "--cache-dir=" + cache,
            "--out=" + out());
    assertEquals(0, result.code(), result.err());
    for (String recipe : TrainRun.recipes()) {
      assertTrue(result.out().contains("| " + recipe), result.out());
    }
    Path config = directory.resolve("out/config.json");
    JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(config));
    assertEquals(TrainRun.recipes().size(), json.path("recipes").size());
    assertEquals("held-out", json.path("eval-split").asText());
    Path again = directory.resolve("again");
    assertEquals(0, compare("--config=" + config, "--cache-dir=" + cache, "--out=" + again).code());
    assertEquals(Files.readString(config), Files.readString(again.resolve("config.json")));
    assertRefused(
        compare("--config=" + config, "--cache-dir=" + cache, "--out=" + again),
        "holds a comparison");
  }
}
