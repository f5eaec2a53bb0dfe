package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.plait.recipe.Refusals.assertRefused;

import org.junit.jupiter.api.Test;

class GroupOutcomeTest {
  @Test
  void countsSuccesses() {
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(0, 0, 0, 0));
    assertEquals(GroupOutcome.SOME_SOLVED, GroupOutcome.of(0, 0, 1, 0));
    assertEquals(GroupOutcome.ALL_SOLVED, GroupOutcome.of(0, 1, 1));
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(-1, -1, -1));
    assertEquals(GroupOutcome.ALL_SOLVED, GroupOutcome.of(-1, 1, 1));
  }

  @Test
  void formatRewardsAreFailuresTooWhereUpstreamCountsThemNowhere() {
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(0, 0, -1, 0));
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(0, -1, -1));
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(0.1f, 0.1f, 0));
  }

  @Test
  void unscorableRolloutsDoNotCount() {
    float nan = Float.NaN;
    assertEquals(GroupOutcome.NONE_SOLVED, GroupOutcome.of(0, nan, 0));
    assertEquals(GroupOutcome.ALL_SOLVED, GroupOutcome.of(0, nan, 1));
    assertEquals(GroupOutcome.UNSCORED, GroupOutcome.of(0, nan, nan));
    assertEquals(GroupOutcome.UNSCORED, GroupOutcome.of(0));
  }

  @Test
  void refusesWhatIsNoReward() {
    assertRefused(
        "rewards: expected finite numbers or NaN, got Infinity",
        () -> GroupOutcome.of(0, 0, Float.POSITIVE_INFINITY));
    assertRefused("failReward: expected a number, got NaN", () -> GroupOutcome.of(Float.NaN, 0));
  }

  @Test
  void aWrongBinaryRewardIsAFailureInBothForms() {
    for (BinaryReward form : BinaryReward.values()) {
      assertEquals(
          GroupOutcome.SOME_SOLVED,
          GroupOutcome.of(form.wrong(), form.of(true), form.of(false)),
          form.toString());
      assertEquals(
          GroupOutcome.NONE_SOLVED,
          GroupOutcome.of(form.wrong(), form.of(false), form.of(false)),
          form.toString());
    }
  }

  @Test
  void srftsRewardFormsAreThoseOfThePaper() {
    assertEquals(1, BinaryReward.ONE_ZERO.of(true));
    assertEquals(0, BinaryReward.ONE_ZERO.of(false));
    assertEquals(1, BinaryReward.PLUS_MINUS_ONE.of(true));
    assertEquals(-1, BinaryReward.PLUS_MINUS_ONE.of(false));
  }
}
