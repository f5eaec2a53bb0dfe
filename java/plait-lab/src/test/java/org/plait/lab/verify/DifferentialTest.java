package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * {@link Differential} from {@code -Dplait.test.differential.seed} on, with {@code
 * -Dplait.test.differential.cases} of the dearest family, and more of the others.
 */
class DifferentialTest {
  private static final long SEED = Long.getLong("plait.test.differential.seed", 1);
  private static final int CASES = Integer.getInteger("plait.test.differential.cases", 30);

  @Test
  void everyTargetAgreesWithTheOracleAndWithItselfAnywhere() {
    List<Check> failures = Differential.onTargets(SEED, CASES, System.out);
    assertEquals(List.of(), failures.stream().map(Check::describe).toList());
  }
}
