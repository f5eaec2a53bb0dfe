package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertNotNow;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.plait.recipe.AnchorSearch.Status;

class AnchorSearchTest {
  private static final int GROUP = 8;

  /** What was asked until the search was over, and how that went. */
  private record Run(List<Integer> asked, AnchorSearch end) {}

  private static Run run(AnchorSearch search, IntUnaryOperator successes) {
    List<Integer> asked = new ArrayList<>();
    AnchorSearch now = search;
    while (!now.isOver()) {
      assertTrue(asked.size() < 100, "a search that does not end");
      asked.add(now.reveal());
      now = now.report(successes.applyAsInt(now.reveal()), GROUP);
    }
    return new Run(asked, now);
  }

  @Test
  void allFailingLengthensAllSucceedingShortensAndAnythingElseIsKept() {
    AnchorSearch search = AnchorSearch.afterFailure(10);
    assertEquals(5, search.reveal()); // (1 + 10) / 2
    assertEquals(8, search.report(0, GROUP).reveal()); // (6 + 10) / 2
    assertEquals(3, search.report(GROUP, GROUP).reveal()); // (1 + 5) / 2
    for (int successes = 1; successes < GROUP; successes++) {
      AnchorSearch found = search.report(successes, GROUP);
      assertEquals(Status.FOUND, found.status());
      assertEquals(5, found.reveal());
      assertTrue(found.hasAnchor());
    }
  }

  @Test
  void findsTheEdgeBetweenAllFailingAndAllSucceeding() {
    for (int edge = 1; edge <= 9; edge++) {
      int from = edge;
      Run run = run(AnchorSearch.afterFailure(10), k -> k >= from ? GROUP : 0);
      assertEquals(Status.STEEP, run.end.status());
      assertEquals(edge, run.end.reveal());
      assertTrue(run.end.hasAnchor());
    }
  }

  @Test
  void aTraceWithoutWhoseEndAllFailIsGivenUp() {
    Run run = run(AnchorSearch.afterFailure(10), k -> 0);
    assertEquals(List.of(5, 8, 9), run.asked);
    assertEquals(Status.EXHAUSTED, run.end.status());
    assertFalse(run.end.hasAnchor());
  }

  @Test
  void theWholeTraceIsNeverRevealedAndTheSearchIsBoundedWhateverItIsTold() {
    for (int episodes = 1; episodes <= 40; episodes++) {
      int bound = 32 - Integer.numberOfLeadingZeros(episodes - 1); // ceil(log2(episodes))
      for (int seed = 0; seed < 20; seed++) {
        SplitMix64 random = new SplitMix64(seed);
        IntUnaryOperator noise = k -> Distributions.index(2, random) * GROUP;
        int limit = episodes;
        for (int guess = -1; guess <= episodes; guess++) {
          boolean elsewhere = guess >= 0;
          AnchorSearch start = AnchorSearch.afterFailure(episodes);
          Run run = run(elsewhere ? start.tryNext(guess) : start, noise);
          assertTrue(run.asked.size() <= bound + (elsewhere ? 1 : 0), () -> run.toString());
          assertTrue(run.asked.stream().allMatch(k -> k >= 1 && k < limit), () -> run.toString());
          assertTrue(run.end.reveal() < episodes, () -> run.toString());
        }
      }
    }
  }

  @Test
  void aTraceOfOneEpisodeHasNothingToReveal() {
    assertEquals(Status.EXHAUSTED, AnchorSearch.afterFailure(1).status());
    Run run = run(AnchorSearch.untried(1), k -> 0);
    assertEquals(List.of(0), run.asked);
    assertEquals(Status.EXHAUSTED, run.end.status());
  }

  @Test
  void aPromptThatHasNotBeenTriedMayNeedNoHint() {
    Run run = run(AnchorSearch.untried(10), k -> GROUP);
    assertEquals(List.of(5, 2, 1, 0), run.asked);
    assertEquals(Status.STEEP, run.end.status());
    assertEquals(0, run.end.reveal());
  }

  @Test
  void startsAtAGuessAndGoesOnFromThere() {
    AnchorSearch search = AnchorSearch.afterFailure(10).tryNext(8);
    assertEquals(8, search.reveal());
    assertEquals(4, search.report(GROUP, GROUP).reveal()); // (1 + 8) / 2
    assertEquals(9, search.report(0, GROUP).reveal());
    assertEquals(9, search.tryNext(100).reveal());
    assertEquals(1, search.tryNext(0).reveal());
    AnchorSearch found = search.report(1, GROUP);
    assertSame(found, found.tryNext(3));
  }

  @Test
  void resumesFromItsComponents() {
    AnchorSearch search = AnchorSearch.afterFailure(40).report(0, GROUP);
    AnchorSearch resumed =
        new AnchorSearch(
            search.episodes(), search.low(), search.high(), search.reveal(), search.status());
    IntUnaryOperator successes = k -> k >= 33 ? GROUP : 0;
    assertEquals(run(search, successes), run(resumed, successes));
    assertEquals(33, run(resumed, successes).end.reveal());
  }

  @Test
  void outcomesThatCannotBeAreRefused() {
    AnchorSearch search = AnchorSearch.afterFailure(10);
    assertRefused("successes: expected 0 to 8, got 9", () -> search.report(9, GROUP));
    assertRefused("successes: expected 0 to 8, got -1", () -> search.report(-1, GROUP));
    assertRefused("rollouts: expected at least 1, got 0", () -> search.report(0, 0));
    assertRefused("episodes: expected at least 1, got 0", () -> AnchorSearch.afterFailure(0));
    assertNotNow(
        "report: expected a search that goes on, got FOUND",
        () -> search.report(1, GROUP).report(1, GROUP));
  }

  @Test
  void componentsOfNoSearchAreRefused() {
    assertRefused(
        "reveal: expected low = 3 to below 5, got 2",
        () -> new AnchorSearch(10, 3, 5, 2, Status.SEARCHING));
    assertRefused(
        "reveal: expected 0 to below 10, got 10",
        () -> new AnchorSearch(10, 1, 10, 10, Status.FOUND));
    assertRefused(
        "high: expected 3 to episodes = 10, got 11",
        () -> new AnchorSearch(10, 3, 11, 5, Status.SEARCHING));
  }
}
