package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GroupAdvantageTest {
  private static final float NAN = Float.NaN;

  static Stream<GroupAdvantage> presets() {
    return Stream.of(
        GroupAdvantage.grpo(),
        GroupAdvantage.drGrpo(),
        GroupAdvantage.rloo(),
        GroupAdvantage.standardised());
  }

  @ParameterizedTest
  @MethodSource("presets")
  void constantGroupHasExactlyZeroAdvantage(GroupAdvantage options) {
    for (float reward : new float[] {0.1f, 0.7f, -1e-3f, 1e30f, 0}) {
      for (int size : new int[] {2, 3, 7, 8, 1000}) {
        TensorView rewards = StepFixture.filled(size, reward);
        float[] advantages = options.epsilon(0).of(rewards, groupsOf(size)).toFloats();
        assertArrayEquals(new float[size], advantages, "reward " + reward + " times " + size);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("presets")
  void advantagesOfAScoredGroupSumToZeroAndAreNotAllZero(GroupAdvantage options) {
    Random random = new Random(3);
    float[] rewards = new float[24];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = (float) random.nextGaussian();
    }
    float[] advantages =
        options.of(TensorView.copyOf(rewards), groupsOf(rewards.length)).toFloats();
    double sum = 0;
    double magnitude = 0;
    for (float advantage : advantages) {
      sum += advantage;
      magnitude += Math.abs(advantage);
    }
    assertTrue(magnitude > 1, "magnitude " + magnitude);
    assertEquals(0, sum, 1e-6 * magnitude);
  }

  @ParameterizedTest
  @MethodSource("presets")
  void anUnscorableRowGetsZeroAndChangesNobodyElse(GroupAdvantage options) {
    float[] with =
        options.of(TensorView.copyOf(1f, NAN, 0, 3, NAN, 2), offsets(0, 4, 6)).toFloats();
    float[] without = options.of(TensorView.copyOf(1f, 0, 3, 2), offsets(0, 3, 4)).toFloats();
    assertArrayEquals(new float[] {without[0], 0, without[1], without[2], 0, without[3]}, with);
    assertNotEquals(0, with[0]);
  }

  @Test
  void grpoIsTheStandardScoreWithTheSampleDeviation() {
    TensorView rewards = TensorView.copyOf(1f, 2, 6, 5, 5.5f);
    Groups groups = offsets(0, 3, 5);
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(5, 2);
    compute(GroupAdvantage.grpo().epsilon(0.5f), rewards, groups, out);
    double std = Math.sqrt((4 + 1 + 9) / 2.0);
    assertEquals(3, requireNonNull(out.groupMean()).getFloat(0));
    assertEquals(std, requireNonNull(out.groupStd()).getFloat(0), 1e-6);
    assertArrayEquals(
        new float[] {
          (float) (-2 / (std + 0.5)), (float) (-1 / (std + 0.5)), (float) (3 / (std + 0.5))
        },
        out.advantages().rows(0, 3).toFloats(),
        1e-6f);
    compute(GroupAdvantage.grpo().sampleStd(false).epsilon(0), rewards, groups, out);
    assertEquals(3 / Math.sqrt(14 / 3.0), out.advantages().getFloat(2), 1e-6);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 16})
  void leaveOneOutIsTheMeanBaselineTimesNOverNMinusOne(int size) {
    TensorView rewards = StepFixture.gaussian(size, size);
    float[] mean = GroupAdvantage.drGrpo().of(rewards, groupsOf(size)).toFloats();
    float[] leaveOneOut = GroupAdvantage.rloo().of(rewards, groupsOf(size)).toFloats();
    for (int i = 0; i < size; i++) {
      assertNotEquals(0, mean[i]);
      double expected = mean[i] * (double) size / (size - 1);
      assertEquals(expected, leaveOneOut[i], 1e-6 * Math.abs(expected) + 1e-6);
    }
  }

  @Test
  void theOnlyMemberOfAGroupGetsZeroOrItsRewardAsChosen() {
    TensorView rewards = TensorView.copyOf(3f, NAN, 5);
    Groups groups = offsets(0, 2, 3);
    for (GroupAdvantage options :
        new GroupAdvantage[] {
          GroupAdvantage.grpo(), GroupAdvantage.drGrpo(), GroupAdvantage.rloo()
        }) {
      assertArrayEquals(new float[3], options.of(rewards, groups).toFloats());
      float scale = options.scale() == Scale.NONE ? 1 : 1.5f;
      assertArrayEquals(
          new float[] {3 / scale, 0, 5 / scale},
          options.singleton(Singleton.REWARD).epsilon(0.5f).of(rewards, groups).toFloats(),
          1e-6f);
    }
  }

  @Test
  void idsGroupInAnyOrderLikeOffsetsGroupNeighbours() {
    TensorView rewards = TensorView.copyOf(1f, 2, 4, 8, 16, 32);
    float[] byOffsets = GroupAdvantage.grpo().of(rewards, offsets(0, 3, 6)).toFloats();
    TensorView shuffled = TensorView.copyOf(8f, 1, 2, 16, 4, 32);
    Groups ids = Groups.ids(TensorView.copyOf(1L, 0, 0, 1, 0, 1), 2);
    float[] byIds = GroupAdvantage.grpo().of(shuffled, ids).toFloats();
    assertArrayEquals(
        new float[] {
          byOffsets[3], byOffsets[0], byOffsets[1], byOffsets[4], byOffsets[2], byOffsets[5]
        },
        byIds,
        1e-6f);
    assertNotEquals(0, byIds[0]);
  }

  @Test
  void theBatchBaselineAndScaleLookAcrossGroups() {
    TensorView rewards = TensorView.copyOf(1f, 1, 3, 3);
    float[] expected = {-1, -1, 1, 1};
    GroupAdvantage options = GroupAdvantage.standardised().sampleStd(false).epsilon(0);
    assertArrayEquals(expected, options.of(rewards, offsets(0, 2, 4)).toFloats(), 1e-6f);
    assertArrayEquals(
        new float[4],
        options.baseline(Baseline.GROUP_MEAN).of(rewards, offsets(0, 2, 4)).toFloats());
    assertArrayEquals(
        new float[] {1, 1, 3, 3},
        options.baseline(Baseline.NONE).scale(Scale.NONE).of(rewards, offsets(0, 4)).toFloats());
  }

  @Test
  void emptyGroupsAndNoRewardsWork() {
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(0, 1);
    compute(GroupAdvantage.grpo(), TensorView.allocate(DType.FLOAT32, 0), offsets(0, 0), out);
    assertEquals(NAN, requireNonNull(out.groupMean()).getFloat(0));
    assertEquals(
        0, GroupAdvantage.grpo().of(TensorView.allocate(DType.FLOAT32, 0), offsets(0)).elements());
  }

  private static void compute(
      GroupAdvantage options, TensorView rewards, Groups groups, GroupAdvantage.Output out) {
    long bytes = GroupAdvantage.workspaceBytes(groups.count());
    options.compute(
        Backend.cpu(),
        GroupAdvantage.Input.of(rewards, groups),
        out,
        TensorView.allocate(DType.UINT8, bytes));
  }

  private static Groups groupsOf(long size) {
    return offsets(0, size);
  }

  private static Groups offsets(long... values) {
    return Groups.offsets(TensorView.copyOf(values));
  }
}
