package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertNotNow;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.plait.recipe.AnchorSearch.Status;
import org.plait.recipe.AnchorSearches.Probe;

class AnchorSearchesTest {
  private static final int GROUP = 4;

  /** Where a group of a question starts to succeed at all. */
  private static final Map<String, Integer> EDGES = Map.of("a", 2, "b", 7, "c", 10);

  /** One batch of probes. */
  private static List<Probe<String>> round(AnchorSearches<String> searches) {
    List<Probe<String>> probes = searches.probes();
    for (Probe<String> probe : probes) {
      int beyond = probe.reveal() - EDGES.getOrDefault(probe.question(), 0) + 1;
      searches.report(probe.question(), Math.max(0, Math.min(beyond, GROUP)), GROUP);
    }
    return probes;
  }

  private static List<List<Probe<String>>> rounds(AnchorSearches<String> searches) {
    List<List<Probe<String>>> rounds = new ArrayList<>();
    while (!searches.probes().isEmpty()) {
      rounds.add(round(searches));
    }
    return rounds;
  }

  private static AnchorSearches<String> started(boolean remember) {
    AnchorSearches<String> searches = new AnchorSearches<>(remember);
    EDGES.keySet().stream().sorted().forEach(question -> searches.start(question, 10));
    return searches;
  }

  @Test
  void advancesAllSearchesWithOneBatchARound() {
    AnchorSearches<String> searches = started(false);
    assertEquals(
        List.of(
            List.of(new Probe<>("a", 5), new Probe<>("b", 5), new Probe<>("c", 5)),
            List.of(new Probe<>("a", 3), new Probe<>("b", 8), new Probe<>("c", 8)),
            List.of(new Probe<>("c", 9))),
        rounds(searches));
    assertEquals(List.of(), searches.state().open());
  }

  @Test
  void aRememberedAnchorIsTriedFirst() {
    AnchorSearches<String> searches = started(true);
    rounds(searches);
    assertEquals(OptionalInt.of(3), searches.remembered("a"));
    assertEquals(OptionalInt.of(8), searches.remembered("b"));
    assertEquals(OptionalInt.of(9), searches.remembered("c"), "where it gave up");
    for (String question : List.of("a", "b", "c")) {
      searches.start(question, 10);
    }
    assertEquals(1, rounds(searches).size(), "nothing has changed, so one group each is enough");
    searches.forget("a");
    assertEquals(OptionalInt.empty(), searches.remembered("a"));
    assertEquals(5, searches.start("a", 10).reveal());
  }

  @Test
  void aRememberedAnchorFitsATraceThatHasBeenCutAnew() {
    AnchorSearches<String> searches = started(true);
    rounds(searches);
    assertEquals(3, searches.start("b", 4).reveal()); // 8 remembered
  }

  @Test
  void withoutMemoryEverySearchStartsInTheMiddle() {
    AnchorSearches<String> searches = started(false);
    List<List<Probe<String>>> first = rounds(searches);
    assertEquals(OptionalInt.empty(), searches.remembered("a"));
    for (String question : List.of("a", "b", "c")) {
      searches.start(question, 10);
    }
    assertEquals(first, rounds(searches));
  }

  @Test
  void aTraceOfOneEpisodeIsOverAtOnce() {
    AnchorSearches<String> searches = new AnchorSearches<>(true);
    assertEquals(Status.EXHAUSTED, searches.start("short", 1).status());
    assertTrue(searches.probes().isEmpty());
    assertEquals(OptionalInt.empty(), searches.remembered("short"), "nothing was learned");
  }

  @Test
  void resumesExactlyInTheMiddleOfSearches() {
    AnchorSearches<String> through = started(true);
    round(through);
    AnchorSearches<String> resumed = new AnchorSearches<>(true);
    resumed.start("left over", 10);
    resumed.restore(through.state());
    List<List<Probe<String>>> expected = rounds(through);
    assertEquals(2, expected.size());
    assertEquals(expected, rounds(resumed));
    assertEquals(through.state(), resumed.state());
    for (String question : List.of("c", "a", "b")) {
      assertEquals(through.start(question, 10), resumed.start(question, 10));
    }
    assertEquals(through.probes(), resumed.probes());
  }

  @Test
  void callsAtTheWrongTimeAreRefused() {
    AnchorSearches<String> searches = started(false);
    assertNotNow(
        "question: expected one that is not being searched, got a", () -> searches.start("a", 10));
    assertNotNow(
        "question: expected one that is being searched, got z", () -> searches.report("z", 0, 4));
  }
}
