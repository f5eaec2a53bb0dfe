package org.plait.lab.countdown;

/** One line of an answer: {@code left op right = result}. */
public record Step(int left, Operator operator, int right, int result) {

  /** The step that applies an operator, with the result that arithmetic gives. */
  public static Step of(int left, Operator operator, int right) {
    return new Step(left, operator, right, operator.apply(left, right));
  }

  /** Whether the result is a value that the task allows. */
  public boolean inRange() {
    return result >= 0 && result <= Vocabulary.MAX_VALUE;
  }
}
