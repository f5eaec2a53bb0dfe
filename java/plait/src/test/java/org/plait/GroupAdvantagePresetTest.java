package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.refused;
import static org.plait.Role.DEMONSTRATION;
import static org.plait.Role.HINT;
import static org.plait.Role.IGNORED;
import static org.plait.Role.ROLLOUT;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.GroupAdvantage.Input;

/** The presets against numbers worked out by hand from the formulas of the libraries. */
class GroupAdvantagePresetTest {
  /** One success of four: mean 1/4, sample deviation 1/2, population deviation sqrt(3)/4. */
  private static final TensorView REWARDS = TensorView.copyOf(1f, 0, 0, 0, 3, 5, 0.25f);

  private static final Groups GROUPS = Groups.offsets(TensorView.copyOf(0L, 4, 6, 7));

  static Stream<Arguments> presets() {
    double pair = Math.sqrt(2);
    // Sample deviation of all seven rewards.
    double mean = 9.25 / 7;
    double squares = 1 + 9 + 25 + 0.0625 - 7 * mean * mean;
    double batch = Math.sqrt(squares / 6);
    return Stream.of(
        preset("grpo", GroupAdvantage.grpo(), 0.5 + 1e-6, pair + 1e-6, 0),
        preset("verlGrpo", GroupAdvantage.verlGrpo(), 0.5 + 1e-6, pair + 1e-6, 0.25 / (1 + 1e-6)),
        preset(
            "verlGrpoVectorized",
            GroupAdvantage.verlGrpoVectorized(),
            0.5 + 1e-6,
            pair + 1e-6,
            0.25 / (1 + 1e-6)),
        preset("trl", GroupAdvantage.trl(), 0.5 + 1e-4, pair + 1e-4, 0),
        preset("trlBatch", GroupAdvantage.trlBatch(), batch + 1e-4, batch + 1e-4, 0),
        preset("oat", GroupAdvantage.oat(), 0.5 + 1e-8, pair + 1e-8, 0),
        preset("openRlhf", GroupAdvantage.openRlhf(), 0.5 + 1e-9, pair + 1e-9, 0),
        preset("drGrpo", GroupAdvantage.drGrpo(), 1, 1, 0),
        preset("luffy", GroupAdvantage.luffy(), 1, 1, 0.25),
        preset("reinforcePlusPlusBaseline", GroupAdvantage.reinforcePlusPlusBaseline(), 1, 1, 0.25),
        preset(
            "luffySplit", GroupAdvantage.luffySplit(), 0.5 + 1e-6, pair + 1e-6, 0.25 / (1 + 1e-6)),
        preset("rloo", GroupAdvantage.rloo(), 3 / 4.0, 1 / 2.0, 0),
        preset("rlooVerl", GroupAdvantage.rlooVerl(), 3 / 4.0, 1 / 2.0, 0.25));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("presets")
  void aPresetHasTheNumbersOfItsLibrary(
      String name, GroupAdvantage options, double first, double second, double singleton) {
    double[] expected = {
      0.75 / first, -0.25 / first, -0.25 / first, -0.25 / first, -1 / second, 1 / second, singleton
    };
    float[] advantages = options.of(REWARDS, GROUPS).toFloats();
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], advantages[i], 1e-7 * Math.max(1, Math.abs(expected[i])));
    }
  }

  @Test
  void standardisedRewardsLookAtTheBatchAlone() {
    double mean = 9.25 / 7;
    double batch = Math.sqrt((35.0625 - 7 * mean * mean) / 6);
    float[] advantages = GroupAdvantage.standardised().of(REWARDS, GROUPS).toFloats();
    assertEquals((1 - mean) / (batch + 1e-6), advantages[0], 1e-6);
    assertEquals((0.25 - mean) / (batch + 1e-6), advantages[6], 1e-6);
  }

  @Test
  void easyR1RefusesWhatTheOthersAcceptAndAgreesElsewhere() {
    GroupAdvantage options = GroupAdvantage.easyR1();
    refused("rewards", () -> options.of(REWARDS, GROUPS));
    TensorView rewards = REWARDS.rows(0, 6);
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 4, 6));
    assertArrayEquals(
        GroupAdvantage.grpo().of(rewards, groups).toFloats(),
        options.of(rewards, groups).toFloats());
  }

  @Test
  void opoWeighsItsBaselineByLength() {
    Input in =
        Input.of(TensorView.copyOf(1f, 0, 0.5f, 7), Groups.offsets(TensorView.copyOf(0L, 3, 4)))
            .withWeights(TensorView.copyOf(100f, 300, 600, 10));
    double baseline = (100 + 300) / 1000.0;
    assertArrayEquals(
        Tokens.values(1 - baseline, -baseline, 0.5 - baseline, 7),
        GroupAdvantage.opo().of(in).toFloats(),
        1e-6f);
    refused("weights", () -> GroupAdvantage.opo().of(REWARDS, GROUPS));
  }

  @Test
  void aDemonstrationIsInsideTheStatisticsOfLuffyAndOutsideThoseOfItsSplit() {
    Input failed = group(0, 0, 0, 1);
    assertArrayEquals(
        Tokens.values(-0.25, -0.25, -0.25, 0.75), GroupAdvantage.luffy().of(failed).toFloats());
    assertArrayEquals(
        Tokens.values(0, 0, 0, 1 / (1 + 1e-6)),
        GroupAdvantage.luffySplit().of(failed).toFloats(),
        1e-7f);

    Input some = group(1, 0, 0, 1);
    double mean = 1 / 3.0;
    double std = Math.sqrt((4 + 1 + 1) / 9.0 / 2) + 1e-6;
    assertArrayEquals(
        Tokens.values((1 - mean) / std, -mean / std, -mean / std, (1 - mean) / std),
        GroupAdvantage.luffySplit().of(some).toFloats(),
        1e-6f);
    assertArrayEquals(
        Tokens.values(1 - mean, -mean, -mean, 1 - mean),
        GroupAdvantage.luffySplit().scale(Scale.NONE).of(some).toFloats(),
        1e-6f);
  }

  @Test
  void aGroupWithoutARolloutHasNoStatisticsToSplitOff() {
    Input in =
        Input.of(TensorView.copyOf(1f, 0), Groups.offsets(TensorView.copyOf(0L, 2)))
            .withRoles(TensorView.copyOf(DEMONSTRATION, HINT));
    assertArrayEquals(new float[2], GroupAdvantage.luffySplit().of(in).toFloats());
    assertArrayEquals(
        Tokens.values(0.5, -0.5), GroupAdvantage.luffy().of(in).toFloats(), "all of them count");
  }

  @Test
  void anIgnoredResponseCountsAsUnscorable() {
    Input in =
        Input.of(TensorView.copyOf(1f, 0, 9), Groups.offsets(TensorView.copyOf(0L, 3)))
            .withRoles(TensorView.copyOf(ROLLOUT, ROLLOUT, IGNORED));
    assertArrayEquals(Tokens.values(0.5, -0.5, 0), GroupAdvantage.drGrpo().of(in).toFloats());
  }

  @Test
  void epsilonInsideTheRootIsNotEpsilonOutsideIt() {
    TensorView rewards = TensorView.copyOf(0f, 1);
    Groups pair = Groups.offsets(TensorView.copyOf(0L, 2));
    GroupAdvantage options = GroupAdvantage.grpo().sampleStd(false).epsilon(0.75f);
    assertEquals(0.5 / 1.25, options.of(rewards, pair).getFloat(1), 1e-6);
    assertEquals(
        0.5,
        options.epsilonPlace(EpsilonPlace.VARIANCE).of(rewards, pair).getFloat(1),
        1e-6,
        "sqrt(1/4 + 3/4) is 1");
  }

  @Test
  void theFloorHoldsSmallDeviationsUpAndZeroCountsAsOneWhereAsked() {
    TensorView rewards = TensorView.copyOf(0f, 1e-3f);
    Groups pair = Groups.offsets(TensorView.copyOf(0L, 2));
    GroupAdvantage options = GroupAdvantage.grpo().epsilon(0);
    assertEquals(1 / Math.sqrt(2), options.of(rewards, pair).getFloat(1), 1e-6);
    assertEquals(0.005, options.stdFloor(0.1f).of(rewards, pair).getFloat(1), 1e-8);

    TensorView equal = TensorView.copyOf(2f, 2);
    GroupAdvantage raw = options.baseline(Baseline.NONE);
    assertEquals(2, raw.zeroStdOne(true).of(equal, pair).getFloat(0));
    assertEquals(4, raw.stdFloor(0.5f).of(equal, pair).getFloat(0));
    assertTrue(Float.isInfinite(raw.of(equal, pair).getFloat(0)));
  }

  @Test
  void valuesThatMakeNoSenseAreNamed() {
    refused("epsilon", () -> GroupAdvantage.grpo().epsilon(-1));
    refused("stdFloor", () -> GroupAdvantage.grpo().stdFloor(Float.NaN));
    refused("stdFloor", () -> GroupAdvantage.grpo().stdFloor(Float.POSITIVE_INFINITY));
    assertNotEquals(GroupAdvantage.grpo(), GroupAdvantage.grpo().zeroStdOne(true));
    assertEquals(GroupAdvantage.grpo(), GroupAdvantage.verlGrpo().singleton(Singleton.ZERO));
  }

  private static Arguments preset(
      String name, GroupAdvantage options, double first, double second, double singleton) {
    return Arguments.of(name, options, first, second, singleton);
  }

  /** Three rollouts and a demonstration. */
  private static Input group(float... rewards) {
    return Input.of(TensorView.copyOf(rewards), Groups.offsets(TensorView.copyOf(0L, 4)))
        .withRoles(TensorView.copyOf(ROLLOUT, ROLLOUT, ROLLOUT, DEMONSTRATION));
  }
}
