package org.plait.lab.train;

import java.util.List;
import java.util.SplittableRandom;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.model.Sampler;
import org.plait.lab.util.RandomStreams;
import org.plait.lab.util.RandomStreams.Purpose;

/**
 * What a recipe may use at one step: its number, prompts, and the current policy to sample from.
 */
public final class StepContext {

  private final int step;
  private final long seed;
  private final PromptOrder order;
  private final Sampler sampler;
  private int sampled;

  StepContext(int step, long seed, PromptOrder order, Sampler sampler) {
    this.step = step;
    this.seed = seed;
    this.order = order;
    this.sampler = sampler;
  }

  /** Steps taken before this one. */
  public int step() {
    return step;
  }

  /** The next training prompts with their demonstrations, as many at every step. */
  public List<Example> prompts(int count) {
    return order.at((long) step * count, count);
  }

  /**
   * Samples an answer to each prefix, a prompt or a prompt with a hint, at temperature 1. May be
   * called several times in a step; every call draws anew.
   */
  public List<int[]> sample(List<int[]> prefixes) {
    int first = sampled;
    sampled += prefixes.size();
    return sampler.sample(
        prefixes,
        Problem.PROMPT_LENGTH,
        i -> RandomStreams.stream(seed, Purpose.ROLLOUTS, step, first + i));
  }

  /** Randomness of the recipe's own, different at every step. */
  public SplittableRandom random() {
    return RandomStreams.stream(seed, Purpose.RECIPE, step);
  }
}
