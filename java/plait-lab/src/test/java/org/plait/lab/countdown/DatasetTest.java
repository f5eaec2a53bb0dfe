package org.plait.lab.countdown;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class DatasetTest {

  private static final Dataset DATA = Dataset.of(Dataset.DEFAULT_SEED);

  private static List<Problem> training() {
    return DATA.training().stream().map(Example::problem).toList();
  }

  private static Set<List<Integer>> numbers(List<Problem> problems) {
    return problems.stream().map(Problem::multiset).collect(Collectors.toSet());
  }

  @Test
  void splitsHaveTheirSizesAndDistinctProblems() {
    assertEquals(1000, training().size());
    assertEquals(500, DATA.validation().size());
    assertEquals(1000, DATA.heldOut().size());
    Set<Problem> keys = new HashSet<>();
    for (List<Problem> split : List.of(training(), DATA.validation(), DATA.heldOut())) {
      split.forEach(problem -> assertTrue(keys.add(problem.key()), problem::toString));
    }
  }

  @Test
  void splitsShareNoNumbers() {
    Set<List<Integer>> training = numbers(training());
    Set<List<Integer>> validation = numbers(DATA.validation());
    Set<List<Integer>> heldOut = numbers(DATA.heldOut());
    assertTrue(Collections.disjoint(training, validation));
    assertTrue(Collections.disjoint(training, heldOut));
    assertTrue(Collections.disjoint(validation, heldOut));
  }

  @Test
  void evaluationProblemsAreBannedFromTraining() {
    assertTrue(training().stream().allMatch(DATA::allowsTrainingOn));
    assertTrue(DATA.validation().stream().noneMatch(DATA::allowsTrainingOn));
    assertTrue(DATA.heldOut().stream().noneMatch(DATA::allowsTrainingOn));
  }

  @Test
  void demonstrationsAreRight() {
    for (Example example : DATA.training()) {
      assertTrue(Verifier.accepts(example.problem(), example.trace().tokens(), 0));
    }
  }

  @Test
  void seedDeterminesTheSplits() {
    assertEquals(DATA, Dataset.of(Dataset.DEFAULT_SEED));
    assertNotEquals(DATA, Dataset.of(Dataset.DEFAULT_SEED + 1));
    // The same on every JDK: a change here would make results of different machines incomparable.
    assertEquals(new Problem(List.of(1, 4, 3, 7), 14), DATA.heldOut().get(0));
  }
}
