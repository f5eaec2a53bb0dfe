package org.plait.lab.countdown;

import java.util.ArrayList;
import java.util.List;

/** A worked answer: steps that reduce the numbers of a problem to one value. Immutable. */
public record Trace(List<Step> steps) {

  /** Tokens of the longest answer: three steps of five, two separators and the end. */
  public static final int MAX_LENGTH = length(Problem.MAX_NUMBERS - 1);

  public Trace {
    steps = List.copyOf(steps);
    if (steps.isEmpty()) {
      throw new IllegalArgumentException("steps: expected at least one, got none");
    }
  }

  /** Tokens of an answer with so many steps, its EOS included. */
  public static int length(int steps) {
    return 6 * steps;
  }

  /** The value of the last step. */
  public int result() {
    return steps.get(steps.size() - 1).result();
  }

  /** {@code a op b = c ; ... ; a op b = c EOS}. */
  public int[] tokens() {
    int[] tokens = new int[length(steps.size())];
    int next = 0;
    for (Step step : steps) {
      tokens[next++] = step.left();
      tokens[next++] = step.operator().token();
      tokens[next++] = step.right();
      tokens[next++] = Vocabulary.EQUALS;
      tokens[next++] = step.result();
      tokens[next++] = Vocabulary.THEN;
    }
    tokens[next - 1] = Vocabulary.EOS;
    return tokens;
  }

  /** The answer that tokens from {@code from} on spell, which the verifier has accepted. */
  static Trace of(int[] tokens, int from) {
    List<Step> steps = new ArrayList<>();
    for (int at = from; at < tokens.length; at += 6) {
      steps.add(Step.of(tokens[at], Operator.ofToken(tokens[at + 1]), tokens[at + 2]));
    }
    return new Trace(steps);
  }
}
