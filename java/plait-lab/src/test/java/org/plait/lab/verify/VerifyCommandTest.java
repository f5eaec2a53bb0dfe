package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code plait verify} as a user meets it: exit code, table, JSON, messages. */
class VerifyCommandTest {

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return new CommandLine(new VerifyCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  @Test
  void rightKernelsExitWithZeroAndATable() {
    assertEquals(0, run("--quick", "--only", "cases,edges"), out::toString);
    assertTrue(out.toString().contains("token_objective"), out::toString);
    assertTrue(out.toString().contains(" 0 failed"), out::toString);
  }

  @Test
  void jsonHoldsEveryCheck(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("report.json");
    assertEquals(0, run("--quick", "--only", "cases", "--json", file.toString()));
    JsonNode json = JsonFields.MAPPER.readTree(Files.readString(file));
    assertEquals(json.get("passed").asInt(), json.get("checks").size());
    assertEquals("pass", json.get("checks").get(0).get("verdict").asText());
  }

  @Test
  void aWrongCaseExitsWithOneAndIsNamed(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("wrong.json");
    Files.writeString(
        file,
        """
        {"format": "plait-cases/1",
         "cases": [{"name": "off by a little", "inputs": {"log_prob": [-1, -2]},
                    "objective": {"preset": "sft"}, "expected": {"loss": 1.50001}}]}
        """);
    assertEquals(1, run("--only", "cases", "--cases", file.toString()));
    assertTrue(
        out.toString().contains("FAIL token_objective 2 in 1 f32 [wrong.json: off by a little]"),
        out::toString);
    assertTrue(out.toString().contains("loss is 1.5"), out::toString);
  }

  @Test
  void badArgumentsExitWithTwoAndOneSentence(@TempDir Path directory) throws IOException {
    assertEquals(2, run("--cases", directory.resolve("none.json").toString()));
    assertEquals(1, err.toString().lines().count(), err::toString);
    Path file = directory.resolve("bad.json");
    Files.writeString(file, "{\"format\": \"plait-cases/1\", \"cases\": []}");
    assertEquals(2, run("--cases", file.toString()));
    assertTrue(err.toString().contains("bad.json: cases must be an array"), err::toString);
    assertEquals(2, run("--json", directory.resolve("none").resolve("r.json").toString()));
    assertTrue(err.toString().contains("r.json cannot be written"), err::toString);
    assertEquals(2, run("--only", "cases,row"));
    assertTrue(err.toString().contains("expected one of rows, split, "), err::toString);
    assertEquals(2, run("--backend", "tpu"));
    assertTrue(err.toString().contains("--backend must be cpu or cuda:N, not tpu"), err::toString);
  }
}
