package org.plait.lab.countdown;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VerifierTest {

  private static final Problem PROBLEM = new Problem(List.of(2, 6, 3, 6), 21);
  private static final Trace TRACE =
      new Trace(
          List.of(
              Step.of(6, Operator.ADD, 6),
              Step.of(12, Operator.MULTIPLY, 2),
              Step.of(24, Operator.SUBTRACT, 3)));

  @Test
  void promptAndAnswerReadAsInTheDescriptionOfTheTask() {
    assertEquals("2 6 3 6 -> 21 :", Vocabulary.text(PROBLEM.prompt()));
    assertEquals("6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .", Vocabulary.text(TRACE.tokens()));
    assertEquals("_ 1 2 3 -> 6 :", Vocabulary.text(new Problem(List.of(1, 2, 3), 6).prompt()));
    assertTrue(Verifier.accepts(PROBLEM, TRACE.tokens(), 0));
  }

  @Test
  void everySingleWrongTokenIsRejected() {
    for (int position = 0; position < Trace.MAX_LENGTH; position++) {
      for (int token = 0; token < Vocabulary.SIZE; token++) {
        int[] changed = TRACE.tokens();
        if (changed[position] != token) {
          changed[position] = token;
          assertFalse(Verifier.accepts(PROBLEM, changed, 0), Vocabulary.text(changed));
        }
      }
    }
  }

  @Test
  void everyGeneratedTraceIsAcceptedForItsOwnProblemOnly() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 2000; i++) {
      Example example = Generator.draw(3 + i % 2, random);
      int[] answer = example.trace().tokens();
      Problem problem = example.problem();
      assertTrue(Verifier.accepts(problem, answer, 0));
      int other = (problem.target() + 1) % (Vocabulary.MAX_VALUE + 1);
      assertFalse(Verifier.accepts(new Problem(problem.numbers(), other), answer, 0));
    }
  }

  @Test
  void operandsMayBeSwappedAndStepsReordered() {
    Trace reordered =
        new Trace(
            List.of(
                Step.of(2, Operator.MULTIPLY, 6),
                Step.of(3, Operator.ADD, 6),
                Step.of(9, Operator.ADD, 12)));
    assertTrue(Verifier.accepts(PROBLEM, reordered.tokens(), 0));
  }

  @Test
  void numbersAreConsumed() {
    Trace twice =
        new Trace(
            List.of(
                Step.of(3, Operator.MULTIPLY, 6),
                Step.of(18, Operator.ADD, 3),
                Step.of(21, Operator.MULTIPLY, 1)));
    assertFalse(Verifier.accepts(PROBLEM, twice.tokens(), 0));
  }

  @Test
  void truncatedAndPaddedAnswersAreRejected() {
    int[] answer = TRACE.tokens();
    for (int length = 0; length < answer.length; length++) {
      assertFalse(Verifier.accepts(PROBLEM, Arrays.copyOf(answer, length), 0));
      int[] padded = answer.clone();
      Arrays.fill(padded, length, padded.length, Vocabulary.PAD);
      assertFalse(Verifier.accepts(PROBLEM, padded, 0));
    }
  }

  @Test
  void valuesOutOfRangeCannotBeWritten() {
    Problem problem = new Problem(List.of(10, 10, 1, 1), 10);
    int[] negative =
        new Trace(
                List.of(
                    Step.of(10, Operator.MULTIPLY, 1),
                    new Step(1, Operator.SUBTRACT, 10, 0),
                    Step.of(10, Operator.ADD, 0)))
            .tokens();
    assertFalse(Verifier.accepts(problem, negative, 0));
  }
}
