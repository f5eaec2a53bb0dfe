package org.plait.recipe;

/**
 * A number that depends on the training step alone, so that a run which resumes needs no state and
 * no worker process holds a stale one. Immutable and thread-safe.
 */
public sealed interface Curve {
  /**
   * Returns the value at a step.
   *
   * @param step steps taken before, at least 0
   * @return the value
   * @throws IllegalArgumentException if the step is negative
   */
  double at(long step);

  /**
   * Always the same value.
   *
   * @param value a finite number
   * @return the curve
   */
  static Curve constant(double value) {
    return new Constant(value);
  }

  /**
   * Half a cosine, without a warm-up.
   *
   * @param from value at step 0
   * @param to value from {@code steps} on; above {@code from} for a curve that rises
   * @param steps at least 1
   * @return the curve
   */
  static Curve cosine(double from, double to, long steps) {
    return new Cosine(from, to, steps, 0);
  }

  /**
   * Always the same value. Immutable and thread-safe.
   *
   * @param value a finite number
   */
  record Constant(double value) implements Curve {
    /**
     * Checks the argument.
     *
     * @throws IllegalArgumentException if the value is not finite
     */
    public Constant {
      finite("value", value);
    }

    @Override
    public double at(long step) {
      Checks.step(step);
      return value;
    }
  }

  /**
   * Prefix-RFT's cosine schedule ({@code scheduler/global_step.py} of its repository), after an
   * optional linear warm-up from 0:
   *
   * <pre>{@code
   * value = from * step / warmup                                    for step < warmup, then with
   * s = step - warmup:
   * value = to + (from - to) * 0.5 * (1 + cos(pi * s / steps))      for s <= steps
   * value = to                                                      after
   * }</pre>
   *
   * <p>The repository has a second form, "rise", for a from below to: {@code from + (to - from) *
   * (1 - 0.5 * (1 + cos(pi * s / steps)))}. It is the same function. Immutable and thread-safe.
   *
   * @param from value when the warm-up is over; finite
   * @param to value at the end; finite
   * @param steps length of the cosine, at least 1; the warm-up comes on top
   * @param warmup length of the warm-up, at least 0
   */
  record Cosine(double from, double to, long steps, long warmup) implements Curve {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Cosine {
      finite("from", from);
      finite("to", to);
      Checks.that(steps >= 1, "steps", "at least 1", steps);
      Checks.that(warmup >= 0, "warmup", "at least 0", warmup);
    }

    @Override
    public double at(long step) {
      Checks.step(step);
      if (step < warmup) {
        return (double) step / warmup * from;
      }
      long s = step - warmup;
      return s > steps ? to : interpolate(from, to, (double) s / steps);
    }

    /** Half a cosine: {@code from} at progress 0, {@code to} at progress 1. */
    static double interpolate(double from, double to, double progress) {
      return to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * progress));
    }
  }

  private static void finite(String name, double value) {
    Checks.that(Double.isFinite(value), name, "a finite number", value);
  }
}
