package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.List;
import org.junit.jupiter.api.Test;

class SegmentsTest {
  @Test
  void evenSegmentsEndWhereUftsDo() {
    assertEquals(List.of(4, 7, 11, 14, 18), Segments.even(18, 5).ends());
    assertEquals(List.of(1, 3, 4, 6, 7), Segments.even(7, 5).ends());
    assertEquals(List.of(20, 40, 60, 80, 100), Segments.even(100, 5).ends());
  }

  @Test
  void halvesRoundToEvenAsInPython() {
    assertEquals(List.of(2, 5, 8, 10), Segments.even(10, 4).ends()); // 2.5, 5, 7.5, 10
  }

  @Test
  void shortTracesHaveASegmentForEachToken() {
    assertEquals(List.of(1, 2, 3), Segments.even(3, 5).ends());
    assertEquals(List.of(1), Segments.even(1, 5).ends());
  }

  @Test
  void everySplitIsIncreasingAndEndsAtTheEnd() {
    for (int length = 1; length <= 60; length++) {
      for (int count = 1; count <= 12; count++) {
        Segments segments = Segments.even(length, count); // refuses empty segments
        assertEquals(Math.min(length, count), segments.count());
        assertEquals(length, segments.length());
      }
    }
  }

  @Test
  void sentencesAreJoinedByTheirNumberNotTheirLength() {
    Segments sentences = Segments.at(3, 10, 11, 12, 30, 31, 40);
    // 7 sentences in 5 segments: 1.4, 2.8, 4.2, 5.6, 7 sentences
    assertEquals(List.of(3, 11, 12, 31, 40), sentences.joined(5).ends());
    assertEquals(sentences, sentences.joined(7));
    assertEquals(sentences, sentences.joined(100));
    assertEquals(List.of(40), sentences.joined(1).ends());
  }

  @Test
  void aPrefixEndsWhereItsLastSegmentEnds() {
    Segments segments = Segments.at(4, 7, 11);
    assertEquals(0, segments.prefix(0));
    assertEquals(4, segments.prefix(1));
    assertEquals(11, segments.prefix(3));
    assertRefused("segments: expected 0 to 3, got 4", () -> segments.prefix(4));
    assertRefused("segments: expected 0 to 3, got -1", () -> segments.prefix(-1));
  }

  @Test
  void anEmptyTraceIsRefusedWhereUpstreamDividesByZero() {
    assertRefused("length: expected a trace of at least 1 token, got 0", () -> Segments.even(0, 5));
    assertRefused("ends: expected at least 1 segment, got 0", Segments::at);
  }

  @Test
  void boundariesThatAreNoneAreRefused() {
    assertRefused(
        "ends: expected increasing positions above 0, got [4, 4, 9]", () -> Segments.at(4, 4, 9));
    assertRefused(
        "ends: expected increasing positions above 0, got [0, 4]", () -> Segments.at(0, 4));
    assertRefused("count: expected at least 1, got 0", () -> Segments.even(9, 0));
  }
}
