package org.plait.recipe;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A trace cut into segments, of which the first few make a hint. Positions are those of the tokens
 * of the whole trace, so that a hint is a prefix of it, token for token. Immutable and thread-safe.
 *
 * @param ends where each segment ends (the position after its last token): above 0, increasing, the
 *     last one being the length of the trace
 */
public record Segments(List<Integer> ends) {
  /**
   * Checks the argument and copies it.
   *
   * @throws IllegalArgumentException if there is no segment, or an empty one
   */
  public Segments {
    Checks.present("ends", ends);
    Checks.that(!ends.isEmpty(), "ends", "at least 1 segment", 0);
    int previous = 0;
    for (int end : ends) {
      Checks.that(end > previous, "ends", "increasing positions above 0", ends);
      previous = end;
    }
    ends = List.copyOf(ends);
  }

  /**
   * Cuts at given positions: the ends of sentences or of steps, say.
   *
   * @param ends increasing, the last one being the length of the trace
   * @return the segments
   */
  public static Segments at(int... ends) {
    Checks.present("ends", ends);
    return new Segments(Arrays.stream(ends).boxed().toList());
  }

  /**
   * Cuts into segments of nearly equal length, as UFT does (Liu et al. 2025, arXiv:2505.16984;
   * {@code rl_dataset.py} of its repository). With {@code n = min(count, length)}:
   *
   * <pre>{@code
   * end of segment k = round(k / n * length), k = 1 .. n, halves to even
   * }</pre>
   *
   * @param length of the trace in tokens, at least 1
   * @param count segments that are wanted, at least 1; 5 in UFT
   * @return as many segments, or one per token if there are fewer tokens
   * @throws IllegalArgumentException if the trace is empty
   */
  public static Segments even(int length, int count) {
    Checks.that(length >= 1, "length", "a trace of at least 1 token", length);
    Checks.that(count >= 1, "count", "at least 1", count);
    int n = Math.min(count, length);
    return new Segments(
        IntStream.rangeClosed(1, n).map(k -> separation(k, n, length)).boxed().toList());
  }

  /**
   * Joins neighbours, so that fewer segments of nearly equal numbers of the present ones are left.
   * UFT joins sentences like this: {@code Segments.at(sentenceEnds).joined(5)}.
   *
   * @param count segments that are wanted, at least 1
   * @return as many segments, or these if there are not more
   */
  public Segments joined(int count) {
    return new Segments(
        even(count(), count).ends.stream().map(sentences -> ends.get(sentences - 1)).toList());
  }

  private static int separation(int k, int n, int length) {
    return (int) Math.rint((double) k / n * length);
  }

  /**
   * Returns the number of segments.
   *
   * @return at least 1
   */
  public int count() {
    return ends.size();
  }

  /**
   * Returns the length of the trace.
   *
   * @return its tokens, at least 1
   */
  public int length() {
    return ends.get(ends.size() - 1);
  }

  /**
   * Returns the length of a hint.
   *
   * @param segments how many segments it is made of, from 0 to {@link #count()}
   * @return its tokens
   * @throws IllegalArgumentException if there are not as many segments
   */
  public int prefix(int segments) {
    Checks.that(segments >= 0 && segments <= count(), "segments", "0 to " + count(), segments);
    return segments == 0 ? 0 : ends.get(segments - 1);
  }
}
