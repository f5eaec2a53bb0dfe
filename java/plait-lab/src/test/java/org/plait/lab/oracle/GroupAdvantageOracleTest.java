package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.plait.Baseline;
import org.plait.GroupAdvantage;
import org.plait.ImportanceRatio;
import org.plait.Scale;
import org.plait.Singleton;

/** Definitions of advantages and ratios against values computed by hand. */
class GroupAdvantageOracleTest {

  private static final GroupAdvantage GRPO =
      new GroupAdvantage(Baseline.GROUP_MEAN, Scale.GROUP_STD, Singleton.ZERO, true, 0);

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
            new ImportanceRatio.Options(ImportanceRatio.Level.SEQUENCE_MEAN, 0.2f, 1.7f, none));
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
            new ImportanceRatio.Options(ImportanceRatio.Level.SEQUENCE_SUM, none, none, 2));
    assertEquals(Math.exp(2), sum.ratio()[0], 1e-14);
    assertEquals(ImportanceRatio.LIMITED, sum.flags()[0]);
  }
}
