package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.message;
import static org.plait.Refusals.missing;
import static org.plait.Refusals.refused;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rules and what they are made of: every builder method counts, and nonsense is refused by name.
 */
class RuleTest {
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float NAN = Float.NaN;
  private static final EntropyWeighting WEIGHTING =
      new EntropyWeighting(Scope.TOKEN, 0.5f, -1, true);

  static Stream<Arguments> changes() {
    return Stream.of(
            Rule.builder().policy(PolicyLoss.SAPO, Term.of(2)),
            Rule.builder().clip(0.1f, INF),
            Rule.builder().clip(INF, 0.1f),
            Rule.builder().dualClip(3),
            Rule.builder().logRatioLimit(20),
            Rule.builder().behaviour(Behaviour.CERTAIN),
            Rule.builder().ratioLevel(RatioLevel.SEQUENCE_SUM),
            Rule.builder().reshape(Reshape.POWER, 0.5f),
            Rule.builder().reshapeBounds(0, 1),
            Rule.builder().maxProbability(0.9f),
            Rule.builder().offPolicyThreshold(1e-4f),
            Rule.builder().sapo(2, 3),
            Rule.builder().vespo(1, 2, 3, 4),
            Rule.builder().samplerCorrection(true),
            Rule.builder().policyWeighting(WEIGHTING),
            Rule.builder().selection(new EntropySelection(Scope.BATCH, 0.8f)),
            Rule.builder().covariance(Covariance.kl(0.5f, 2)),
            Rule.builder().nll(Term.of(1)),
            Rule.builder().nllWeighting(WEIGHTING),
            Rule.builder().nllProbabilityWeighting(ProbabilityWeighting.VARIANCE),
            Rule.builder().kl(KlEstimator.ABS, Term.of(1)),
            Rule.builder().klForm(KlForm.TIMES_RATIO),
            Rule.builder().klLimits(20, INF),
            Rule.builder().klLimits(INF, 10),
            Rule.builder().entropy(Term.of(1)))
        .map(builder -> Arguments.of(builder.build()));
  }

  @ParameterizedTest
  @MethodSource("changes")
  void everyBuilderMethodChangesTheRuleAndSurvivesRebuilding(Rule rule) {
    assertFalse(rule.equals(Rule.NONE), rule::toString);
    assertEquals(rule, rule.toBuilder().build());
  }

