package org.plait.lab.countdown;

import java.util.Arrays;
import java.util.List;

/**
 * Numbers and the target to make of them, each number used exactly once. Immutable.
 *
 * @param numbers three or four numbers, in the order in which the prompt shows them
 * @param target the value to reach
 */
public record Problem(List<Integer> numbers, int target) {

  /** Tokens of a prompt: {@code n1 n2 n3 n4 -> target :}, with PAD for a missing first number. */
  public static final int PROMPT_LENGTH = 7;

  /** The most numbers that a problem has. */
  public static final int MAX_NUMBERS = 4;

  /** The largest number that a problem is given. */
  public static final int LARGEST_NUMBER = 10;

  public Problem {
    numbers = List.copyOf(numbers);
    if (numbers.size() < 2 || numbers.size() > MAX_NUMBERS) {
      throw new IllegalArgumentException(
          "numbers: expected 2 to " + MAX_NUMBERS + ", got " + numbers);
    }
    for (int number : numbers) {
      requireValue("numbers", number);
    }
    requireValue("target", target);
  }

  private static void requireValue(String name, int value) {
    if (value < 0 || value > Vocabulary.MAX_VALUE) {
      throw new IllegalArgumentException(
          name + ": expected values from 0 to " + Vocabulary.MAX_VALUE + ", got " + value);
    }
  }

  /** The numbers in ascending order: problems that share them differ only in order or target. */
  public List<Integer> multiset() {
    return numbers.stream().sorted().toList();
  }

  /** The problem with its numbers in ascending order: equal for problems that are the same. */
  public Problem key() {
    return new Problem(multiset(), target);
  }

  /** The prompt, {@link #PROMPT_LENGTH} tokens. */
  public int[] prompt() {
    int[] prompt = new int[PROMPT_LENGTH];
    int missing = MAX_NUMBERS - numbers.size();
    for (int i = 0; i < MAX_NUMBERS; i++) {
      prompt[i] = i < missing ? Vocabulary.PAD : numbers.get(i - missing);
    }
    prompt[MAX_NUMBERS] = Vocabulary.ARROW;
    prompt[MAX_NUMBERS + 1] = target;
    prompt[MAX_NUMBERS + 2] = Vocabulary.COLON;
    return prompt;
  }

  /** The prompt and an answer, or the beginning of one. */
  public int[] followedBy(int[] answer) {
    int[] sequence = Arrays.copyOf(prompt(), PROMPT_LENGTH + answer.length);
    System.arraycopy(answer, 0, sequence, PROMPT_LENGTH, answer.length);
    return sequence;
  }
}
