package org.plait.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.plait.Objective;
import org.plait.SamplerCorrection;
import org.plait.lab.model.SafeTensors;
import org.plait.lab.verify.ObjectiveJson;

class MainTest {

  @TempDir Path directory;

  private static CommandResult plait(String... arguments) {
    return CommandResult.of(arguments);
  }

  private static void assertRefused(CommandResult result, String... parts) {
    result.assertRefused(parts);
  }

  private String out() {
    return directory.resolve("out").toString();
  }

  @ParameterizedTest
  @CsvSource({
    "--recipe, alchemy, Unknown recipe 'alchemy'; choose one of sft",
    "--loss, jax, 'plait, torch'",
    "--steps, many, 'at least 0, got ''many'''",
    "--steps, -1, 'at least 0, got ''-1'''",
    "--prompts, 0, at least 1",
    "--minibatches, 5, divisor of the 16 prompts",
    "--lr, nan, above 0",
    "--lr, 0, above 0",
    "--seed, 1.5, whole number",
    "--eval-prompts, 5000, 1 to 1000",
    "--threads, 0, at least 1",
    "--config, missing.json, Cannot read missing.json",
    "--objective, missing.json, Cannot read missing.json",
    "--schedule-steps, 5, recipe sft has no schedule",
    "--nonsense, 1, --nonsense",
  })
  void badOptionIsRefusedInOneSentence(String option, String value, String part) {
    assertRefused(plait("train", "--out", out(), option, value), part);
    assertFalse(Files.exists(directory.resolve("out")));
  }

  @Test
  void badConfigurationFilesAreRefused() throws IOException {
    Path file = directory.resolve("config.json");
    Map<String, String> cases =
        Map.of(
            "{\"steps\": 3", "is not valid JSON",
            "[1, 2]", "must hold a JSON object",
            "{\"stepz\": 3}", "unknown option 'stepz'",
            "{\"steps\": \"few\"}", "--steps",
            "{\"objective\": {\"rollot\": {}}}", "objective",
            "{\"recipe\": \"sft\", \"objective\": {\"preset\": \"grpo\"}}", "demonstration");
    for (Map.Entry<String, String> entry : cases.entrySet()) {
      Files.writeString(file, entry.getKey());
      assertRefused(plait("train", "--config", file.toString(), "--out", out()), entry.getValue());
    }
  }

  @Test
  void unwritableDirectoryIsRefusedBeforeTraining() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "not a directory");
    assertRefused(
        plait("train", "--out", file.resolve("out").toString()), "Cannot write to", "--out");
  }

  @Test
  void groupsOfOneAreRefused() {
    assertRefused(plait("train", "--recipe", "grpo", "--samples", "1"), "--samples", "at least 2");
  }

  @Test
  void schedulesLongerThanTheRunAreRefused() {
    assertRefused(
        plait("train", "--recipe", "uft", "--steps", "10", "--schedule-steps", "11"),
        "--schedule-steps",
        "at most the 10 steps",
        "'11'");
  }

  @Test
  void correctionsForTheSamplerAreRefused() throws IOException {
    Path file = directory.resolve("objective.json");
    Objective corrected = Objective.grpo().toBuilder().correction(SamplerCorrection.tis(2)).build();
    Files.writeString(file, ObjectiveJson.write(corrected).toString());
    assertRefused(
        plait("train", "--recipe", "grpo", "--objective", file.toString()),
        "correction for the sampler");
  }

  @Test
  void missingDemonstrationsAreNamedBeforeAnythingIsTrained() throws IOException {
    List<String> lines = plait("problems").out().lines().toList();
    assertEquals(1000, lines.size());
    Path file = directory.resolve("demonstrations.txt");
    Files.write(file, lines.subList(0, 990));
    Path cache = directory.resolve("cache");
    for (String recipe : List.of("sft", "luffy", "bread")) {
      assertRefused(
          plait(
              "train",
              "--recipe",
              recipe,
              "--demonstrations",
              file.toString(),
              "--cache-dir",
              cache.toString(),
              "--out",
              directory.resolve(recipe).toString()),
          "lacks one for 10 of the 1000 training problems");
    }
    assertFalse(Files.exists(cache));
  }

  @Test
  void resumingNeedsADirectoryWithARun() {
    assertRefused(plait("train", "--resume"), "--resume needs --out");
    assertRefused(plait("train", "--resume", "--out", out()), "no checkpoint to resume");
  }

  @Test
  void foreignCheckpointsAreRefused() throws IOException {
    Path file = Files.createDirectories(directory.resolve("out")).resolve("checkpoint.safetensors");
    Files.writeString(file, "something else");
    assertRefused(
        plait("train", "--resume", "--out", out()), "not a safetensors file", "another --out");
    new SafeTensors(Map.of("model", "GptConfig[layers=12]"), Map.of()).write(file);
    assertRefused(plait("train", "--resume", "--out", out()), "another model", "another --out");
    assertRefused(plait("train", "--out", out()), "holds a run already", "--resume");
  }

  @Test
  void runOfAnotherConfigurationIsNotResumed() {
    String[] small = {
      "train",
      "--out",
      out(),
      "--cache-dir",
      directory.resolve("cache").toString(),
      "--base-steps",
      "1",
      "--prompts",
      "2",
      "--eval-prompts",
      "2",
      "--lr"
    };
    assertEquals(0, plait(with(small, "0.001", "--steps", "1")).code());
    assertRefused(
        plait(with(small, "0.002", "--steps", "1", "--resume")), "lr 0.001, not 0.002", "--out");
    assertRefused(
        plait(with(small, "0.001", "--steps", "0", "--resume")), "1 steps already", "--steps");
  }

  private static String[] with(String[] arguments, String... more) {
    return Stream.of(arguments, more).flatMap(Arrays::stream).toArray(String[]::new);
  }

  @Test
  void commandLineWinsOverTheFile() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("config.json"),
            "{\"steps\": 7, \"lr\": \"x\", \"recipe\": \"grpo\"}");
    assertRefused(plait("train", "--config", file.toString(), "--lr", "-3"), "got '-3'");
  }

  @Test
  void doctorReportsWhatMattersAndWhyCudaIsMissing() throws IOException {
    CommandResult text = plait("doctor");
    assertEquals(0, text.code());
    assertTrue(text.out().contains("CPU backend"), text.out());
    JsonNode json = new ObjectMapper().readTree(plait("doctor", "--json").out());
    assertTrue(json.path("cpu").path("available").booleanValue());
    assertFalse(json.path("cpu").path("target").asText().isEmpty());
    assertTrue(json.path("bandwidth").path("read_gb_per_s").doubleValue() > 0.1);
    assertTrue(
        json.path("cuda").path("available").booleanValue()
            || !json.path("cuda").path("reason").asText().isEmpty());
    for (String part : new String[] {"ordinals", "plugin", "driver", "devices", "memory"}) {
      assertFalse(json.path("cuda").path(part).asText().isEmpty(), part);
    }
    for (String version : new String[] {"plait", "javacpp", "pytorch", "jdk", "os"}) {
      assertFalse(json.path("versions").path(version).asText().isEmpty(), version);
    }
  }

  @Test
  void helpNamesTheCommands() {
    CommandResult help = plait("--help");
    assertEquals(0, help.code());
    for (String command : new String[] {"doctor", "verify", "train", "compare"}) {
      assertTrue(help.out().contains(command), help.out());
    }
  }
}
