package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.plait.recipe.HintSchedule.Binomial;
import org.plait.recipe.HintSchedule.Stage;
import org.plait.recipe.HintSchedule.Uniform;

class HintScheduleTest {
  private static final RandomGenerator UNUSED =
      () -> {
        throw new AssertionError("nothing to draw");
      };

  @Test
  void probabilityIsTheCosineOfThePaper() {
    Binomial uft = new Binomial(0.95, 0.05, 300);
    // 0.05 + 0.45 * (1 + cos(pi * (t + 1) / 300))
    assertEquals(0.949975326214481, uft.probability(0), 1e-12); // cos(pi / 300) = 0.999945169366
    assertEquals(0.725, uft.probability(99), 1e-12); // cos(pi / 3) = 0.5
    assertEquals(0.5, uft.probability(149), 1e-12); // cos(pi / 2) = 0
    assertEquals(0.275, uft.probability(199), 1e-12); // cos(2 pi / 3) = -0.5
    assertEquals(0.05, uft.probability(299), 1e-12); // cos(pi) = -1
    assertEquals(0, uft.probability(300));
    assertEquals(0, uft.probability(Long.MAX_VALUE));
  }

  @Test
  void binomialHintsHaveTheirMeanAndVariance() {
    Binomial uft = new Binomial(0.95, 0.05, 300);
    int[] counts = new int[6];
    SplitMix64 random = new SplitMix64(1);
    for (int i = 0; i < 20_000; i++) {
      counts[uft.segments(5, 99, random)]++;
    }
    // Binomial(5, 0.725): C(5, k) 0.725^k 0.275^(5 - k)
    double[] shares = {0.00157, 0.02073, 0.10932, 0.28819, 0.37989, 0.20031};
    for (int k = 0; k <= 5; k++) {
      assertEquals(shares[k], counts[k] / 20_000.0, 0.015, k + " segments");
    }
  }

  @Test
  void noHintIsLeftAfterTheSchedule() {
    HintSchedule uft = HintSchedule.uft(300);
    SplitMix64 random = new SplitMix64(1);
    for (int i = 0; i < 100; i++) {
      assertEquals(0, uft.segments(5, 300 + i, random));
    }
    assertEquals(0, new Stage(5, 300).segments(5, 300, UNUSED));
  }

  @Test
  void stagesLoseASegmentAtATime() {
    Stage stage = new Stage(5, 300); // stages of 300 / 6 = 50 steps
    assertEquals(5, stage.segments(5, 0, UNUSED));
    assertEquals(5, stage.segments(5, 48, UNUSED));
    assertEquals(4, stage.segments(5, 49, UNUSED));
    assertEquals(4, stage.segments(5, 98, UNUSED));
    assertEquals(3, stage.segments(5, 99, UNUSED));
    assertEquals(1, stage.segments(5, 248, UNUSED));
    assertEquals(0, stage.segments(5, 249, UNUSED));
    assertEquals(0, stage.segments(5, 299, UNUSED));
    assertEquals(2, stage.segments(2, 98, UNUSED)); // stages of 100 steps
    assertEquals(1, stage.segments(2, 99, UNUSED));
  }

  @Test
  void stagesOfUnevenLengthStopAtZero() {
    Stage stage = new Stage(5, 11); // stages of 1 step, so step 5 would be at -1
    assertEquals(4, stage.segments(5, 0, UNUSED));
    assertEquals(0, stage.segments(5, 4, UNUSED));
    assertEquals(0, stage.segments(5, 5, UNUSED));
  }

  @Test
  void uniformHintsAreOfEveryLengthFromNoneToAll() {
    int[] counts = new int[4];
    SplitMix64 random = new SplitMix64(2);
    for (int i = 0; i < 40_000; i++) {
      counts[new Uniform().segments(3, i, random)]++;
    }
    for (int count : counts) {
      assertEquals(10_000, count, 600);
    }
  }

  @Test
  void aHintEndsWhereASegmentOfTheTokenisedTraceDoes() {
    Segments trace = Segments.at(4, 7, 11);
    Set<Integer> lengths = new TreeSet<>();
    SplitMix64 random = new SplitMix64(3);
    for (int i = 0; i < 200; i++) {
      lengths.add(new Uniform().length(trace, i, random));
    }
    assertEquals(Set.of(0, 4, 7, 11), lengths);
  }

  @Test
  void theStepIsAnArgumentSoThatNoWorkerHoldsAStaleOne() {
    HintSchedule used = HintSchedule.uft(300);
    for (int step = 0; step < 200; step++) {
      used.segments(5, step, new SplitMix64(step));
    }
    HintSchedule fresh = HintSchedule.uft(300);
    for (int question = 0; question < 50; question++) {
      assertEquals(
          fresh.segments(5, 10, SplitMix64.at(1, 10, question)),
          used.segments(5, 10, SplitMix64.at(1, 10, question)));
    }
  }

  @Test
  void resumesExactly() {
    HintSchedule uft = HintSchedule.uft(100);
    SplitMix64 random = new SplitMix64(8);
    hints(uft, 0, 40, random);
    SplitMix64 resumed = new SplitMix64(random.state());
    List<Integer> expected = hints(uft, 40, 100, random);
    assertEquals(expected, hints(uft, 40, 100, resumed));
    assertNotEquals(expected, hints(uft, 40, 100, new SplitMix64(8)));
  }

  private static List<Integer> hints(HintSchedule uft, int from, int to, RandomGenerator random) {
    List<Integer> hints = new ArrayList<>();
    for (int step = from; step < to; step++) {
      hints.add(uft.segments(5, step, random));
    }
    return hints;
  }

  @Test
  void impossibleSchedulesAreRefused() {
    assertRefused("high: expected 0 to 1, got 1.5", () -> new Binomial(1.5, 0, 10));
    assertRefused("high: expected 0 to 1, got NaN", () -> new Binomial(Double.NaN, 0, 10));
    assertRefused("low: expected 0 to high = 0.5, got 0.6", () -> new Binomial(0.5, 0.6, 10));
    assertRefused("steps: expected at least 1, got 0", () -> HintSchedule.uft(0));
    assertRefused(
        "steps: expected above maxSegments = 5, a step for each stage, got 5",
        () -> new Stage(5, 5));
    assertRefused("maxSegments: expected at least 1, got 0", () -> new Stage(0, 5));
  }

  @Test
  void impossibleDrawsAreRefused() {
    HintSchedule[] all = {HintSchedule.uft(10), new Stage(5, 10), new Uniform()};
    for (HintSchedule schedule : all) {
      assertRefused(
          "count: expected at least 1 segment, got 0",
          () -> schedule.segments(0, 0, new SplitMix64(0)));
      assertRefused(
          "step: expected at least 0, got -1", () -> schedule.segments(5, -1, new SplitMix64(0)));
    }
    assertRefused(
        "count: expected at most maxSegments = 5, got 6",
        () -> new Stage(5, 10).segments(6, 0, UNUSED));
  }
}
