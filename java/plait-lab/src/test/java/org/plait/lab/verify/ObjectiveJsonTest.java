package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Aggregation;
import org.plait.HybridObjectives;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Reshape;
import org.plait.Rule;
import org.plait.SamplerCorrection;
import org.plait.Term;

/** Objectives as JSON. */
class ObjectiveJsonTest {

  private static Objective read(String json) {
    try {
      return ObjectiveJson.read(JsonFields.MAPPER.readTree(json), "c.json");
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  static Collection<Objective> objectives() {
    List<Objective> all = new ArrayList<>(Objectives.all().values());
    RandomRules random = new RandomRules(1);
    for (int i = 0; i < 200; i++) {
      all.add(random.objective());
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void whatIsWrittenReadsBackAsTheSame(Objective objective) {
    assertEquals(objective, read(ObjectiveJson.write(objective).toString()));
  }

  @Test
  void presetsAreThoseOfTheApi() {
    assertEquals(Objective.sft(), read("{'preset': 'sft'}".replace('\'', '"')));
    assertEquals(Objective.grpo(), read("{\"preset\": \"grpo\"}"));
    assertEquals(Objective.drGrpo(), read("{\"preset\": \"dr_grpo\"}"));
  }

  @Test
  void aPresetIsChangedByWhatStandsBesideIt() {
    Objective expected =
        Objective.grpo().toBuilder()
            .clip(0.2f, 0.28f)
            .dualClip(Float.POSITIVE_INFINITY)
            .kl(KlEstimator.K2, 0.04f)
            .entropyBonus(0.001f)
            .aggregation(Aggregation.TOKEN_MEAN)
            .demonstration(Rule.builder().nll(Term.of(0.5f)).build())
            .build();
    assertEquals(
        expected,
        read(
            """
            {"preset": "grpo", "clip_high": 0.28, "dual_clip": "inf", "aggregation": "token_mean",
             "kl": {"estimator": "k2", "coefficient": 0.04}, "entropy_bonus": 0.001,
             "demonstration": {"nll": 0.5}}
            """));
  }

  @Test
  void everyPresetOfTheApiHasAName() {
    Map<String, Objective> presets = ObjectivePresets.all();
    presets.forEach(
        (name, objective) -> assertEquals(objective, read("{\"preset\": \"" + name + "\"}"), name));
    for (Class<?> type : List.of(Objective.class, HybridObjectives.class)) {
      for (Method method : type.getDeclaredMethods()) {
        boolean preset =
            Modifier.isStatic(method.getModifiers())
                && Modifier.isPublic(method.getModifiers())
                && method.getReturnType() == Objective.class;
        if (preset) {
          String name = method.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
          assertTrue(presets.containsKey(name), name);
        }
      }
    }
  }

  @Test
  void everyFieldAndChoiceOfARuleIsInTheDescriptionOfCases() throws IOException {
    String described = Files.readString(Path.of("CASES.md"));
    Set<String> missing = new TreeSet<>();
    objectives().forEach(objective -> words(ObjectiveJson.write(objective), missing));
    assertTrue(missing.size() > 70, missing::toString);
    missing.removeIf(
        word -> described.contains("`" + word + "`") || described.contains("." + word + "`"));
    assertEquals(Set.of(), missing, "not in CASES.md");
  }

  /** A constant that no objective of {@code verify} has would be checked nowhere. */
  @Test
  void everyFieldAndChoiceIsInTheSweepOfVerify() {
    Set<String> all = new TreeSet<>();
    objectives().forEach(objective -> words(ObjectiveJson.write(objective), all));
    Set<String> swept = new TreeSet<>();
    Objectives.all().values().forEach(one -> words(ObjectiveJson.write(one), swept));
    assertEquals(all, swept);
  }

  /** The names of fields, and the values that are words. */
  private static void words(JsonNode node, Set<String> to) {
    node.properties()
        .forEach(
            field -> {
              to.add(field.getKey());
              if (field.getValue().isTextual() && !field.getValue().asText().endsWith("inf")) {
                to.add(field.getValue().asText());
              }
              words(field.getValue(), to);
            });
  }

  @Test
  void presetsTakeTheirParameters() {
    assertEquals(HybridObjectives.uft(0.25f), read("{\"preset\": \"uft\", \"beta\": 0.25}"));
    assertEquals(HybridObjectives.chord(0.5f), read("{\"preset\": \"chord\", \"mu\": 0.5}"));
    assertEquals(HybridObjectives.bread(0.5f), read("{\"preset\": \"bread\", \"beta\": 0.5}"));
    assertEquals(Objective.grpoTwoSided(4), read("{\"preset\": \"grpo_two_sided\", \"delta\": 4}"));
    assertEquals(Objective.clipCov(9), read("{\"preset\": \"clip_cov\", \"seed\": 9}"));
  }

  @Test
  void aRuleBesideAPresetChangesWhatItNames() {
    Objective luffy = HybridObjectives.luffy();
    Rule demonstration =
        luffy.demonstration().toBuilder()
            .reshape(Reshape.RATIONAL, 0.3f)
            .reshapeBounds(0.5f, Float.POSITIVE_INFINITY)
            .nll(Term.of(0.5f))
            .build();
    assertEquals(
        luffy.toBuilder().demonstration(demonstration).build(),
        read(
            """
            {"preset": "luffy", "demonstration":
              {"policy": {"reshape": {"parameter": 0.3, "low": 0.5}}, "nll": 0.5}}
            """));
  }

  @Test
  void aTermMayBeSwitchedOff() {
    Objective relift = HybridObjectives.relift();
    assertEquals(
        relift.toBuilder()
            .rollout(
                relift.rollout().toBuilder()
                    .entropy(relift.rollout().entropy().withCoefficient(0))
                    .build())
            .build(),
        read("{\"preset\": \"relift\", \"rollout\": {\"entropy\": 0}}"));
    Objective hints =
        read("{\"preset\": \"uft\", \"rollout\": {\"policy\": {\"loss\": \"none\"}}}");
    assertFalse(hints.rollout().isOn());
  }

  @Test
  void aCorrectionAppliesToRolloutsUnlessTheySayOtherwise() {
    String correction = ", \"correction\": {\"level\": \"token\", \"high\": 2}}";
    assertEquals(
        Objective.grpo().toBuilder().correction(SamplerCorrection.tis(2)).build(),
        read("{\"preset\": \"grpo\"" + correction));
    assertTrue(
        read("{\"rollout\": {\"policy\": {}}" + correction).rollout().policy().samplerCorrection());
    assertFalse(
        read("{\"rollout\": {\"policy\": {\"sampler_correction\": false}}" + correction)
            .rollout()
            .policy()
            .samplerCorrection());
  }

  @Test
  void whatIsLeftOutOfARuleIsOff() {
    Objective objective = read("{\"rollout\": {\"policy\": {\"clip_low\": 0.2}}}");
    Rule expected =
        Rule.builder()
            .policy(PolicyLoss.CLIP, Term.of(1))
            .clip(0.2f, Float.POSITIVE_INFINITY)
            .build();
    assertEquals(new Objective(expected, Rule.NONE, Rule.NONE), objective);
  }

  @Test
  void coefficientsAreWrittenAsTheyWereMeant() {
    String json = ObjectiveJson.write(Objective.dapo()).toString();
    assertTrue(json.contains("\"clip_low\":0.2,\"clip_high\":0.28,"), json);
  }

  static List<Arguments> mistakes() {
    return List.of(
        arguments("[]", "c.json must be an object, not an array"),
        arguments("{\"roll_out\": {}}", "c.json has the unknown field 'roll_out'; its fields are "),
        arguments(
            "{\"rollout\": {\"policy\": {\"clip\": 1}}}",
            "c.json: rollout.policy has the unknown field 'clip'; its fields are loss, clip_low, "),
        arguments(
            "{\"rollout\": {\"policy\": {\"loss\": \"ppo\"}}}",
            "c.json: rollout.policy.loss must be one of none, reinforce, clip, cispo, "),
        arguments(
            "{\"rollout\": {\"nll\": {\"aggregation\": \"mean\"}}}",
            "c.json: rollout.nll.aggregation must be one of token_mean, "),
        arguments(
            "{\"rollout\": {\"nll\": true}}",
            "c.json: rollout.nll must be a number, \"inf\", \"-inf\" or \"nan\", not the boolean"
                + " true"),
        arguments("{\"rollout\": {\"nll\": -1}}", "c.json: coefficient: expected "),
        arguments("{\"preset\": \"grpo\", \"clip_low\": -1}", "c.json: clipLow: expected "),
        arguments("{\"preset\": \"sft\", \"clip_low\": 1}", "c.json: clip: expected a rule "),
        arguments("{\"rollout\": {\"nll\": \"inf\"}}", "c.json: coefficient: expected a finite "),
        arguments(
            "{\"preset\": \"grpo\", \"kl\": {\"estimator\": \"k3\"}}",
            "c.json: kl lacks the field 'coefficient'"),
        arguments("{}", "c.json: objective: expected a rule "),
        arguments(
            "{\"rollout\": {\"policy\": {\"reshape\": {\"gamma\": 1}}}}",
            "c.json: rollout.policy.reshape has the unknown field 'gamma'; its fields are kind, "),
        arguments(
            "{\"rollout\": {\"policy\": {\"selection\": {\"scope\": \"token\"}}}}",
            "c.json: scope: expected NONE, SEQUENCE or BATCH, got TOKEN"),
        arguments(
            "{\"rollout\": {\"policy\": {\"covariance\": {\"seed\": 0.5}}}}",
            "c.json: rollout.policy.covariance.seed must be a whole number of 32 bits, not the"
                + " number 0.5"),
        arguments(
            "{\"rollout\": {\"kl\": {\"form\": \"k3\"}}}",
            "c.json: rollout.kl.form must be one of plain, times_ratio, "),
        arguments(
            "{\"preset\": \"grpo\", \"correction\": {\"filter\": {\"bound\": 1}}}",
            "c.json: correction.filter has the unknown field 'bound'; its fields are level, "),
        arguments(
            "{\"preset\": \"grpo\", \"delta\": 2}",
            "c.json has the unknown field 'delta'; its fields are preset, "),
        arguments(
            "{\"preset\": \"grpo\", \"correction\": {\"level\": \"sequence_max\"}}",
            "c.json: level: expected NONE, TOKEN, "));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsToldInOneSentence(String json, String message) {
    Exception e = assertThrows(IllegalArgumentException.class, () -> read(json));
    String said = String.valueOf(e.getMessage());
    assertTrue(said.startsWith(message), said);
    assertTrue(said.lines().count() == 1, said);
  }
}
