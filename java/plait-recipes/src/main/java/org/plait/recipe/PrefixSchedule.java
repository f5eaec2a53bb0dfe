package org.plait.recipe;

import java.util.random.RandomGenerator;

/**
 * How long a prefix of the demonstration a hybrid rollout of Prefix-RFT starts with (Huang et al.
 * 2025, arXiv:2507.01679; {@code scheduler/global_step.py} and {@code rl_dataset.py} of its
 * repository):
 *
 * <pre>{@code
 * ratio = min(low, high) + |high - low| * Beta(alpha, beta)       low and high as of the step
 * length = floor(ratio * demonstration), at least minLength, at most demonstration - 1
 * }</pre>
 *
 * <p>The generator is the caller's and the step an argument, so there is nothing to save. Immutable
 * and thread-safe.
 *
 * @param low one bound of the ratio, in [0, 1]
 * @param high the other one, in [0, 1]
 * @param alpha of the Beta distribution, 0.001 to 1e6
 * @param beta of the Beta distribution, 0.001 to 1e6; uniform if both are 1
 * @param minLength least length of a prefix in tokens, at least 0
 */
public record PrefixSchedule(Curve low, Curve high, double alpha, double beta, int minLength) {
  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public PrefixSchedule {
    checkShares("low", low);
    checkShares("high", high);
    checkShape("alpha", alpha);
    checkShape("beta", beta);
    Checks.that(minLength >= 0, "minLength", "at least 0", minLength);
  }

  /**
   * The paper's: uniform between 0.95 and a bound that falls from 0.95 to 0.05 by a cosine. A
   * prefix has at least 1 token here, so that a hybrid rollout is one.
   *
   * @param steps until the bound has fallen; 500 in the paper
   * @return the schedule
   */
  public static PrefixSchedule prefixRft(long steps) {
    return new PrefixSchedule(Curve.cosine(0.95, 0.05, steps), Curve.constant(0.95), 1, 1, 1);
  }

  /**
   * Draws the share of a demonstration that is given.
   *
   * @param step steps taken before, at least 0
   * @param random where draws come from
   * @return between the bounds of the step
   * @throws IllegalArgumentException if the step is negative
   */
  public double ratio(long step, RandomGenerator random) {
    Checks.random(random);
    double oneBound = low.at(step);
    double otherBound = high.at(step);
    double least = Math.min(oneBound, otherBound);
    double most = Math.max(oneBound, otherBound);
    return least + (most - least) * Distributions.beta(alpha, beta, random);
  }

  /**
   * Returns the length of a prefix. A demonstration of one token has none: its whole is never
   * given.
   *
   * @param ratio share of the demonstration, 0 to 1; there is no prefix if it is 0
   * @param demonstration its length in tokens, at least 1
   * @return from 0 to {@code demonstration - 1}
   * @throws IllegalArgumentException if an argument is out of range
   */
  public int length(double ratio, int demonstration) {
    Checks.share("ratio", ratio);
    Checks.that(demonstration >= 1, "demonstration", "at least 1 token", demonstration);
    if (ratio == 0) {
      return 0;
    }
    int wanted = Math.max((int) (ratio * demonstration), minLength);
    return Math.min(wanted, demonstration - 1);
  }

  /**
   * Draws the length of a prefix.
   *
   * @param demonstration length of the demonstration in tokens, at least 1
   * @param step steps taken before, at least 0
   * @param random where the draw comes from
   * @return from 0 to {@code demonstration - 1}
   * @throws IllegalArgumentException if an argument is out of range
   */
  public int draw(int demonstration, long step, RandomGenerator random) {
    return length(ratio(step, random), demonstration);
  }

  private static void checkShares(String name, Curve curve) {
    Checks.present(name, curve);
    if (curve instanceof Curve.Constant constant) {
      Checks.share(name, constant.value());
    } else if (curve instanceof Curve.Cosine cosine) {
      Checks.share(name + ".from", cosine.from());
      Checks.share(name + ".to", cosine.to());
    }
  }

  private static void checkShape(String name, double value) {
    Checks.that(value >= 1e-3 && value <= 1e6, name, "0.001 to 1e6", value);
  }
}
