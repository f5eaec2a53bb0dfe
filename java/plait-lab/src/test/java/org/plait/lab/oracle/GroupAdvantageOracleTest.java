package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.plait.Baseline;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.ImportanceRatio;
import org.plait.RatioLevel;
import org.plait.Scale;
import org.plait.Singleton;

/** Definitions of advantages and ratios against values computed by hand. */
class GroupAdvantageOracleTest {

  private static final GroupAdvantage GRPO = GroupAdvantage.grpo().epsilon(0);

  private static double[] advantages(GroupAdvantage options, double[] rewards, int... ids) {
    return GroupAdvantageOracle.evaluate(rewards, ids, 3, options).advantages();
  }

  @Test
  void grpoCentresAndScalesByGroup() {
    double[] result = advantages(GRPO, new double[] {1, 5, 3, 0, 1}, 0, 2, 0, 2, 0);
    // Group 0: 1, 3, 1, mean 5/3, sample variance 4/3. Group 2: 5, 0.
    double std = Math.sqrt(4 / 3.0);
    double root = Math.sqrt(0.5);
    assertArrayEquals(
        new double[] {-2 / 3.0 / std, root, 4 / 3.0 / std, -root, -2 / 3.0 / std}, result, 1e-15);
  }

  @Test
  void leaveOneOutTakesTheMeanOfTheOthers() {
    GroupAdvantage rloo = GRPO.baseline(Baseline.LEAVE_ONE_OUT).scale(Scale.NONE);
    assertArrayEquals(
        new double[] {-1, 1, 0.5, 0, -0.5},
        advantages(rloo, new double[] {0, 1, 1, 0, 0.5}, 0, 0, 1, 2, 1),
        1e-15);
  }

  @Test
  void constantGroupHasExactlyZeroAdvantage() {
    double[] result =
        advantages(
            GRPO, new double[] {0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f}, 0, 0, 0, 0, 0, 0, 0);
    assertArrayEquals(new double[7], result);
  }

  @Test
  void unscorableRewardsEnterNoStatisticAndGetZero() {
    double nan = Double.NaN;
    GroupAdvantageOracle.Result result =
        GroupAdvantageOracle.evaluate(
            new double[] {1, nan, 0, nan}, new int[] {0, 0, 0, 1}, 2, GRPO.scale(Scale.NONE));
    assertArrayEquals(new double[] {0.5, 0, -0.5, 0}, result.advantages());
    assertEquals(0.5, result.groupMean()[0]);
    assertTrue(Double.isNaN(result.groupMean()[1]) && Double.isNaN(result.groupStd()[1]));
  }

  @Test
  void theOnlyMemberGetsWhatTheOptionsSay() {
    double[] rewards = {3, 1, 0};
    assertEquals(0, advantages(GRPO, rewards, 0, 1, 1)[0]);
    assertEquals(
        3 / 1.5, advantages(GRPO.singleton(Singleton.REWARD).epsilon(0.5f), rewards, 0, 1, 1)[0]);
    GroupAdvantage batch = GRPO.baseline(Baseline.BATCH_MEAN).scale(Scale.NONE);
    assertEquals(3 - 4 / 3.0, advantages(batch, rewards, 0, 1, 1)[0], 1e-15);
  }

  private static double[] split(GroupAdvantage options, double[] rewards, byte... roles) {
    GroupAdvantageOracle.Input input =
        new GroupAdvantageOracle.Input(rewards, roles, null, new int[rewards.length], 1);
    return GroupAdvantageOracle.evaluate(input, options).advantages();
  }

  @Test
  void statisticsOverRolloutsHoldForDemonstrationsToo() {
    GroupAdvantage options = GroupAdvantage.luffySplit().epsilon(0);
    byte one = 1;
    byte two = 2;
    double root = Math.sqrt(0.5);
    assertArrayEquals(
        new double[] {root, -root, root},
        split(options, new double[] {1, 0, 1}, one, one, two),
        1e-15);
    // All rollouts fail: their deviation counts as 1, and the demonstration gets its lead.
    assertArrayEquals(
        new double[] {0, 0, 1}, split(options, new double[] {0, 0, 1}, one, one, two));
    // A single rollout leaves nothing to centre or scale by.
    assertArrayEquals(new double[] {0.5, 1}, split(options, new double[] {0.5, 1}, one, two));
    // Without a rollout there is no statistic; an ignored reward gets nothing.
    assertArrayEquals(new double[] {0, 0}, split(options, new double[] {0.5, 1}, two, (byte) 0));
  }

  @Test
  void epsilonAndFloorGoWhereTheOptionsSay() {
    double[] rewards = {3, 1};
    double std = Math.sqrt(2);
    assertEquals(1 / (std + 0.5), advantages(GRPO.epsilon(0.5f), rewards, 0, 0)[0], 1e-15);
    assertEquals(
        1 / Math.sqrt(2 + 0.5),
        advantages(GRPO.epsilon(0.5f).epsilonPlace(EpsilonPlace.VARIANCE), rewards, 0, 0)[0],
        1e-15);
    assertEquals(1 / 4.0, advantages(GRPO.stdFloor(4), rewards, 0, 0)[0], 1e-15);
    assertEquals(
        1 / Math.sqrt(2), advantages(GRPO.scale(Scale.BATCH_STD), rewards, 0, 0)[0], 1e-15);
  }

  @Test
  void weightedMeanIsByWeight() {
    GroupAdvantageOracle.Input input =
        new GroupAdvantageOracle.Input(
            new double[] {1, 0, 0.5}, null, new double[] {3, 1, 0}, new int[3], 1);
    assertArrayEquals(
        new double[] {0.25, -0.75, -0.25},
        GroupAdvantageOracle.evaluate(input, GroupAdvantage.opo()).advantages(),
        1e-15);
  }

  @Test
  void sequenceRatiosAreMeansAndSumsOfLogRatios() {
    double[] logProbs = {Math.log(2), 0, Math.log(8), -5, Math.log(3)};
    byte[] roles = {1, 1, 1, 0, 2};
    long[] offsets = {0, 4, 4, 5};
    float none = Float.POSITIVE_INFINITY;
    ImportanceRatioOracle.Result mean =
        ImportanceRatioOracle.evaluate(
            logProbs,
            new double[5],
            roles,
            offsets,
            new ImportanceRatio.Options(RatioLevel.SEQUENCE_MEAN, 0.2f, 1.7f, none));
    double cubeRoot = Math.cbrt(16);
    assertArrayEquals(new double[] {cubeRoot, cubeRoot, cubeRoot, 0, 3}, mean.ratio(), 1e-14);
    assertArrayEquals(new double[] {cubeRoot, 1, 3}, mean.sequenceRatio(), 1e-14);
    assertArrayEquals(new int[] {0, 0, 0, 0, ImportanceRatio.ABOVE}, mean.flags());
    ImportanceRatioOracle.Result sum =
        ImportanceRatioOracle.evaluate(
            logProbs,
            new double[5],
            roles,
            offsets,
            new ImportanceRatio.Options(RatioLevel.SEQUENCE_SUM, none, none, 2));
    assertEquals(Math.exp(2), sum.ratio()[0], 1e-14);
    assertEquals(ImportanceRatio.LIMITED, sum.flags()[0]);
  }
}
