package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.plait.Metrics;
import org.plait.Objective;
import org.plait.Role;

/**
 * Reads case files: what a trainer was given, and what it made of it, so that anyone can dump cases
 * from any trainer and have Plait checked against them.
 *
 * <pre>{
 *   "format": "plait-cases/1",
 *   "description": "free text",
 *   "inputs": {...},                                    shared by all cases
 *   "cases": [{
 *     "name": "...", "source": "free text",
 *     "inputs": {...},                                  added to the shared ones, or in place of them
 *     "objective": {"preset": "ppo", "clip_high": 0.28},   see {@link ObjectiveJson}
 *     "advantage": {"baseline": "group_mean", "scale": "group_std", "epsilon": 1e-6},   if there are rewards
 *     "normalizers": {"tokens": 18, "sequences": 4, "length": 100},
 *     "expected": {"loss": ..., "dloss_dlogp": [[...]], "dloss_dentropy": [[...]], "advantages": [...],
 *                  "metrics": {"actor/pg_clipfrac": ...}},
 *     "tolerance": 1e-6
 *   }]
 * }</pre>
 *
 * <p>{@code CASES.md} beside this module describes every field. What is wrong with a file is told
 * in one sentence that names the file, the case and the field, as an {@link
 * IllegalArgumentException}.
 */
public final class CaseFile {

  private static final String FORMAT = "plait-cases/1";
  private static final List<String> BUILT_IN = List.of("upstream.json");

  private CaseFile() {}

  /** Reads a file. */
  static List<Case> read(Path file) {
    try {
      return parse(Files.readString(file), String.valueOf(file.getFileName()));
    } catch (IOException e) {
      throw new IllegalArgumentException("case file " + file + " cannot be read: " + e, e);
    }
  }

