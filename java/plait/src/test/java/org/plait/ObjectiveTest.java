package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.missing;
import static org.plait.Refusals.refused;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectiveTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  static Stream<Objective> presets() {
    return Stream.of(
        Objective.sft(),
        Objective.reinforce(),
        Objective.rloo(),
        Objective.rlooTrl(),
        Objective.reinforcePlusPlus(),
        Objective.ppo(),
        Objective.grpo(),
        Objective.grpoTwoSided(4),
        Objective.drGrpo(),
        Objective.drGrpoTrl(),
        Objective.dapo(),
        Objective.gspo(),
        Objective.gspoToken(),
        Objective.cispo(),
        Objective.sapo(),
        Objective.gmpo(),
        Objective.vespo(),
        Objective.luspo(),
        Objective.gpg(),
        Objective.clipCov(3),
        Objective.klCov(),
        HybridObjectives.luffy(),
        HybridObjectives.luffyRlSft(),
        HybridObjectives.srft(),
        HybridObjectives.srftHpt(),
        HybridObjectives.relift(),
        HybridObjectives.reliftSft(),
        HybridObjectives.uft(0.001f),
        HybridObjectives.prefixRft(),
        HybridObjectives.bread(0.04f));
  }

  @ParameterizedTest
  @MethodSource("presets")
  void rebuildingAPresetGivesAnEqualObjective(Objective preset) {
    assertEquals(preset, preset.toBuilder().build());
    for (Role role : Role.values()) {
      assertEquals(preset.rule(role), preset.rule(role).toBuilder().build());
    }
    assertTrue(preset.rollout().isOn());
    assertFalse(preset.rule(Role.IGNORED).isOn());
  }

  @Test
  void presetsHaveTheNumbersOfTheirPapers() {
    assertEquals(0.28f, Objective.dapo().rollout().policy().clipHigh());
    assertEquals(10f, Objective.dapo().rollout().policy().dualClip());
    assertEquals(3f, Objective.grpo().rollout().policy().dualClip());
    assertEquals(
        Aggregation.SEQ_MEAN_TOKEN_MEAN, Objective.grpo().rollout().policy().term().aggregation());
    assertEquals(
        Aggregation.CONSTANT_LENGTH, Objective.drGrpo().rollout().policy().term().aggregation());
    assertEquals(PolicyLoss.REINFORCE, Objective.reinforce().rollout().policy().loss());
    assertEquals(3e-4f, Objective.gspo().rollout().policy().clipLow());
    assertEquals(4e-4f, Objective.gspo().rollout().policy().clipHigh());
    assertEquals(2.5e-3f, Objective.luspo().rollout().policy().clipHigh());
    assertEquals(0.4f, Objective.gmpo().rollout().policy().clipLow());
    assertEquals(INF, Objective.cispo().rollout().policy().clipLow());
    assertEquals(2e-4f, Objective.clipCov(3).rollout().policy().covariance().fraction());
    assertEquals(3, Objective.clipCov(3).rollout().policy().covariance().seed());
    assertEquals(Reshaping.LUFFY, HybridObjectives.luffy().demonstration().policy().reshaping());
    assertEquals(0.8f, HybridObjectives.prefixRft().hint().policy().selection().drop());
    assertEquals(0.04f, HybridObjectives.bread(0.04f).rollout().kl().term().coefficient());
    assertEquals(Objective.sft().rollout(), Objective.sft().demonstration());
    assertEquals(Rule.NONE, Objective.grpo().demonstration());
  }

  @Test
  void clipChangesTheRulesThatClipAndNoOther() {
    Objective mixed = Objective.grpo().toBuilder().demonstration(sftRule()).build();
    Objective changed = mixed.toBuilder().clip(0.1f, 0.3f).dualClip(5).logRatioLimit(20).build();
    assertEquals(0.1f, changed.rollout().policy().clipLow());
    assertEquals(0.3f, changed.rollout().policy().clipHigh());
    assertEquals(5f, changed.rollout().policy().dualClip());
    assertEquals(20f, changed.rollout().policy().logRatioLimit());
    assertEquals(mixed.demonstration(), changed.demonstration());
    assertEquals(mixed.hint(), changed.hint());
  }

  @Test
  void shortcutsOfTheRatioLeaveCertainExpertsAlone() {
    Objective luffy = HybridObjectives.luffy();
    Objective changed =
        luffy.toBuilder()
            .clip(0.2f, 0.2f)
            .dualClip(3)
            .logRatioLimit(20)
            .ratioLevel(RatioLevel.SEQUENCE_MEAN)
            .build();
    assertEquals(luffy.demonstration(), changed.demonstration());
    assertEquals(RatioLevel.SEQUENCE_MEAN, changed.rollout().policy().ratioLevel());
    assertEquals(0.2f, changed.rollout().policy().clipLow());
  }

  @Test
  void aRuleCanBeChangedInPlace() {
    Objective luffy = HybridObjectives.luffy();
    Objective changed =
        luffy.toBuilder()
            .rollout(rule -> rule.maxProbability(0.9f))
            .demonstration(rule -> rule.reshape(Reshape.POWER, 0.5f))
            .hint(rule -> rule.nll(Term.of(2)))
            .build();
    assertEquals(0.9f, changed.rollout().policy().maxProbability());
    assertEquals(
        luffy.rollout(), changed.rollout().toBuilder().maxProbability(INF).build(), "the rest");
    assertEquals(Reshape.POWER, changed.demonstration().policy().reshaping().reshape());
    assertEquals(2, changed.hint().nll().term().coefficient());
    refused("drop", () -> luffy.toBuilder().hint(r -> r.selection(bad())));
  }

  private static EntropySelection bad() {
    return new EntropySelection(Scope.BATCH, 2);
  }

  @Test
  void aCorrectionAppliesToRolloutsUntilItIsSwitchedOff() {
    SamplerCorrection tis = SamplerCorrection.tis(2);
    Objective corrected = HybridObjectives.luffy().toBuilder().correction(tis).build();
    assertEquals(tis, corrected.correction());
    assertTrue(corrected.rollout().policy().samplerCorrection());
    assertFalse(corrected.demonstration().policy().samplerCorrection());
    assertEquals(
        HybridObjectives.luffy(), corrected.toBuilder().correction(SamplerCorrection.NONE).build());
    assertTrue(corrected.isOnePass());
    refused("correction", () -> Objective.sft().toBuilder().correction(tis));
    Rule plain = Objective.ppo().rollout();
    refused("correction", () -> corrected.toBuilder().rollout(plain).build());
  }

  @Test
  void termsOfTheirOwnAggregationStayAsGiven() {
    Term bonus = new Term(0.001f, Aggregation.TOKEN_MEAN, Population.OWN_ROLE);
    Objective objective =
        HybridObjectives.luffy().toBuilder().entropyBonus(bonus).kl(KlEstimator.K2, bonus).build();
    assertEquals(bonus, objective.rollout().entropy());
    assertEquals(bonus, objective.demonstration().entropy());
    assertEquals(bonus, objective.demonstration().kl().term());
    assertEquals(Rule.NONE, objective.hint());
  }

  @Test
  void klAndEntropyGoToThePolicyLossAndAreAggregatedLikeIt() {
    Objective objective =
        Objective.grpo().toBuilder()
            .demonstration(sftRule())
            .kl(KlEstimator.K2, 0.04f)
            .entropyBonus(0.01f)
            .build();
    assertEquals(KlEstimator.K2, objective.rollout().kl().estimator());
    assertEquals(
        new Term(0.04f, Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.ALL_TOKENS),
        objective.rollout().kl().term());
    assertEquals(
        new Term(0.01f, Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.ALL_TOKENS),
        objective.rollout().entropy());
    assertEquals(sftRule(), objective.demonstration());
  }

  @Test
  void withoutAPolicyLossEntropyGoesToTheLikelihoods() {
    Objective objective = Objective.builder().demonstration(sftRule()).entropyBonus(0.5f).build();
    assertEquals(Term.of(0.5f), objective.demonstration().entropy());
    assertEquals(Rule.NONE, objective.rollout());
    assertEquals(
        Term.of(0.5f), Objective.sft().toBuilder().entropyBonus(0.5f).build().hint().entropy());
  }

  @Test
  void aggregationChangesEveryTerm() {
    Objective objective =
        Objective.ppo().toBuilder()
            .kl(KlEstimator.K1, 1)
            .entropyBonus(1)
            .aggregation(Aggregation.SEQ_MEAN_TOKEN_SUM)
            .build();
    for (Term term :
        new Term[] {
          objective.rollout().policy().term(),
          objective.rollout().kl().term(),
          objective.rollout().entropy()
        }) {
      assertEquals(Aggregation.SEQ_MEAN_TOKEN_SUM, term.aggregation());
      assertEquals(1, term.coefficient());
    }
    assertEquals(Rule.NONE, objective.hint());
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, Float.NaN, Float.NEGATIVE_INFINITY})
  void boundsBelowZeroAreRefused(float bound) {
    refused("clipLow", () -> Objective.ppo().toBuilder().clip(bound, 0.2f));
    refused("clipHigh", () -> Objective.ppo().toBuilder().clip(0.2f, bound));
    refused("dualClip", () -> Objective.ppo().toBuilder().dualClip(bound));
    refused("logRatioLimit", () -> Objective.ppo().toBuilder().logRatioLimit(bound));
    refused("coefficient", () -> Objective.ppo().toBuilder().entropyBonus(bound));
    refused("coefficient", () -> Objective.ppo().toBuilder().kl(KlEstimator.K3, bound));
    refused("coefficient", () -> Term.of(bound));
    refused("epsilon", () -> GroupAdvantage.grpo().epsilon(bound));
  }

  @Test
  void boundsAtTheEdgeAreToldFromThoseBeyond() {
    refused("dualClip", () -> Objective.ppo().toBuilder().dualClip(1));
    refused("logRatioLimit", () -> Objective.ppo().toBuilder().logRatioLimit(0));
    refused("coefficient", () -> Term.of(INF));
    refused("epsilon", () -> GroupAdvantage.grpo().epsilon(INF));
    Rule open =
        Objective.ppo().toBuilder().clip(0, INF).dualClip(INF).logRatioLimit(INF).build().rollout();
    assertEquals(0, open.policy().clipLow());
    assertEquals(INF, open.policy().clipHigh());
    assertEquals(
        Math.nextUp(1f),
        Objective.ppo().toBuilder()
            .dualClip(Math.nextUp(1f))
            .build()
            .rollout()
            .policy()
            .dualClip());
  }

  @Test
  void shortcutsThatApplyToNothingAreRefused() {
    refused("clip", () -> Objective.sft().toBuilder().clip(0.2f, 0.2f));
    refused("dualClip", () -> Objective.reinforce().toBuilder().dualClip(3));
    refused("logRatioLimit", () -> Objective.sft().toBuilder().logRatioLimit(20));
    refused("kl", () -> Objective.builder().kl(KlEstimator.K1, 1));
    refused("entropyBonus", () -> Objective.builder().entropyBonus(1));
    refused("aggregation", () -> Objective.builder().aggregation(Aggregation.TOKEN_MEAN));
    refused("objective", () -> Objective.builder().build());
    refused("policy", () -> Rule.builder().policy(PolicyLoss.NONE, Term.of(1)).build());
  }

  @Test
  void missingPartsAreNamed() {
    assertEquals(
        "hint",
        assertThrows(
                NullPointerException.class,
                () -> Objective.builder().hint(Refusals.<Rule>missing()))
            .getMessage());
    assertEquals(
        "estimator",
        assertThrows(
                NullPointerException.class, () -> Rule.builder().kl(missing(), Term.OFF).build())
            .getMessage());
    assertEquals(
        "population",
        assertThrows(
                NullPointerException.class, () -> new Term(1, Aggregation.TOKEN_MEAN, missing()))
            .getMessage());
  }

  private static Rule sftRule() {
    return Objective.sft().demonstration();
  }
}
