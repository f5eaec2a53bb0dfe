package org.plait.lab.countdown;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Draws problems that can be solved: random numbers, combined in random pairs by random operators
 * until one value is left, which becomes the target. Stateless; the randomness is the caller's.
 */
public final class Generator {

  private static final int OPERATORS = Operator.values().length;

  private Generator() {}

  /** A problem with so many numbers, and the random trace it came from. */
  public static Example draw(int count, SplittableRandom random) {
    List<Integer> numbers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      numbers.add(1 + random.nextInt(Problem.LARGEST_NUMBER));
    }
    List<Integer> left = new ArrayList<>(numbers);
    List<Step> steps = new ArrayList<>(count - 1);
    while (left.size() > 1) {
      steps.add(combine(left, random));
    }
    return new Example(new Problem(numbers, left.get(0)), new Trace(steps));
  }

  /** Replaces a random pair by its combination, drawing again while the result is out of range. */
  private static Step combine(List<Integer> numbers, SplittableRandom random) {
    while (true) {
      int i = random.nextInt(numbers.size());
      int j = random.nextInt(numbers.size() - 1);
      j += j >= i ? 1 : 0;
      Operator operator = Operator.ofIndex(random.nextInt(OPERATORS));
      int left = numbers.get(i);
      int right = numbers.get(j);
      Step step =
          operator.commutes()
              ? Step.of(Math.max(left, right), operator, Math.min(left, right))
              : Step.of(left, operator, right);
      if (step.inRange()) {
        numbers.remove(Math.max(i, j));
        numbers.remove(Math.min(i, j));
        numbers.add(step.result());
        return step;
      }
    }
  }
}
