package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Role.DEMONSTRATION;
import static org.plait.Role.HINT;
import static org.plait.Role.IGNORED;
import static org.plait.Role.ROLLOUT;

import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One call, several rules: the presets have the gradients of their papers, written out here. */
class HybridObjectivesTest {
  private static final double LENGTH = 16;
  private static final double G = 0.1f;
  private static final double BONUS = 0.001f;

  /** A correct rollout, a wrong one, a demonstration, and a rollout that continues a hint. */
  private static final Tokens TOKENS = tokens();

  private static Tokens tokens() {
    Tokens tokens = Tokens.random(5, 2, 2, 3, 4);
    tokens.roles =
        new Role[] {
          ROLLOUT,
          ROLLOUT,
          ROLLOUT,
          IGNORED,
          DEMONSTRATION,
          DEMONSTRATION,
          DEMONSTRATION,
          HINT,
          HINT,
          ROLLOUT,
          ROLLOUT
        };
    tokens.logp = Tokens.values(-0.5, -1.5, -0.1, 1, -2.0, -0.7, -0.05, -3.0, -0.4, -1.2, -0.3);
    tokens.old = Tokens.values(-0.7, -1.4, -0.9, 1, -0.9, -1.3, -0.15, -2.9, -0.9, -1.3, -0.2);
    tokens.entropy = Tokens.values(0.9, 1.1, 0.2, 9, 2.0, 0.4, 0.3, 1.5, 0.6, 0.7, 0.1);
    tokens.advantages = Tokens.values(1, 1, -1, -1, 0.8, 0.8, 0.8, 0.6, 0.6, 0.6, 0.6);
    tokens.normalizers = Normalizers.NONE.withLength(LENGTH);
    return tokens;
  }

