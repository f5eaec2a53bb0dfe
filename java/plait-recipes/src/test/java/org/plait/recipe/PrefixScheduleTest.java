package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrefixScheduleTest {
  private static final PrefixSchedule PAPER = PrefixSchedule.prefixRft(500);

  @Test
  void theRatioIsUniformBetweenTheBoundsOfTheStep() {
    assertEquals(0.95, PAPER.ratio(0, new SplitMix64(1)), 1e-12, "both bounds are 0.95");
    SplitMix64 random = new SplitMix64(2);
    double sum = 0;
    double least = 1;
    double most = 0;
    for (int i = 0; i < 10_000; i++) {
      double ratio = PAPER.ratio(250, random); // U(0.5, 0.95)
      sum += ratio;
      least = Math.min(least, ratio);
      most = Math.max(most, ratio);
    }
    assertEquals(0.725, sum / 10_000, 0.008);
    assertEquals(0.5, least, 0.005);
    assertEquals(0.95, most, 0.005);
    assertTrue(least >= 0.5 && most <= 0.95);
  }

  @Test
  void theRatioFollowsTheBetaDistribution() {
    PrefixSchedule skewed = new PrefixSchedule(Curve.constant(0.2), Curve.constant(0.9), 2, 5, 1);
    SplitMix64 random = new SplitMix64(3);
    double sum = 0;
    for (int i = 0; i < 10_000; i++) {
      sum += skewed.ratio(0, random);
    }
    assertEquals(0.4, sum / 10_000, 0.008); // 0.2 + 0.7 * 2 / 7
  }

  @Test
  void boundsMayComeInEitherOrder() {
    PrefixSchedule straight = new PrefixSchedule(Curve.constant(0.2), Curve.constant(0.9), 1, 1, 1);
    PrefixSchedule crossed = new PrefixSchedule(Curve.constant(0.9), Curve.constant(0.2), 1, 1, 1);
    for (int seed = 0; seed < 20; seed++) {
      assertEquals(straight.ratio(0, new SplitMix64(seed)), crossed.ratio(0, new SplitMix64(seed)));
    }
  }

  @Test
  void aPrefixIsTheFloorOfItsShare() {
    assertEquals(9, PAPER.length(0.5, 18));
    assertEquals(17, PAPER.length(0.95, 18)); // 17.1
    assertEquals(9, PAPER.length(0.55, 18)); // 9.9
    assertEquals(0, PAPER.length(0, 18));
  }

  @Test
  void aPrefixIsNeverShorterThanTheMinimumNorTheWholeDemonstration() {
    PrefixSchedule atLeastFour = new PrefixSchedule(Curve.constant(0), Curve.constant(1), 1, 1, 4);
    assertEquals(4, atLeastFour.length(0.01, 18));
    assertEquals(17, atLeastFour.length(1, 18));
    assertEquals(2, atLeastFour.length(0.5, 3), "never the whole demonstration");
    assertEquals(0, atLeastFour.length(1, 1));
    SplitMix64 random = new SplitMix64(5);
    for (int i = 0; i < 1000; i++) {
      int length = atLeastFour.draw(10, 0, random);
      assertTrue(length >= 4 && length <= 9, "length " + length);
    }
  }

  @Test
  void resumesExactly() {
    PrefixSchedule skewed =
        new PrefixSchedule(Curve.cosine(0.95, 0.05, 100), Curve.constant(0.95), 0.7, 3, 1);
    SplitMix64 random = new SplitMix64(6);
    lengths(skewed, 0, 50, random);
    SplitMix64 resumed = new SplitMix64(random.state());
    assertEquals(lengths(skewed, 50, 100, random), lengths(skewed, 50, 100, resumed));
  }

  private static List<Integer> lengths(
      PrefixSchedule schedule, int from, int to, SplitMix64 random) {
    List<Integer> lengths = new ArrayList<>();
    for (int step = from; step < to; step++) {
      lengths.add(schedule.draw(1000, step, random));
    }
    return lengths;
  }

  @Test
  void impossibleSchedulesAreRefused() {
    Curve half = Curve.constant(0.5);
    assertRefused(
        "low: expected 0 to 1, got 1.1",
        () -> new PrefixSchedule(Curve.constant(1.1), half, 1, 1, 1));
    assertRefused(
        "high.to: expected 0 to 1, got -0.1",
        () -> new PrefixSchedule(half, Curve.cosine(1, -0.1, 9), 1, 1, 1));
    assertRefused(
        "alpha: expected 0.001 to 1e6, got 0.0", () -> new PrefixSchedule(half, half, 0, 1, 1));
    assertRefused(
        "beta: expected 0.001 to 1e6, got NaN",
        () -> new PrefixSchedule(half, half, 1, Double.NaN, 1));
    assertRefused(
        "minLength: expected at least 0, got -1", () -> new PrefixSchedule(half, half, 1, 1, -1));
    assertRefused("ratio: expected 0 to 1, got 2.0", () -> PAPER.length(2, 18));
    assertRefused("demonstration: expected at least 1 token, got 0", () -> PAPER.length(0.5, 0));
    assertRefused("step: expected at least 0, got -1", () -> PAPER.ratio(-1, new SplitMix64(0)));
  }
}
