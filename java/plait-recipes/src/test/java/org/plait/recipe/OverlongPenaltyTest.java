package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.plait.recipe.Refusals.assertRefused;

import org.junit.jupiter.api.Test;

class OverlongPenaltyTest {
  @Test
  void fallsLinearlyWithinTheBuffer() {
    OverlongPenalty dapo = OverlongPenalty.dapo(); // 16384 tokens are free
    assertEquals(0f, dapo.of(0));
    assertEquals(0f, dapo.of(16384));
    assertEquals(-1f / 4096, dapo.of(16385));
    assertEquals(-0.25f, dapo.of(17408));
    assertEquals(-0.5f, dapo.of(18432));
    assertEquals(-1f, dapo.of(20480));
  }

  @Test
  void staysAtTheFactorBeyondTheLimit() {
    OverlongPenalty penalty = new OverlongPenalty(100, 20, 0.5);
    assertEquals(-0.25f, penalty.of(90));
    assertEquals(-0.5f, penalty.of(100));
    assertEquals(-0.5f, penalty.of(101));
    assertEquals(-0.5f, penalty.of(Integer.MAX_VALUE));
  }

  @Test
  void aBufferAsLongAsTheLimitCostsFromTheFirstToken() {
    assertEquals(-0.1f, new OverlongPenalty(10, 10, 1).of(1));
  }

  @Test
  void noResponseGetsNegativeZero() {
    OverlongPenalty penalty = new OverlongPenalty(100, 20, 1);
    assertEquals(Float.floatToRawIntBits(0f), Float.floatToRawIntBits(penalty.of(80)));
  }

  @Test
  void impossibleArgumentsAreRefused() {
    assertRefused("maxLength: expected at least 1, got 0", () -> new OverlongPenalty(0, 1, 1));
    assertRefused(
        "buffer: expected 1 to maxLength = 10, got 0", () -> new OverlongPenalty(10, 0, 1));
    assertRefused(
        "buffer: expected 1 to maxLength = 10, got 11", () -> new OverlongPenalty(10, 11, 1));
    assertRefused(
        "factor: expected a finite number of at least 0, got -1.0",
        () -> new OverlongPenalty(10, 5, -1));
    assertRefused("length: expected at least 0, got -1", () -> OverlongPenalty.dapo().of(-1));
  }
}
