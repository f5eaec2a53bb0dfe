package org.plait.lab.util;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.plait.lab.util.RandomStreams.Purpose;

class RandomStreamsTest {

  @Test
  void streamIsAFunctionOfSeedPurposeAndCoordinates() {
    Set<Long> first = new HashSet<>();
    int streams = 0;
    for (long seed = -2; seed <= 2; seed++) {
      for (Purpose purpose : Purpose.values()) {
        for (long step = 0; step < 20; step++) {
          for (long index = 0; index < 20; index++) {
            long value = RandomStreams.stream(seed, purpose, step, index).nextLong();
            assertEquals(value, RandomStreams.stream(seed, purpose, step, index).nextLong());
            first.add(value);
            streams++;
          }
        }
      }
    }
    assertEquals(streams, first.size());
  }

  @Test
  void streamsAreTheSameOnEveryJdk() {
    assertEquals(
        959_271_107, RandomStreams.stream(1234, Purpose.ROLLOUTS, 5, 6).nextInt(1_000_000_000));
  }

  @Test
  void shuffleKeepsTheElementsAndReachesEveryOrder() {
    Set<List<Integer>> orders = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      List<Integer> list = new ArrayList<>(IntStream.range(0, 4).boxed().toList());
      RandomStreams.shuffle(list, RandomStreams.stream(i, Purpose.PROMPT_ORDER));
      assertEquals(Set.of(0, 1, 2, 3), Set.copyOf(list));
      orders.add(list);
    }
    assertEquals(24, orders.size());
  }

  @Test
  void neighbouringStreamsAreNotAlike() {
    double sum = 0;
    for (int i = 0; i < 10_000; i++) {
      sum += RandomStreams.stream(0, Purpose.ROLLOUTS, 0, i).nextDouble();
    }
    assertEquals(0.5, sum / 10_000, 0.02);
    assertNotEquals(
        RandomStreams.stream(0, Purpose.ROLLOUTS, 0, 1).nextLong(),
        RandomStreams.stream(0, Purpose.ROLLOUTS, 1, 0).nextLong());
    assertTrue(sum > 0);
  }
}
