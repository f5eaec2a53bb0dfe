package org.plait.lab.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {

  @Test
  void spreadIsMeanLowestAndHighest() {
    assertEquals(new Spread(0.25, 0.1, 0.5), Spread.of(List.of(0.15, 0.1, 0.5, 0.25)));
    assertEquals("25.0 (10.0 to 50.0)", new Spread(0.25, 0.1, 0.5).text(100, 1));
  }

  @Test
  void meanOfEqualValuesIsThatValueAndHasNoRange() {
    Spread spread = Spread.of(List.of(0.1, 0.1, 0.1));
    assertEquals(new Spread(0.1, 0.1, 0.1), spread);
    assertEquals("10.0", spread.text(100, 1));
  }

  @Test
  void aboveMeansThatNoValueReachesTheOthers() {
    Spread low = Spread.of(List.of(0.1, 0.2));
    assertTrue(Spread.of(List.of(0.21, 0.3)).isAbove(low));
    assertFalse(Spread.of(List.of(0.2, 0.3)).isAbove(low));
    assertFalse(low.isAbove(low));
  }
}
