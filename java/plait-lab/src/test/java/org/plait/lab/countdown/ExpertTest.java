package org.plait.lab.countdown;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExpertTest {

  @Test
  void everyGeneratedProblemIsSolvedAndTheVerifierAgrees() {
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 2000; i++) {
      Problem problem = Generator.draw(3 + i % 2, random).problem();
      Trace trace = Expert.solve(problem).orElseThrow();
      assertTrue(trace.steps().stream().allMatch(Step::inRange));
      assertTrue(Verifier.accepts(problem, trace.tokens(), 0));
    }
  }

  @Test
  void answerDoesNotDependOnTheOrderOfTheNumbers() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 200; i++) {
      Problem problem = Generator.draw(4, random).problem();
      List<Integer> reversed = new ArrayList<>(problem.numbers());
      Collections.reverse(reversed);
      assertEquals(Expert.solve(problem), Expert.solve(new Problem(reversed, problem.target())));
    }
  }

  @Test
  void largestNumbersAreCombinedFirst() {
    Trace trace = Expert.solve(new Problem(List.of(1, 2, 3, 4), 10)).orElseThrow();
    assertEquals("4 + 3 = 7 ; 7 + 2 = 9 ; 9 + 1 = 10 .", Vocabulary.text(trace.tokens()));
  }

  @Test
  void unreachableTargetHasNoAnswer() {
    assertEquals(Optional.empty(), Expert.solve(new Problem(List.of(1, 1, 1, 1), 49)));
  }
}
