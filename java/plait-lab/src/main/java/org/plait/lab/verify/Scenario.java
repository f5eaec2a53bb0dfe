package org.plait.lab.verify;

import java.util.SplittableRandom;

/** Kinds of logits, each of which has broken some kernel. */
enum Scenario {
  /** Normal with standard deviation 3; the first two targets are 0 and V - 1. */
  NORMAL,
  /**
   * Normal with standard deviation 30: nearly all the mass on few entries, exponentials that
   * underflow.
   */
  WIDE,
  /** A common offset of +1e4. */
  OFFSET_UP,
  /** A common offset of -1e4. */
  OFFSET_DOWN,
  /** Every logit near -1e30 (-6e4 in float16): below any sentinel for minus infinity. */
  FAR_BELOW,
  /** All logits equal: the entropy is log V. */
  EQUAL,
  /** Three in ten logits are -inf, but not the target's. */
  MASKED,
  /**
   * All logits -inf but one; in even rows that is the target's, in odd rows, where V > 1, another.
   */
  ONE_FINITE,
  /** Temperature 0.7. */
  TEMPERATURE,
  /** A temperature of its own for each row, 0.3 to 2. */
  TOKEN_TEMPERATURES;

  /** Half of the kinds, so that both types of targets meet every size. */
  boolean hasInt32Targets() {
    return this == WIDE || this == OFFSET_DOWN || this == EQUAL || this == ONE_FINITE;
  }

  boolean perTokenTemperature() {
    return this == TOKEN_TEMPERATURES;
  }

  String label() {
    return JsonFields.lower(this);
  }

  /** Fills {@code x[from .. from + vocab - 1]} with values of the type. */
  void fill(
      float[] x,
      int from,
      int vocab,
      int target,
      int row,
      Precision precision,
      SplittableRandom random) {
    double shared = random.nextDouble(-5, 5);
    int other = vocab > 1 ? (target + 1) % vocab : target;
    int finite = row % 2 == 0 ? target : other;
    for (int j = 0; j < vocab; j++) {
      double normal = gaussian(random);
      double value =
          switch (this) {
            case NORMAL, TEMPERATURE, TOKEN_TEMPERATURES -> 3 * normal;
            case WIDE -> 30 * normal;
            case OFFSET_UP -> 1e4 + 3 * normal;
            case OFFSET_DOWN -> -1e4 + 3 * normal;
            case FAR_BELOW ->
                precision == Precision.FLOAT16
                    ? -6e4 + 3 * normal
                    : -1e30 * (random.nextInt(2) == 0 ? 1 : 1 + 1e-5 * Math.abs(normal));
            case EQUAL -> shared;
            case MASKED ->
                j != target && random.nextInt(10) < 3 ? Double.NEGATIVE_INFINITY : 3 * normal;
            case ONE_FINITE -> j == finite ? 3 * normal : Double.NEGATIVE_INFINITY;
          };
      x[from + j] = precision.round(value);
    }
  }

  /** Box and Muller's normal deviate: exact enough, and the same on every JDK. */
  static double gaussian(SplittableRandom random) {
    double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
    return radius * Math.cos(2 * Math.PI * random.nextDouble());
  }
}