  static Stream<Arguments> presets() {
    return Stream.of(
        preset("luffy", HybridObjectives.luffy(), t -> luffy(t), t -> 0),
        preset(
            "luffyRlSft",
            HybridObjectives.luffyRlSft(),
            t -> is(t, ROLLOUT) ? unclipped(t) : is(t, DEMONSTRATION) ? -1 / 3.0 : 0,
            t -> 0),
        preset(
            "srft",
            HybridObjectives.srft(),
            t ->
                is(t, ROLLOUT)
                    ? -a(t) * onPolicy(t) / 5
                    : is(t, DEMONSTRATION) ? (-offPolicy() - a(t) * p(t)) / 3 : 0,
            t -> 0),
        preset(
            "srftHpt",
            HybridObjectives.srftHpt(),
            t ->
                is(t, ROLLOUT)
                    ? -a(t) * onPolicy(t) / LENGTH
                    : is(t, DEMONSTRATION) ? -offPolicy() / 3 + shaped(t) : 0,
            t -> is(t, ROLLOUT) || is(t, DEMONSTRATION) ? -BONUS / 10 : 0),
        preset(
            "relift",
            HybridObjectives.relift(),
            t -> is(t, ROLLOUT) ? unclipped(t) : 0,
            t -> is(t, ROLLOUT) ? -BONUS / 10 : 0),
        preset(
            "reliftSft",
            HybridObjectives.reliftSft(),
            t -> is(t, IGNORED) ? 0 : -1 / 10.0,
            t -> is(t, IGNORED) ? 0 : -BONUS / 10),
        preset(
            "uft",
            HybridObjectives.uft(0.25f),
            t -> is(t, ROLLOUT) ? clipped(t) / 5 : is(t, HINT) ? -0.25 / 2 : 0,
            t -> 0),
        preset(
            "chord",
            HybridObjectives.chord(0.25f),
            t ->
                is(t, ROLLOUT)
                    ? 0.75 * clipped(t) / 5
                    : is(t, DEMONSTRATION) ? -0.25 * p(t) * (1 - p(t)) / 3 : 0,
            t -> 0),
        preset("prefixRft", HybridObjectives.prefixRft(), t -> prefixRft(t), t -> 0),
        preset(
            "bread",
            HybridObjectives.bread(0.5f),
            t -> is(t, ROLLOUT) ? (clipped(t) + 0.5 * (1 - p(t, reference(t)))) * perToken(t) : 0,
            t -> 0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("presets")
  void aPresetHasTheGradientOfItsPaper(
      String name, Objective objective, IntToDoubleFunction c, IntToDoubleFunction h) {
    Tokens.Result result = TOKENS.run(objective);
    double largest = 0;
    for (int t = 0; t < TOKENS.count; t++) {
      double expected = c.applyAsDouble(t);
      assertEquals(expected, result.c()[t], 2e-6 * Math.abs(expected) + 1e-9, "c of token " + t);
      double bonus = h.applyAsDouble(t);
      assertEquals(bonus, result.h()[t], 1e-6 * Math.abs(bonus), "h of token " + t);
      largest = Math.max(largest, Math.abs(expected));
    }
    assertTrue(largest > 0.01, "largest " + largest);
  }

  @Test
  void whatNeedsItsSequenceOrBatchTakesTwoPassesAndSaysWhy() {
    assertEquals("", HybridObjectives.luffy().secondPass());
    assertEquals("", HybridObjectives.luffyRlSft().secondPass());
    assertEquals("", HybridObjectives.relift().secondPass());
    assertEquals("", HybridObjectives.uft(1).secondPass());
    assertEquals("", HybridObjectives.chord(0.1f).secondPass());
    assertEquals("", HybridObjectives.bread(0.04f).secondPass());
    assertEquals("rollout.policy_weighting", HybridObjectives.srft().secondPass());
    assertEquals("demonstration.selection", HybridObjectives.prefixRft().secondPass());
  }

  @Test
  void srftByTokensTakesOnePassAndWeighsEachTokenByItsOwnEntropy() {
    Objective bySequence = HybridObjectives.srft();
    Rule rollout =
        bySequence.rollout().toBuilder()
            .policyWeighting(new EntropyWeighting(Scope.TOKEN, 0.1f, 1, true))
            .build();
    Rule demonstration =
        bySequence.demonstration().toBuilder()
            .nllWeighting(EntropyWeighting.of(Scope.TOKEN, 0.5f, -1))
            .build();
    Objective byToken =
        bySequence.toBuilder().rollout(rollout).demonstration(demonstration).build();
    assertTrue(byToken.isOnePass());
    Tokens.Result result = TOKENS.run(byToken);
    assertEquals(-0.1 * Math.exp(0.9) / 5, result.c()[0], 1e-6);
    assertEquals(-0.1 * Math.exp(1.1) / 5, result.c()[1], 1e-6);
    assertEquals(1 / 5.0, result.c()[2], 1e-6);
    assertEquals((-0.5 * Math.exp(-2) - 0.8 * Math.exp(-2)) / 3, result.c()[4], 1e-6);
    assertEquals(
        0.5 * (Math.exp(-2.0) + Math.exp(-0.4) + Math.exp(-0.3)) / 3,
        result.metrics().nllWeightingMean(),
        1e-6);
  }

  @Test
  void luffysShapingIsLargestWhereTheProbabilityIsGamma() {
    Tokens tokens = Tokens.of(5);
    tokens.roles = new Role[5];
    java.util.Arrays.fill(tokens.roles, DEMONSTRATION);
    tokens.logp = Tokens.values(Math.log(1e-4), Math.log(0.05), Math.log(0.1), Math.log(0.3), 0);
    tokens.normalizers = Normalizers.NONE.withLength(1);
    float[] c = tokens.run(HybridObjectives.luffy()).c();
    assertEquals(-0.25, c[2], 1e-6);
    assertEquals(-0.1 / (1.1 * 1.1), c[4], 1e-6);
    assertEquals(-1e-3, c[0], 1e-5);
    for (int t : new int[] {0, 1, 3, 4}) {
      assertTrue(c[t] > c[2] && c[t] < 0, "token " + t);
    }
  }

  @Test
  void chordSharesTheLossBetweenItsRolesAndRefusesOtherShares() {
    float[] rollouts = TOKENS.run(HybridObjectives.chord(0)).c();
    float[] demonstrations = TOKENS.run(HybridObjectives.chord(1)).c();
    for (int t = 0; t < TOKENS.count; t++) {
      assertEquals(is(t, ROLLOUT) && clipped(t) != 0, rollouts[t] != 0, "token " + t);
      assertEquals(is(t, DEMONSTRATION), demonstrations[t] != 0, "token " + t);
    }
    for (float mu : new float[] {-0.1f, 1.1f, Float.NaN}) {
      IllegalArgumentException refusal =
          assertThrows(IllegalArgumentException.class, () -> HybridObjectives.chord(mu));
      assertEquals("mu: expected in [0, 1], got " + mu, refusal.getMessage());
    }
  }

  private static Arguments preset(
      String name, Objective objective, IntToDoubleFunction c, IntToDoubleFunction h) {
    return Arguments.of(name, objective, c, h);
  }

  private static boolean is(int t, Role role) {
    return requireNonNull(TOKENS.roles)[t] == role;
  }

  private static double a(int t) {
    return TOKENS.advantages[t];
  }

  private static double p(int t) {
    return Math.exp(TOKENS.logp[t]);
  }

  /** Of another policy's log-prob to the token's. */
  private static double p(int t, double other) {
    return Math.exp(other - TOKENS.logp[t]);
  }

  private static double reference(int t) {
    return requireNonNull(TOKENS.reference)[t];
  }

  private static double r(int t) {
    return Math.exp((double) TOKENS.logp[t] - requireNonNull(TOKENS.old)[t]);
  }

  private static double unclipped(int t) {
    return -a(t) * r(t) / LENGTH;
  }

  private static double clipped(int t) {
    return (a(t) > 0 ? r(t) > 1.2 : r(t) < 0.8) ? 0 : -a(t) * r(t);
  }

  private static double shaped(int t) {
    return -a(t) * G * p(t) / ((p(t) + G) * (p(t) + G)) / LENGTH;
  }

  private static double luffy(int t) {
    return is(t, ROLLOUT) ? unclipped(t) : is(t, DEMONSTRATION) ? shaped(t) : 0;
  }

  /** Of the mean entropy of the rollout's sequence; the ignored token is not in it. */
  private static double onPolicy(int t) {
    double entropy = t < 2 ? (0.9 + 1.1) / 2 : (0.7 + 0.1) / 2;
    return a(t) > 0 ? 0.1 * Math.exp(entropy) : 1;
  }

  private static double offPolicy() {
    return 0.5 * Math.exp(-(2.0 + 0.4 + 0.3) / 3);
  }

  /** Of three demonstrations all but floor(0.8 * 3) stay, of two hints all but floor(0.8 * 2). */
  private static double prefixRft(int t) {
    if (is(t, ROLLOUT)) {
      boolean dual = a(t) < 0 && r(t) > 3;
      return dual ? 0 : clipped(t) / LENGTH;
    }
    return t == 4 || t == 7 ? unclipped(t) : 0;
  }

  /** Sequences with a rollout: three. */
  private static double perToken(int t) {
    int inSequence = t == 2 ? 1 : 2;
    return 1.0 / (3 * inSequence);
  }
}