  /** The cases that come with Plait. */
  static List<Case> builtIn() {
    List<Case> cases = new ArrayList<>();
    for (String name : BUILT_IN) {
      try (InputStream in = CaseFile.class.getResourceAsStream("/cases/" + name)) {
        if (in == null) {
          throw new IllegalStateException("/cases/" + name + " is not on the class path");
        }
        cases.addAll(parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return cases;
  }

  /** Parses the text of a file called {@code file}. */
  static List<Case> parse(String json, String file) {
    JsonFields fields = JsonFields.parse(json, file);
    String format = fields.text("format", "");
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException(
          file + ": format must be \"" + FORMAT + "\", not \"" + format + "\"");
    }
    fields.text("description", "");
    JsonNode shared = fields.node("inputs");
    JsonNode cases = fields.required("cases");
    fields.done();
    if (!cases.isArray() || cases.isEmpty()) {
      throw new IllegalArgumentException(file + ": cases must be an array with at least one case");
    }
    List<Case> result = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < cases.size(); i++) {
      Case read = readCase(cases.get(i), i, shared, file);
      if (!names.add(read.name())) {
        throw new IllegalArgumentException(file + ": two cases are called '" + read.name() + "'");
      }
      result.add(read);
    }
    return result;
  }

  private static Case readCase(JsonNode node, int index, @Nullable JsonNode shared, String file) {
    String name = node.path("name").asText("");
    if (name.isEmpty()) {
      throw new IllegalArgumentException(file + ": cases[" + index + "] lacks a name");
    }
    JsonFields fields = new JsonFields(node, file + ": case '" + name + "'");
    fields.required("name");
    String source = fields.text("source", "");
    CaseInputsReader reader = new CaseInputsReader(inputs(fields, shared, file));
    CaseInputs inputs = reader.read();
    JsonNode given = fields.node("objective");
    Objective objective =
        given == null ? null : ObjectiveJson.read(given, fields.where("objective"));
    double[] tokenCounts = new double[4];
    double[] sequenceCounts = new double[4];
    double length = 0;
    JsonFields normalizers = fields.object("normalizers");
    if (normalizers != null) {
      tokenCounts = counts(normalizers, "tokens");
      sequenceCounts = counts(normalizers, "sequences");
      length = normalizers.number("length", 0);
      normalizers.done();
    }
    List<AdvantageStep> advantage = advantage(fields, inputs);
    Case.Expected expected = expected(fields, reader);
    double tolerance = fields.number("tolerance", 1e-6);
    fields.done();
    if (!(tolerance > 0)) {
      throw new IllegalArgumentException(fields.where("tolerance") + " must be above 0");
    }
    Case result =
        new Case(
            file,
            name,
            source,
            inputs,
            objective,
            tokenCounts,
            sequenceCounts,
            length,
            advantage,
            expected,
            tolerance);
    CaseRequirements.check(result, fields);
    return result;
  }

  private static JsonFields inputs(JsonFields fields, @Nullable JsonNode shared, String file) {
    ObjectNode merged = JsonNodeFactory.instance.objectNode();
    putAll(merged, shared, file + ": inputs");
    putAll(merged, fields.node("inputs"), fields.where("inputs"));
    return new JsonFields(merged, fields.where("inputs"));
  }

  private static void putAll(ObjectNode merged, @Nullable JsonNode part, String where) {
    if (part instanceof ObjectNode object) {
      merged.setAll(object);
    } else if (part != null) {
      throw new IllegalArgumentException(
          where + " must be an object, not " + JsonFields.kind(part));
    }
  }

  /** A count, or {"all": ..., "rollout": ..., "demonstration": ..., "hint": ...}. */
  private static double[] counts(JsonFields normalizers, String name) {
    double[] result = new double[4];
    JsonNode node = normalizers.node(name);
    if (node != null && node.isObject()) {
      JsonFields byRole = new JsonFields(node, normalizers.where(name));
      result[0] = byRole.number("all", 0);
      for (Role role : Role.values()) {
        if (role != Role.IGNORED) {
          result[role.code()] = byRole.number(JsonFields.lower(role), 0);
        }
      }
      byRole.done();
    } else {
      result[0] = normalizers.number(name, 0);
    }
    return result;
  }

  /** One step, or an array of steps. */
  private static List<AdvantageStep> advantage(JsonFields fields, CaseInputs inputs) {
    JsonNode given = fields.node("advantage");
    if ((given == null) == inputs.rewards().given()) {
      throw new IllegalArgumentException(
          fields.where()
              + " must have both 'advantage' and inputs.rewards or inputs.token_rewards, or"
              + " neither");
    }
    List<AdvantageStep> steps = new ArrayList<>();
    String place = fields.where("advantage");
    if (given != null && given.isArray()) {
      for (int i = 0; i < given.size(); i++) {
        steps.add(AdvantageStep.read(new JsonFields(given.get(i), place + "[" + i + "]")));
      }
    } else if (given != null) {
      steps.add(AdvantageStep.read(new JsonFields(given, place)));
    }
    boolean perToken = inputs.rewards().ofTokens() != null;
    for (AdvantageStep step : steps) {
      if (step instanceof AdvantageStep.Group && perToken) {
        throw new IllegalArgumentException(
            place + " has a group step after the rewards have become those of tokens");
      }
      perToken |= !(step instanceof AdvantageStep.Group);
    }
    return steps;
  }

  private static Case.Expected expected(JsonFields fields, CaseInputsReader reader) {
    JsonFields given = new JsonFields(fields.required("expected"), fields.where("expected"));
    JsonNode dLogProb = given.node("dloss_dlogp");
    JsonNode dEntropy = given.node("dloss_dentropy");
    JsonNode advantages = given.node("advantages");
    JsonNode returns = given.node("returns");
    Map<String, Double> metrics = new LinkedHashMap<>();
    JsonFields named = given.object("metrics");
    if (named != null) {
      for (String name : metricNames()) {
        if (named.has(name)) {
          metrics.put(name, named.number(name, 0));
        }
      }
      named.done();
    }
    Case.Expected expected =
        new Case.Expected(
            given.has("loss") ? (Double) given.number("loss", 0) : null,
            dLogProb == null ? null : reader.tokens(dLogProb, given.where("dloss_dlogp")),
            dEntropy == null ? null : reader.tokens(dEntropy, given.where("dloss_dentropy")),
            advantages == null
                ? null
                : reader.isPerSequence(advantages)
                    ? reader.perSequence(advantages, given.where("advantages"))
                    : reader.tokens(advantages, given.where("advantages")),
            returns == null ? null : reader.tokens(returns, given.where("returns")),
            metrics);
    given.done();
    if (expected.isEmpty()) {
      throw new IllegalArgumentException(given.where() + " is empty: there is nothing to compare");
    }
    return expected;
  }

  /** Every name that expected metrics may have. */
  private static Set<String> metricNames() {
    Set<String> names = new TreeSet<>(MetricNames.of(new Metrics()).keySet());
    names.addAll(UpstreamMetrics.names());
    return names;
  }
}
