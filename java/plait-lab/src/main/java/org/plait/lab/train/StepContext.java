package org.plait.lab.train;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.util.RandomStreams;
import org.plait.lab.util.RandomStreams.Purpose;

/**
 * What a recipe may use at one step: its number, prompts, and the current policy to sample from.
 */
public final class StepContext {

  private final int step;
  private final long seed;
  private final PromptOrder order;
  private final Policy policy;
  private int sampled;

  /** Continues sequences, such as {@link org.plait.lab.model.Sampler#sample}. */
  interface Policy {

    /**
     * Answers, each by a random stream of its own.
     *
     * @param prompt tokens that every prefix has
     */
    List<int[]> sample(List<int[]> prefixes, int prompt, IntFunction<SplittableRandom> streams);
  }

  StepContext(int step, long seed, PromptOrder order, Policy policy) {
    this.step = step;
    this.seed = seed;
    this.order = order;
    this.policy = policy;
  }

  /** Steps taken before this one. */
  public int step() {
    return step;
  }

  /** The next training prompts with their demonstrations, as many at every step. */
  public List<Example> prompts(int count) {
    return questions(count).stream().map(this::example).toList();
  }

  /** The same by the numbers that they have among all training prompts. */
  public List<Integer> questions(int count) {
    return order.at((long) step * count, count);
  }

  /** The training prompt of a number. */
  public Example example(int question) {
    return order.example(question);
  }

  /**
   * Samples an answer to each prefix, a prompt or a prompt with a hint, at temperature 1. May be
   * called several times in a step; every call draws anew.
   */
  public List<int[]> sample(List<int[]> prefixes) {
    int first = sampled;
    sampled += prefixes.size();
    return policy.sample(
        prefixes,
        Problem.PROMPT_LENGTH,
        i -> RandomStreams.stream(seed, Purpose.ROLLOUTS, step, first + i));
  }

  /** Randomness of the recipe's own, different at every step. */
  public SplittableRandom random() {
    return RandomStreams.stream(seed, Purpose.RECIPE, step);
  }
}
