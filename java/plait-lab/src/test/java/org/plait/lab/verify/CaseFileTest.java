package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/**
 * Case files: what is read, that kernels and oracle reproduce it, and what is said of bad files.
 */
class CaseFileTest {

  private static final String GOOD =
      """
      {"format": "plait-cases/1",
       "cases": [{
         "name": "a",
         "inputs": {"log_prob": [[-1, -2], [-3, -4]], "mask": [[1, 1], [1, 0]], "advantages": [1, -1]},
         "objective": {"preset": "reinforce"},
         "expected": {"loss": 0}
       }]}
      """;

  private static List<Case> packed() throws IOException {
    try (InputStream in = CaseFileTest.class.getResourceAsStream("/cases/packed.json")) {
      byte[] bytes = Objects.requireNonNull(in).readAllBytes();
      return CaseFile.parse(new String(bytes, StandardCharsets.UTF_8), "packed.json");
    }
  }

  static List<Case> everyCase() throws IOException {
    return Stream.concat(CaseFile.builtIn().stream(), packed().stream()).toList();
  }

  @ParameterizedTest
  @MethodSource("everyCase")
  void kernelAndOracleReproduceTheCase(Case one) {
    for (Check check : CaseSuite.run(new Plan(Backend.cpu(), true, List.of()), one)) {
      assertEquals(Verdict.PASS, check.verdict(), check::describe);
    }
  }

  @ParameterizedTest
  @MethodSource("everyCase")
  void aWrongExpectationIsNoticed(Case one) {
    double[] wrong = Objects.requireNonNull(one.expected().dLogProb()).clone();
    int at = 0;
    while (wrong[at] == 0) {
      at++;
    }
    wrong[at] *= 1 + 1e-5;
    Case spoilt =
        new Case(
            one.file(),
            one.name(),
            one.source(),
            one.inputs(),
            one.objective(),
            one.tokenCounts(),
            one.sequenceCounts(),
            one.length(),
            one.advantage(),
            new Case.Expected(null, wrong, null, null, Map.of()),
            one.tolerance());
    for (Check check : CaseSuite.run(new Plan(Backend.cpu(), true, List.of()), spoilt)) {
      assertEquals(Verdict.FAIL, check.verdict(), check::describe);
      assertTrue(check.note().contains("dloss_dlogp " + at), check::note);
    }
  }

  @Test
  void paddedRowsBecomeSequencesAndMaskedTokensAreIgnored() {
    CaseInputs inputs = CaseFile.parse(GOOD, "x.json").get(0).inputs();
    assertArrayEquals(new long[] {0, 2, 4}, inputs.offsets());
    assertArrayEquals(new byte[] {1, 1, 1, 0}, inputs.roles());
    assertArrayEquals(new double[] {-1, -2, -3, -4}, inputs.logProb());
    assertTrue(inputs.advantagePerSequence());
    assertEquals("2x2", inputs.shape());
  }

  @Test
  void packedTokensKeepTheirOffsetsAndRoles() throws IOException {
    CaseInputs inputs = packed().get(0).inputs();
    assertArrayEquals(new long[] {0, 2, 4, 6}, inputs.offsets());
    assertArrayEquals(new byte[] {1, 1, 1, 0, 2, 2}, inputs.roles());
    assertArrayEquals(new int[] {0, 0, 1}, inputs.groups());
    assertTrue(Double.isNaN(inputs.logProb()[3]));
  }

