package org.plait.lab.countdown;

/**
 * Accepts an answer if it is right in every token: as many steps as the numbers need, each {@code a
 * op b = c} with both operands still available and the arithmetic right, separators in place, the
 * last value equal to the target, then EOS. Order of steps and operands is free. Stateless.
 */
public final class Verifier {

  private Verifier() {}

  /**
   * Whether the tokens from {@code from} on answer the problem; what follows EOS is not looked at.
   */
  public static boolean accepts(Problem problem, int[] tokens, int from) {
    int steps = problem.numbers().size() - 1;
    if (tokens.length - from < Trace.length(steps)) {
      return false;
    }
    int[] available = new int[Vocabulary.MAX_VALUE + 1];
    for (int number : problem.numbers()) {
      available[number]++;
    }
    int result = -1;
    for (int step = 0; step < steps; step++) {
      int at = from + 6 * step;
      result = tokens[at + 4];
      int end = step == steps - 1 ? Vocabulary.EOS : Vocabulary.THEN;
      if (!takes(available, tokens[at])
          || !takes(available, tokens[at + 2])
          || !Operator.isOperator(tokens[at + 1])
          || tokens[at + 3] != Vocabulary.EQUALS
          || tokens[at + 5] != end
          || !Vocabulary.isValue(result)
          || Operator.ofToken(tokens[at + 1]).apply(tokens[at], tokens[at + 2]) != result) {
        return false;
      }
      available[result]++;
    }
    return result == problem.target();
  }

  /** Consumes one available number, if there is one. */
  private static boolean takes(int[] available, int token) {
    if (!Vocabulary.isValue(token) || available[token] == 0) {
      return false;
    }
    available[token]--;
    return true;
  }
}
