package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertRefused;

import org.junit.jupiter.api.Test;
import org.plait.recipe.Curve.Cosine;

class CurveTest {
  @Test
  void fallsByACosine() {
    Curve curve = Curve.cosine(0.95, 0.05, 500);
    assertEquals(0.95, curve.at(0), 1e-12);
    assertEquals(0.818198051533946, curve.at(125), 1e-12); // 0.5 + 0.45 * sqrt(0.5)
    assertEquals(0.5, curve.at(250), 1e-12);
    assertEquals(0.05, curve.at(500), 1e-12);
    assertEquals(0.05, curve.at(501));
    assertEquals(0.05, curve.at(Long.MAX_VALUE));
  }

  @Test
  void risesByTheUpstreamFormOfItsOwn() {
    Curve curve = Curve.cosine(0.05, 0.95, 500);
    for (long step = 0; step <= 500; step++) {
      double decay = 0.5 * (1 + Math.cos(Math.PI * step / 500));
      assertEquals(0.05 + (1 - decay) * (0.95 - 0.05), curve.at(step), 1e-12);
    }
    assertTrue(curve.at(100) < curve.at(200));
  }

  @Test
  void warmsUpLinearlyBeforeTheCosineStarts() {
    Curve curve = new Cosine(0.8, 0.2, 100, 10);
    assertEquals(0, curve.at(0));
    assertEquals(0.4, curve.at(5), 1e-12);
    assertEquals(0.72, curve.at(9), 1e-12);
    assertEquals(0.8, curve.at(10), 1e-12);
    assertEquals(0.5, curve.at(60), 1e-12);
    assertEquals(0.2, curve.at(110), 1e-12);
    assertEquals(0.2, curve.at(111));
  }

  @Test
  void aConstantStaysWhatItIs() {
    assertEquals(0.95, Curve.constant(0.95).at(0));
    assertEquals(0.95, Curve.constant(0.95).at(1L << 40));
  }

  @Test
  void impossibleCurvesAndStepsAreRefused() {
    assertRefused("steps: expected at least 1, got 0", () -> Curve.cosine(1, 0, 0));
    assertRefused("warmup: expected at least 0, got -1", () -> new Cosine(1, 0, 5, -1));
    assertRefused("from: expected a finite number, got NaN", () -> Curve.cosine(Double.NaN, 0, 5));
    assertRefused(
        "to: expected a finite number, got -Infinity",
        () -> Curve.cosine(0, Double.NEGATIVE_INFINITY, 5));
    assertRefused("value: expected a finite number, got NaN", () -> Curve.constant(Double.NaN));
    assertRefused("step: expected at least 0, got -1", () -> Curve.cosine(1, 0, 5).at(-1));
    assertRefused("step: expected at least 0, got -1", () -> Curve.constant(1).at(-1));
  }
}
