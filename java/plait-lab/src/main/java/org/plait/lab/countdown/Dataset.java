package org.plait.lab.countdown;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.plait.lab.util.RandomStreams;

/**
 * The splits of the four-number problems. No two splits share a set of numbers, so that success on
 * held-out problems cannot come from numbers seen in training. Immutable.
 *
 * @param training prompts of post-training, each with one demonstration of the expert
 * @param validation problems on which settings are chosen
 * @param heldOut problems that are only reported on
 * @param reservedNumbers sets of four numbers that no training of any kind may see
 */
public record Dataset(
    List<Example> training,
    List<Problem> validation,
    List<Problem> heldOut,
    Set<List<Integer>> reservedNumbers) {

  /** The seed of the published setting. */
  public static final long DEFAULT_SEED = 1234;

  public static final int TRAINING_SIZE = 1000;
  public static final int VALIDATION_SIZE = 500;
  public static final int HELD_OUT_SIZE = 1000;

  /** Shares of the sets of numbers: one eighth for validation, one quarter held out. */
  private static final int PARTS = 8;

  private static final int HELD_OUT_PARTS = 2;
  private static final int VALIDATION_PARTS = 1;

  public Dataset {
    training = List.copyOf(training);
    validation = List.copyOf(validation);
    heldOut = List.copyOf(heldOut);
    reservedNumbers = Set.copyOf(reservedNumbers);
  }

  /** The splits that a seed gives; the same on every machine. */
  public static Dataset of(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<List<Integer>> numbers = allNumbers();
    RandomStreams.shuffle(numbers, random);
    int heldOutEnd = numbers.size() * HELD_OUT_PARTS / PARTS;
    int reservedEnd = numbers.size() * (HELD_OUT_PARTS + VALIDATION_PARTS) / PARTS;
    Set<List<Integer>> heldOutNumbers = Set.copyOf(numbers.subList(0, heldOutEnd));
    Set<List<Integer>> reservedNumbers = Set.copyOf(numbers.subList(0, reservedEnd));
    List<Problem> training = new ArrayList<>();
    List<Problem> validation = new ArrayList<>();
    List<Problem> heldOut = new ArrayList<>();
    Set<Problem> seen = new HashSet<>();
    while (training.size() < TRAINING_SIZE
        || validation.size() < VALIDATION_SIZE
        || heldOut.size() < HELD_OUT_SIZE) {
      Problem problem = Generator.draw(Problem.MAX_NUMBERS, random).problem();
      List<Integer> drawn = problem.multiset();
      if (!seen.add(problem.key())) {
        continue;
      }
      if (heldOutNumbers.contains(drawn)) {
        addUpTo(HELD_OUT_SIZE, heldOut, problem);
      } else if (reservedNumbers.contains(drawn)) {
        addUpTo(VALIDATION_SIZE, validation, problem);
      } else {
        addUpTo(TRAINING_SIZE, training, problem);
      }
    }
    return new Dataset(
        training.stream().map(Dataset::demonstrated).toList(),
        validation,
        heldOut,
        reservedNumbers);
  }

  private static void addUpTo(int size, List<Problem> problems, Problem problem) {
    if (problems.size() < size) {
      problems.add(problem);
    }
  }

  /** The same with other demonstrations. */
  public Dataset withTraining(List<Example> examples) {
    return new Dataset(examples, validation, heldOut, reservedNumbers);
  }

  /** Whether a problem may be trained on. */
  public boolean allowsTrainingOn(Problem problem) {
    return !reservedNumbers.contains(problem.multiset());
  }

  private static Example demonstrated(Problem problem) {
    return new Example(problem, Expert.solve(problem).orElseThrow());
  }

  /** Every set of four numbers, repeats allowed: 715. */
  private static List<List<Integer>> allNumbers() {
    List<List<Integer>> multisets = new ArrayList<>();
    for (int a = 1; a <= Problem.LARGEST_NUMBER; a++) {
      for (int b = a; b <= Problem.LARGEST_NUMBER; b++) {
        for (int c = b; c <= Problem.LARGEST_NUMBER; c++) {
          for (int d = c; d <= Problem.LARGEST_NUMBER; d++) {
            multisets.add(List.of(a, b, c, d));
          }
        }
      }
    }
    return multisets;
  }
}