  @Test
  void reshapeAndItsBoundsAreSetApart() {
    Reshaping expected = new Reshaping(Reshape.LOG, 2, 0.5f, 3);
    Rule.Builder first = Rule.builder().reshape(Reshape.LOG, 2).reshapeBounds(0.5f, 3);
    Rule.Builder second = Rule.builder().reshapeBounds(0.5f, 3).reshape(Reshape.LOG, 2);
    assertEquals(expected, first.build().policy().reshaping());
    assertEquals(expected, second.build().policy().reshaping());
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.5f, NAN, Float.NEGATIVE_INFINITY})
  void numbersBelowZeroAreRefused(float bad) {
    rule("clipLow", Rule.builder().clip(bad, 1));
    rule("clipHigh", Rule.builder().clip(1, bad));
    rule("dualClip", Rule.builder().dualClip(bad));
    rule("logRatioLimit", Rule.builder().logRatioLimit(bad));
    rule("maxProbability", Rule.builder().maxProbability(bad));
    rule("logLimit", Rule.builder().klLimits(bad, 1));
    rule("valueLimit", Rule.builder().klLimits(1, bad));
    refused("parameter", () -> Rule.builder().reshape(Reshape.RATIONAL, bad));
    refused("positive", () -> Rule.builder().sapo(bad, 1));
    refused("negative", () -> Rule.builder().sapo(1, bad));
    refused("scale", () -> EntropyWeighting.of(Scope.TOKEN, bad, 1));
    refused("drop", () -> new EntropySelection(Scope.BATCH, bad));
    refused("fraction", () -> Covariance.kl(bad, 1));
    refused("coefficient", () -> Covariance.kl(0.1f, bad));
    refused("high", () -> SamplerCorrection.tis(bad));
    refused("low", () -> SamplerCorrection.icePop(bad, 2));
    refused("logLimit", () -> SamplerCorrection.builder().logLimit(bad).build());
    refused("filterHigh", () -> filter(0, bad));
    refused("filterLow", () -> filter(bad, 1));
  }

  @Test
  void numbersAtTheEdgeAreToldFromThoseBeyond() {
    rule("dualClip", Rule.builder().dualClip(1));
    rule("logRatioLimit", Rule.builder().logRatioLimit(0));
    rule("maxProbability", Rule.builder().maxProbability(0));
    rule("offPolicyThreshold", Rule.builder().offPolicyThreshold(NAN));
    rule("logLimit", Rule.builder().klLimits(0, 1));
    refused("parameter", () -> Reshaping.of(Reshape.POWER, 0));
    refused("parameter", () -> Reshaping.of(Reshape.POWER, INF));
    refused("low", () -> new Reshaping(Reshape.POWER, 1, 2, 1));
    refused("low", () -> new Reshaping(Reshape.POWER, 1, NAN, 1));
    refused("low", () -> new Reshaping(Reshape.POWER, 1, 1, NAN));
    refused("positive", () -> new Sapo(0, 1));
    refused("negative", () -> new Sapo(1, INF));
    refused("positiveK", () -> new Vespo(INF, 1, 1, 1));
    refused("positiveLambda", () -> new Vespo(1, NAN, 1, 1));
    refused("negativeK", () -> new Vespo(1, 1, NAN, 1));
    refused("negativeLambda", () -> new Vespo(1, 1, 1, -INF));
    refused("exponent", () -> EntropyWeighting.of(Scope.TOKEN, 1, INF));
    refused("scale", () -> EntropyWeighting.of(Scope.TOKEN, INF, 1));
    refused("drop", () -> new EntropySelection(Scope.SEQUENCE, 1));
    refused("fraction", () -> Covariance.kl(0, 1));
    refused("fraction", () -> Covariance.kl(Math.nextUp(1f), 1));
    refused("low", () -> Covariance.clip(1, 0.5f, 2, 1));
    refused("low", () -> Covariance.clip(1, 0.5f, NAN, 1));
    refused("high", () -> SamplerCorrection.tis(0));
    refused("low", () -> SamplerCorrection.icePop(3, 2));
    refused("filterLow", () -> filter(2, 1));
    assertEquals(1, Covariance.kl(1, 0).fraction());
    assertEquals(0, new EntropySelection(Scope.SEQUENCE, 0).drop());
    assertEquals(2, SamplerCorrection.icePop(2, 2).low());
    assertEquals(0, filter(0, 0).filterHigh());
    assertEquals(2, new Reshaping(Reshape.POWER, 1, 2, 2).high());
  }

  @Test
  void choicesThatContradictThemselvesAreRefused() {
    rule("policy", Rule.builder().policy(PolicyLoss.NONE, Term.of(1)));
    refused("scope", () -> new EntropySelection(Scope.TOKEN, 0.5f));
    refused("scope", () -> EntropyWeighting.of(Scope.BATCH, 1, 1));
    refused(
        "level",
        () ->
            SamplerCorrection.builder()
                .weights(CorrectionLevel.SEQUENCE_MAX, CorrectionBounds.MASK, 0, 1)
                .build());
    refused(
        "filterEstimator",
        () ->
            SamplerCorrection.builder()
                .filter(CorrectionLevel.TOKEN, KlEstimator.ABS, 0, 1)
                .build());
    assertEquals(
        "scope: expected NONE, SEQUENCE or BATCH, got TOKEN",
        message(
            assertThrows(
                IllegalArgumentException.class, () -> new EntropySelection(Scope.TOKEN, 0.5f))));
    assertEquals(
        "low: expected a number in [0, high (2.0)], got 3.0",
        message(
            assertThrows(IllegalArgumentException.class, () -> SamplerCorrection.icePop(3, 2))));
  }

  @Test
  void missingPartsAreNamed() {
    lacks("loss", Rule.builder().policy(missing(), Term.OFF));
    lacks("term", Rule.builder().policy(PolicyLoss.CLIP, missing()));
    lacks("behaviour", Rule.builder().behaviour(missing()));
    lacks("ratioLevel", Rule.builder().ratioLevel(missing()));
    lacks("weighting", Rule.builder().policyWeighting(missing()));
    lacks("selection", Rule.builder().selection(missing()));
    lacks("covariance", Rule.builder().covariance(missing()));
    lacks("term", Rule.builder().nll(missing()));
    lacks("weighting", Rule.builder().nllWeighting(missing()));
    lacks("probabilityWeighting", Rule.builder().nllProbabilityWeighting(missing()));
    lacks("estimator", Rule.builder().kl(missing(), Term.OFF));
    lacks("form", Rule.builder().klForm(missing()));
    lacks("entropy", Rule.builder().entropy(missing()));
  }

  @Test
  void correctionsSayWhatTheyCorrect() {
    assertFalse(SamplerCorrection.NONE.isOn());
    assertTrue(SamplerCorrection.tis(2).isOn());
    assertTrue(filter(0.5f, 2).isOn());
    assertEquals(20, SamplerCorrection.tisSequence(2).logLimit());
    assertEquals(CorrectionLevel.SEQUENCE_SUM, SamplerCorrection.sequenceMask(3).level());
    assertEquals(CorrectionBounds.MASK, SamplerCorrection.sequenceMask(3).bounds());
    SamplerCorrection all =
        SamplerCorrection.builder().normalise(true).filterAction(FilterAction.ZERO_WEIGHT).build();
    assertTrue(all.normalise());
    assertEquals(FilterAction.ZERO_WEIGHT, all.filterAction());
  }

  private static SamplerCorrection filter(float low, float high) {
    return SamplerCorrection.builder()
        .filter(CorrectionLevel.SEQUENCE_MEAN, KlEstimator.K1, low, high)
        .build();
  }

  private static void rule(String argument, Rule.Builder builder) {
    refused(argument, builder::build);
  }

  private static void lacks(String part, Rule.Builder builder) {
    assertEquals(part, assertThrows(NullPointerException.class, builder::build).getMessage());
  }
}
