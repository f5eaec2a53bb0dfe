package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The presets of {@link Objective} have the gradients of their papers, written out here. */
class PresetGradientTest {
  private static final double LENGTH = 16;
  private static final int B = 2;
  private static final int N = 7;

  /** Three tokens with advantage 1.5 and four with -0.8. */
  private static final Tokens TOKENS = tokens();

  private static Tokens tokens() {
    Tokens tokens = Tokens.random(1, 3, 4);
    tokens.logp = Tokens.values(-0.5, -1.5, -0.1, -2.0, -0.7, -0.05, -3.0);
    tokens.old = Tokens.values(-0.7, -1.4, -0.9, -0.9, -1.3, -0.15, -4.4);
    tokens.advantages = Tokens.values(1.5, 1.5, 1.5, -0.8, -0.8, -0.8, -0.8);
    tokens.normalizers = Normalizers.NONE.withLength(LENGTH);
    return tokens;
  }

  static Stream<Arguments> presets() {
    return Stream.of(
        preset("sft", Objective.sft(), t -> -1.0 / N),
        preset("dft", Objective.dft(), t -> -Math.exp(TOKENS.logp[t]) / N),
        preset("reinforce", Objective.reinforce(), t -> -a(t) / N),
        preset("rloo", Objective.rloo(), t -> -a(t) / B),
        preset("rlooTrl", Objective.rlooTrl(), t -> clipped(t, ratioOfResponse(t), 0.2, 0.2) / B),
        preset("reinforcePlusPlus", Objective.reinforcePlusPlus(), t -> clipped(t, 0.2, 0.2) / N),
        preset("ppo", Objective.ppo(), t -> clipped(t, 0.2, 0.2) / N),
        preset("grpo", Objective.grpo(), t -> dual(t, 0.2, 3) / (B * n(t))),
        preset("grpoTwoSided", Objective.grpoTwoSided(1.5f), t -> dual(t, 0.2, 1.5) / (B * n(t))),
        preset("drGrpo", Objective.drGrpo(), t -> clipped(t, 0.2, 0.2) / LENGTH),
        preset("drGrpoTrl", Objective.drGrpoTrl(), t -> clipped(t, 0.2, 0.2) / (B * LENGTH)),
        preset("dapo", Objective.dapo(), t -> dual(t, 0.28, 10) / N),
        preset("gspo", wide(Objective.gspo()), t -> -a(t) * ratioOfMean(t) / (B * n(t))),
        preset("gspoToken", wide(Objective.gspoToken()), t -> -a(t) * ratioOfMean(t) / (B * n(t))),
        preset("luspo", wide(Objective.luspo()), t -> -a(t) * ratioOfMean(t) / B),
        preset("cispo", Objective.cispo(), t -> -a(t) * Math.min(r(t), 1.2) / N),
        preset("sapo", Objective.sapo(), t -> sapo(t) / (B * n(t))),
        preset("gmpo", Objective.gmpo(), t -> gmpo(t) / (B * n(t))),
        preset("vespo", Objective.vespo(), t -> vespo(t) / N),
        preset("gpg", Objective.gpg(), t -> -a(t) / N),
        preset("klCov", Objective.klCov(), t -> klCov(t) / N));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("presets")
  void aPresetHasTheGradientOfItsPaper(String name, Objective objective, IntToDoubleFunction c) {
    Tokens.Result result = TOKENS.run(objective);
    double largest = 0;
    for (int t = 0; t < N; t++) {
      double expected = c.applyAsDouble(t);
      assertEquals(expected, result.c()[t], 2e-6 * Math.abs(expected), "token " + t);
      assertEquals(0, result.h()[t]);
      largest = Math.max(largest, Math.abs(expected));
    }
    assertTrue(largest > 0.01, "largest " + largest);
  }

  @Test
  void theTokensReachEveryBoundOfTheClippedPresets() {
    Metrics clipped = TOKENS.run(Objective.grpoTwoSided(1.5f)).metrics();
    assertTrue(clipped.clipFractionLow() > 0 && clipped.clipFractionHigh() > 0, () -> "" + clipped);
    assertTrue(clipped.dualClipFraction() > 0, () -> "" + clipped);
    assertTrue(TOKENS.run(Objective.grpo()).metrics().dualClipFraction() > 0);
    Metrics narrow = TOKENS.run(Objective.gspo()).metrics();
    assertEquals(3.0 / 7, narrow.clipFraction(Role.ROLLOUT), 1e-12, "the first sequence");
  }

  @Test
  void clipCovDropsOneTokenOfHighCovarianceAndLeavesTheOthersAsTheyWere() {
    // Any token of positive covariance that is not clipped may be drawn, and no more than one is.
    Objective ppo = Objective.ppo();
    Objective clipCov = Objective.clipCov(7);
    Rule rule = clipCov.rollout().toBuilder().covariance(Covariance.clip(7, 2e-4f, 0, 9)).build();
    float[] before = TOKENS.run(ppo).c();
    Tokens.Result after = TOKENS.run(Objective.builder().rollout(rule).build());
    int[] dropped = IntStream.range(0, N).filter(t -> after.c()[t] != before[t]).toArray();
    assertEquals(1, dropped.length);
    assertEquals(0, after.c()[dropped[0]]);
    assertEquals(1, after.metrics().droppedTokens());
    assertTrue(covariance(dropped[0]) > 0);
  }

  @Test
  void presetsThatNeedOnlyATokenTakeOnePassAndTheOthersSayWhyNot() {
    for (Objective objective :
        new Objective[] {
          Objective.sft(), Objective.dapo(), Objective.cispo(), Objective.sapo(), Objective.gpg()
        }) {
      assertEquals("", objective.secondPass());
      assertTrue(objective.isOnePass());
    }
    assertEquals("rollout.ratio_level", Objective.gspo().secondPass());
    assertEquals("rollout.ratio_level", Objective.rlooTrl().secondPass());
    assertEquals("rollout.policy_loss", Objective.gmpo().secondPass());
    assertEquals("rollout.policy_loss", Objective.vespo().secondPass());
    assertEquals("rollout.covariance", Objective.clipCov(1).secondPass());
    assertEquals("rollout.covariance", Objective.klCov().secondPass());
    assertEquals(false, Objective.klCov().isOnePass());
  }

  private static Arguments preset(String name, Objective objective, IntToDoubleFunction c) {
    return Arguments.of(name, objective, c);
  }

  /** GSPO's bounds are so narrow that most sequences are clipped. */
  private static Objective wide(Objective objective) {
    return objective.toBuilder().clip(0.9f, 9).build();
  }

  private static double a(int t) {
    return TOKENS.advantages[t];
  }

  private static int n(int t) {
    return t < 3 ? 3 : 4;
  }

  private static double delta(int t) {
    return (double) TOKENS.logp[t] - requireNonNull(TOKENS.old)[t];
  }

  private static double r(int t) {
    return Math.exp(delta(t));
  }

  private static double sum(int t, IntToDoubleFunction value) {
    return IntStream.range(t < 3 ? 0 : 3, t < 3 ? 3 : 7).mapToDouble(value).sum();
  }

  private static double ratioOfMean(int t) {
    return Math.exp(sum(t, PresetGradientTest::delta) / n(t));
  }

  private static double ratioOfResponse(int t) {
    return Math.exp(sum(t, PresetGradientTest::delta));
  }

  private static double clipped(int t, double low, double high) {
    return clipped(t, r(t), low, high);
  }

  private static double clipped(int t, double x, double low, double high) {
    boolean outside = a(t) > 0 ? x > 1 + high : x < 1 - low;
    return outside ? 0 : -a(t) * x;
  }

  private static double dual(int t, double high, double most) {
    return a(t) < 0 && r(t) > most ? 0 : clipped(t, 0.2, high);
  }

  private static double sapo(int t) {
    double temperature = a(t) > 0 ? 1 : 1.05;
    double s = 1 / (1 + Math.exp(-temperature * (r(t) - 1)));
    return -4 * s * (1 - s) * a(t) * r(t);
  }

  private static double gmpo(int t) {
    double d = delta(t);
    if (a(t) > 0 ? d > 0.4 : d < -0.4) {
      return 0;
    }
    double bounded = sum(t, i -> a(i) > 0 ? Math.min(delta(i), 0.4f) : Math.max(delta(i), -0.4f));
    return -a(t) * Math.exp(bounded / n(t));
  }

  private static double vespo(int t) {
    double k = a(t) >= 0 ? 2 : 3;
    double lambda = a(t) >= 0 ? 3 : 2;
    double logW = sum(t, PresetGradientTest::delta);
    return -a(t) * Math.exp(lambda + k * logW - lambda * Math.exp(logW));
  }

  private static double covariance(int t) {
    double meanA = IntStream.range(0, N).mapToDouble(PresetGradientTest::a).average().orElse(0);
    double meanL = IntStream.range(0, N).mapToDouble(i -> TOKENS.logp[i]).average().orElse(0);
    return (a(t) - meanA) * (TOKENS.logp[t] - meanL);
  }

  private static double klCov(int t) {
    boolean highest = IntStream.range(0, N).allMatch(i -> covariance(i) <= covariance(t));
    return -a(t) * r(t) + (highest ? Math.signum(delta(t)) : 0);
  }
}
