package org.plait.recipe;

import java.util.random.RandomGenerator;

/**
 * SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"): a
 * generator whose whole state is one {@code long}, so that a checkpoint can hold it and a run that
 * resumes draws what it would have drawn.
 *
 * <pre>{@code
 * state = state + 0x9e3779b97f4a7c15
 * z = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9
 * z = (z ^ (z >>> 27)) * 0x94d049bb133111eb
 * output = z ^ (z >>> 31)
 * }</pre>
 *
 * <p>The outputs are those of {@link java.util.SplittableRandom} with the same seed, which keeps
 * its state to itself. Period 2^64. Not thread-safe: give each thread its own, by {@link #split} or
 * {@link #at}.
 */
public final class SplitMix64 implements RandomGenerator {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  /**
   * Starts at a seed, or goes on from a saved state: they are the same thing.
   *
   * @param state any number
   */
  public SplitMix64(long state) {
    this.state = state;
  }

  /**
   * Returns the generator of a place: of one question at one step, say. It depends on the arguments
   * alone, so a run that resumes, or a data loader in another process, gets the same one without
   * any saved state.
   *
   * @param seed of the run
   * @param coordinates of the place; their number and order count
   * @return a new generator, independent of that of any other place
   */
  public static SplitMix64 at(long seed, long... coordinates) {
    long state = mix(seed + GOLDEN_GAMMA);
    for (long coordinate : coordinates) {
      state = mix(state + coordinate);
    }
    return new SplitMix64(state);
  }

  /**
   * Splits off a generator, for another thread or purpose. Advances this one by one draw.
   *
   * @return a new generator, independent of what this one goes on to draw
   */
  public SplitMix64 split() {
    return at(nextLong());
  }

  /**
   * Returns all there is to save.
   *
   * @return what {@link #SplitMix64(long)} goes on from
   */
  public long state() {
    return state;
  }

  /** Draws 64 bits. */
  @Override
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Draws a multiple of 2^-53 in [0, 1): written out so that no JDK draws another one. */
  @Override
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /** The state, since that is all there is. */
  @Override
  public String toString() {
    return "SplitMix64[state=" + state + "]";
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
