package org.plait.lab.countdown;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Solves problems by depth-first search in a fixed order: numbers from large to small, pairs from
 * the left, operators {@code + - *}; the first hit wins. One canonical answer per problem, in a
 * style of its own, as expert traces have. Stateless.
 */
public final class Expert {

  private static final Operator[] OPERATORS = Operator.values();

  private Expert() {}

  /** The expert's answer, or nothing if the target cannot be reached. */
  public static Optional<Trace> solve(Problem problem) {
    List<Integer> numbers = problem.numbers().stream().sorted(Comparator.reverseOrder()).toList();
    List<Step> steps = new ArrayList<>();
    return search(numbers, problem.target(), steps)
        ? Optional.of(new Trace(steps))
        : Optional.empty();
  }

  private static boolean search(List<Integer> numbers, int target, List<Step> steps) {
    if (numbers.size() == 1) {
      return numbers.get(0) == target;
    }
    for (int i = 0; i < numbers.size(); i++) {
      for (int j = i + 1; j < numbers.size(); j++) {
        for (Operator operator : OPERATORS) {
          Step step = Step.of(numbers.get(i), operator, numbers.get(j));
          if (!step.inRange()) {
            continue;
          }
          steps.add(step);
          if (search(combined(numbers, i, j, step.result()), target, steps)) {
            return true;
          }
          steps.remove(steps.size() - 1);
        }
      }
    }
    return false;
  }

  private static List<Integer> combined(List<Integer> numbers, int i, int j, int result) {
    List<Integer> rest = new ArrayList<>(numbers);
    rest.remove(j);
    rest.remove(i);
    rest.add(result);
    rest.sort(Comparator.reverseOrder());
    return rest;
  }
}
