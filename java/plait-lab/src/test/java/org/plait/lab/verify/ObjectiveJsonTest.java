package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Aggregation;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
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
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 50; i++) {
      all.add(new Objective(rule(random), rule(random), Rule.NONE));
    }
    return all;
  }

  private static Rule rule(SplittableRandom random) {
    return new Rule(
        PolicyLoss.CLIP,
        term(random),
        bound(random, 0),
        bound(random, 0),
        bound(random, 1.5f),
        bound(random, 0.1f),
        term(random),
        any(KlEstimator.class, random),
        term(random),
        term(random));
  }

  private static Term term(SplittableRandom random) {
    return new Term(
        random.nextInt(3) == 0 ? 0 : (float) random.nextDouble(0.001, 2),
        any(Aggregation.class, random),
        any(Population.class, random));
  }

  private static <E extends Enum<E>> E any(Class<E> type, SplittableRandom random) {
    List<E> all = List.of(type.getEnumConstants());
    return all.get(random.nextInt(all.size()));
  }

  private static float bound(SplittableRandom random, float least) {
    return random.nextInt(3) == 0
        ? Float.POSITIVE_INFINITY
        : least + (float) random.nextDouble(0.01, 3);
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
            "c.json: rollout.policy.loss must be one of none, reinforce, clip, not \"ppo\""),
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
        arguments("{}", "c.json: objective: expected a rule "));
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