  static List<Arguments> mistakes() {
    return List.of(
        arguments(
            "-4]]", "-4, -5]]", "x.json: case 'a': inputs.log_prob[1] must have 2 entries, not 3"),
        arguments("[1, 0]]", "[1]]", "x.json: case 'a': inputs.mask[1] must have 2 entries, not 1"),
        arguments("[1, 0]]", "[1, 2]]", "x.json: case 'a': inputs.mask must hold 0 and 1, not 2.0"),
        arguments(
            ", [1, 0]]",
            "]",
            "x.json: case 'a': inputs.mask must have 2 rows like log_prob, not 1"),
        arguments(
            "[1, -1]",
            "[1]",
            "x.json: case 'a': inputs.advantages must have one entry per sequence, 2, not 1"),
        arguments(
            "[1, -1]",
            "[1, \"x\"]",
            "x.json: case 'a': inputs.advantages must be a number, \"inf\", \"-inf\" or \"nan\","
                + " not the string \"x\""),
        arguments(
            "\"log_prob\"", "\"logp\"", "x.json: case 'a': inputs lacks the field 'log_prob'"),
        arguments(
            "\"mask\"",
            "\"masks\"",
            "x.json: case 'a': inputs has the unknown field 'masks'; its fields are log_prob, "),
        arguments(
            ", \"advantages\": [1, -1]",
            "",
            "x.json: case 'a' has a policy loss but lacks inputs.advantages or inputs.rewards"),
        arguments(
            "\"reinforce\"}",
            "\"reinforce\", \"kl\": {\"coefficient\": 1}}",
            "x.json: case 'a' has a KL term but lacks inputs.ref_log_prob"),
        arguments(
            "\"reinforce\"}",
            "\"reinforce\", \"entropy_bonus\": 1}",
            "x.json: case 'a' has an entropy term but lacks inputs.entropy"),
        arguments(
            "\"reinforce\"}",
            "\"dr_grpo\"}",
            "x.json: case 'a' has a constant-length aggregation but lacks normalizers.length"),
        arguments(
            "\"reinforce\"}",
            "\"reinforced\"}",
            "x.json: case 'a': objective.preset must be one of sft, "),
        arguments(
            "\"reinforce\"}",
            "\"reinforce\", \"clip_hi\": 1}",
            "x.json: case 'a': objective has the unknown field 'clip_hi'; its fields are preset, "),
        arguments(
            "{\"loss\": 0}",
            "{}",
            "x.json: case 'a': expected is empty: there is nothing to compare"),
        arguments(
            "{\"loss\": 0}",
            "{\"metrics\": {\"pg_los\": 0}}",
            "x.json: case 'a': expected.metrics has the unknown field 'pg_los'; its fields are"
                + " actor/"),
        arguments(
            "{\"loss\": 0}",
            "{\"dloss_dlogp\": [0, 0]}",
            "x.json: case 'a': expected.dloss_dlogp[0] must be an array, not the number 0"),
        arguments("\"name\": \"a\",", "", "x.json: cases[0] lacks a name"),
        arguments(
            "cases/1",
            "cases/2",
            "x.json: format must be \"plait-cases/1\", not \"plait-cases/2\""),
        arguments(
            "\"reinforce\"}",
            "\"reinforce\", \"correction\": {\"high\": 2}}",
            "x.json: case 'a' has a sampler correction but lacks inputs.rollout_log_prob"),
        arguments(
            "\"reinforce\"}",
            "\"prefix_rft\"}",
            "x.json: case 'a' has a constant-length aggregation but lacks normalizers.length"),
        arguments(
            "\"reinforce\"}",
            "\"reinforce\", \"rollout\": {\"policy\": {\"weighting\": {\"scope\": \"token\"}}}}",
            "x.json: case 'a' has an entropy weighting or selection but lacks inputs.entropy"),
        arguments(
            "\"objective\": {\"preset\": \"reinforce\"},",
            "",
            "x.json: case 'a' has an expected loss but lacks an objective"),
        arguments(
            "\"advantages\": [1, -1]",
            "\"rewards\": [1, -1]",
            "x.json: case 'a' must have both 'advantage' and inputs.rewards or"
                + " inputs.token_rewards, or neither"),
        arguments(
            "\"expected\"",
            "\"advantage\": {\"kind\": \"groups\"}, \"expected\"",
            "x.json: case 'a' must have both 'advantage'"),
        arguments("\"expected\"", "\"expects\"", "x.json: case 'a' lacks the field 'expected'"),
        arguments("}]}", "}]", "x.json is not valid JSON at line "));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsToldInOneSentence(String from, String to, String message) {
    assertTrue(GOOD.contains(from));
    Exception e =
        assertThrows(
            IllegalArgumentException.class, () -> CaseFile.parse(GOOD.replace(from, to), "x.json"));
    String said = String.valueOf(e.getMessage());
    assertTrue(said.startsWith(message), said);
    assertTrue(said.lines().count() == 1, said);
  }

  @Test
  void prefixAndHintMasksGiveRolesAndTheMaskComesLast() {
    CaseInputs inputs =
        CaseFile.parse(
                GOOD.replace(
                    "\"mask\":",
                    "\"prefix_mask\": [[1, 0], [1, 1]], \"hint_mask\": [[0, 1], [0, 0]],"
                        + " \"mask\":"),
                "x.json")
            .get(0)
            .inputs();
    assertArrayEquals(new byte[] {2, 3, 2, 0}, inputs.roles());
  }

  @Test
  void entropiesMayBeThoseOfSequences() {
    CaseInputs inputs =
        CaseFile.parse(GOOD.replace("\"mask\":", "\"entropy\": [0.5, 2], \"mask\":"), "x.json")
            .get(0)
            .inputs();
    assertArrayEquals(new double[] {0.5, 0.5, 2, 2}, inputs.entropy());
  }

  @Test
  void aCaseOfAdvantagesNeedsNoObjective() {
    Case one =
        CaseFile.parse(
                """
                {"format": "plait-cases/1",
                 "cases": [{
                   "name": "a",
                   "inputs": {"log_prob": [[0], [0]], "rewards": [1, 0], "groups": [0, 0]},
                   "advantage": {"preset": "dr_grpo"},
                   "expected": {"advantages": [0.5, -0.5]}
                 }]}
                """,
                "x.json")
            .get(0);
    for (Check check : CaseSuite.run(new Plan(Backend.cpu(), true, List.of()), one)) {
      assertEquals(Verdict.PASS, check.verdict(), check::describe);
    }
  }

  @Test
  void twoCasesOfOneNameAreRefused() {
    String one = GOOD.substring(GOOD.indexOf("[{") + 1, GOOD.lastIndexOf("]"));
    Exception e =
        assertThrows(
            IllegalArgumentException.class,
            () -> CaseFile.parse(GOOD.replace(one, one + "," + one), "x.json"));
    assertEquals("x.json: two cases are called 'a'", e.getMessage());
  }

  @Test
  void anUnreadableFileIsNamed() {
    Exception e =
        assertThrows(
            IllegalArgumentException.class, () -> CaseFile.read(Path.of("no-such-file.json")));
    assertTrue(String.valueOf(e.getMessage()).contains("no-such-file.json"), e::getMessage);
  }

  @Test
  void documentedExamplesAreRead() throws IOException {
    String text = Files.readString(Path.of(System.getProperty("basedir", "."), "CASES.md"));
    Matcher examples = Pattern.compile("```json\n(.*?)```", Pattern.DOTALL).matcher(text);
    int cases = 0;
    int objectives = 0;
    while (examples.find()) {
      String json = examples.group(1);
      if (json.contains("plait-cases")) {
        cases += CaseFile.parse(json, "CASES.md").size();
      } else {
        ObjectiveJson.read(JsonFields.MAPPER.readTree(json), "CASES.md");
        objectives++;
      }
    }
    assertTrue(cases == 1 && objectives == 2, cases + " cases, " + objectives + " objectives");
  }
}
