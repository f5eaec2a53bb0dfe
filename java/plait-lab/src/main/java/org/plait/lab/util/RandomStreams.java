package org.plait.lab.util;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Independent random streams, each a pure function of a seed, a purpose and coordinates such as a
 * step number. A run that resumes at some step needs no saved generator state: it asks for that
 * step's streams again. Stateless.
 */
public final class RandomStreams {

  /** What a stream is for; streams of different purposes are independent. */
  public enum Purpose {
    INITIALIZATION(1),
    PRETRAINING_TRACES(2),
    PROMPT_ORDER(3),
    ROLLOUTS(4),
    EVALUATION(5),
    RECIPE(6);

    private final int code;

    Purpose(int code) {
      this.code = code;
    }
  }

  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private RandomStreams() {}

  /** The stream at the given coordinates. */
  public static SplittableRandom stream(long seed, Purpose purpose, long... coordinates) {
    long state = mix(seed + GOLDEN_GAMMA * purpose.code);
    for (long coordinate : coordinates) {
      state = mix(state + GOLDEN_GAMMA * (coordinate + 1));
    }
    return new SplittableRandom(state);
  }

  /** A uniformly random order, in place (Fisher-Yates). */
  public static <T> void shuffle(List<T> list, SplittableRandom random) {
    for (int i = list.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      T swapped = list.get(i);
      list.set(i, list.get(j));
      list.set(j, swapped);
    }
  }

  /** The finalizer of SplitMix64 (Stafford's variant 13). */
  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
