package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SplitMix64Test {
  @Test
  void drawsThePublishedSequence() {
    SplitMix64 random = new SplitMix64(1234567);
    assertEquals(6457827717110365317L, random.nextLong());
    assertEquals(3203168211198807973L, random.nextLong());
    assertEquals(Long.parseUnsignedLong("9817491932198370423"), random.nextLong());
  }

  @Test
  void drawsWhatTheJdksGeneratorDraws() {
    SplitMix64 random = new SplitMix64(-5);
    SplittableRandom jdk = new SplittableRandom(-5);
    for (int i = 0; i < 100; i++) {
      assertEquals(jdk.nextLong(), random.nextLong());
      assertEquals(jdk.nextDouble(), random.nextDouble());
    }
  }

  @Test
  void goesOnFromItsState() {
    SplitMix64 random = new SplitMix64(7);
    random.nextLong();
    SplitMix64 resumed = new SplitMix64(random.state());
    for (int i = 0; i < 100; i++) {
      assertEquals(random.nextLong(), resumed.nextLong());
    }
  }

  @Test
  void aPlaceHasOneGeneratorAndNoOtherPlaceHasIt() {
    assertEquals(SplitMix64.at(3, 1, 2).nextLong(), SplitMix64.at(3, 1, 2).nextLong());
    Set<Long> first = new HashSet<>();
    int places = 0;
    for (long seed = 0; seed < 10; seed++) {
      first.add(SplitMix64.at(seed).nextLong());
      first.add(new SplitMix64(seed).nextLong());
      places += 2;
      for (long step = 0; step < 10; step++) {
        first.add(SplitMix64.at(seed, step).nextLong());
        places++;
        for (long question = 0; question < 10; question++) {
          first.add(SplitMix64.at(seed, step, question).nextLong());
          places++;
        }
      }
    }
    assertEquals(places, first.size());
  }

  @Test
  void neighbouringPlacesAreUncorrelated() {
    double sum = 0;
    int n = 20_000;
    for (int i = 0; i < n; i++) {
      double here = SplitMix64.at(1, i).nextDouble() - 0.5;
      double next = SplitMix64.at(1, i + 1).nextDouble() - 0.5;
      sum += here * next;
    }
    assertEquals(0, sum / n * 12, 0.05); // correlation; its standard error is 0.007
  }

  @Test
  void aSplitOffGeneratorNeitherRepeatsNorDisturbsItsParent() {
    SplitMix64 parent = new SplitMix64(11);
    SplitMix64 child = parent.split();
    SplitMix64 undisturbed = new SplitMix64(parent.state());
    Set<Long> drawn = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      drawn.add(child.nextLong());
    }
    for (int i = 0; i < 1000; i++) {
      long next = parent.nextLong();
      assertEquals(undisturbed.nextLong(), next);
      drawn.add(next);
    }
    assertEquals(2000, drawn.size());
    assertNotEquals(parent.split().state(), parent.split().state());
  }

  @Test
  void doublesFillTheUnitInterval() {
    SplitMix64 random = new SplitMix64(2);
    double least = 1;
    double most = 0;
    for (int i = 0; i < 10_000; i++) {
      double draw = random.nextDouble();
      least = Math.min(least, draw);
      most = Math.max(most, draw);
    }
    assertTrue(least >= 0 && least < 0.01, () -> "least");
    assertTrue(most < 1 && most > 0.99, () -> "most");
  }
}
