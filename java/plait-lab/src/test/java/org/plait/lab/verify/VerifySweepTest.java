package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/** The quick sweep of {@code plait verify}, a test per step. */
class VerifySweepTest {

  static Stream<Named<Step>> steps() {
    Plan plan = new Plan(Backend.cpu(), true, CaseFile.builtIn());
    return Arrays.stream(Suite.values())
        .flatMap(suite -> suite.steps(plan).stream())
        .map(step -> Named.of(step.title(), step));
  }

  @ParameterizedTest
  @MethodSource("steps")
  void kernelsAreAsExactAsTheCriterionDemands(Step step) {
    List<Check> checks = step.run();
    assertFalse(checks.isEmpty());
    assertAll(
        checks.stream()
            .map(check -> () -> assertNotEquals(Verdict.FAIL, check.verdict(), check::describe)));
  }
}
