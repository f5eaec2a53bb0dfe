package org.plait.recipe;

import java.util.random.RandomGenerator;

/**
 * How much of a trace is given away as a hint, less and less as training goes on: UFT (Liu et al.
 * 2025, arXiv:2505.16984; {@code rl_dataset.py} of its repository) and its alternatives.
 *
 * <p>Draw once for a question and use the hint for all of its rollouts: group statistics are then
 * of responses to one state. A hint may be the whole trace, as upstream. The step is an argument
 * and the generator is the caller's, so there is nothing to save here, and nothing to go stale in a
 * data loader; {@link SplitMix64#at SplitMix64.at(seed, step, question)} makes a draw depend on its
 * place alone.
 *
 * <p>Immutable and thread-safe.
 */
public sealed interface HintSchedule {
  /**
   * Draws the length of a hint in segments.
   *
   * @param count segments of the trace, at least 1
   * @param step steps taken before, at least 0
   * @param random where draws come from
   * @return from 0 to count
   * @throws IllegalArgumentException if count or step is out of range
   */
  int segments(int count, long step, RandomGenerator random);

  /**
   * Draws the length of a hint in tokens.
   *
   * @param trace the trace
   * @param step steps taken before, at least 0
   * @param random where draws come from
   * @return from 0 to the length of the trace
   */
  default int length(Segments trace, long step, RandomGenerator random) {
    Checks.present("trace", trace);
    return trace.prefix(segments(trace.count(), step, random));
  }

  /**
   * UFT with the paper's probabilities, 0.95 falling to 0.05.
   *
   * @param steps with hints; 300 of 500 in the paper
   * @return the schedule
   */
  static HintSchedule uft(long steps) {
    return new Binomial(0.95, 0.05, steps);
  }

  /**
   * UFT: every segment is revealed with a probability that is annealed by a cosine (equation B.1),
   * and the hint is as many segments as were. With t the step, from 0:
   *
   * <pre>{@code
   * p(t) = low + (high - low) / 2 * (1 + cos(pi * (t + 1) / steps))    for t < steps, else 0
   * segments ~ Binomial(count, p(t))
   * }</pre>
   *
   * <p>Immutable and thread-safe.
   *
   * @param high probability at the beginning, at most 1
   * @param low probability at the end of the schedule, from 0 to high
   * @param steps with hints, at least 1
   */
  record Binomial(double high, double low, long steps) implements HintSchedule {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Binomial {
      Checks.share("high", high);
      Checks.that(low >= 0 && low <= high, "low", "0 to high = " + high, low);
      Checks.that(steps >= 1, "steps", "at least 1", steps);
    }

    /**
     * Returns the probability that a segment is revealed.
     *
     * @param step t, at least 0
     * @return p(t)
     * @throws IllegalArgumentException if the step is negative
     */
    public double probability(long step) {
      Checks.step(step);
      return step >= steps ? 0 : Curve.Cosine.interpolate(high, low, (step + 1.0) / steps);
    }

    @Override
    public int segments(int count, long step, RandomGenerator random) {
      checkCount(count);
      Checks.random(random);
      return Distributions.binomial(count, probability(step), random);
    }
  }

  /**
   * Stages of equal length, each with one segment less: the repository's {@code stage}. With t the
   * step, from 0, and integer divisions:
   *
   * <pre>{@code
   * segments = clamp(count - (t + 1) / (steps / (count + 1)), 0, count)    for t < steps, else 0
   * }</pre>
   *
   * <p>Draws nothing. Immutable and thread-safe.
   *
   * @param maxSegments segments that a trace can have, at least 1; 5 upstream
   * @param steps with hints, at least maxSegments + 1, so that no stage is empty: upstream divides
   *     by 0 then
   */
  record Stage(int maxSegments, long steps) implements HintSchedule {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Stage {
      Checks.that(maxSegments >= 1, "maxSegments", "at least 1", maxSegments);
      Checks.that(
          steps > maxSegments,
          "steps",
          "above maxSegments = " + maxSegments + ", a step for each stage",
          steps);
    }

    @Override
    public int segments(int count, long step, RandomGenerator random) {
      checkCount(count);
      Checks.that(count <= maxSegments, "count", "at most maxSegments = " + maxSegments, count);
      Checks.step(step);
      if (step >= steps) {
        return 0;
      }
      long stage = (step + 1) / (steps / (count + 1L));
      return (int) Math.max(count - stage, 0);
    }
  }

  /**
   * Any number of segments from 0 to all, with equal probability and at every step: the
   * repository's {@code uniform_sampling}, after R3 (Xi et al. 2024, arXiv:2402.05808). Used with
   * hints in the role that no loss is taken over. Immutable and thread-safe.
   */
  record Uniform() implements HintSchedule {
    @Override
    public int segments(int count, long step, RandomGenerator random) {
      checkCount(count);
      Checks.step(step);
      Checks.random(random);
      return Distributions.index(count + 1, random);
    }
  }

  private static void checkCount(int count) {
    Checks.that(count >= 1, "count", "at least 1 segment", count);
  }
}
