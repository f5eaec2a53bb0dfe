package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.plait.Objective;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/** Random tokens and objectives: presets, their variants, and rules with any value in any field. */
final class RandomTokens {
  /** What moves a token's log-prob by less than this may decide nothing that is compared. */
  private static final double NUDGE = 2e-6;

  private static final List<Objective> KNOWN = List.copyOf(Objectives.all().values());

  private final SplittableRandom random;

  RandomTokens(SplittableRandom random) {
    this.random = random;
  }

  Objective objective() {
    return random.nextInt(2) == 0
        ? KNOWN.get(random.nextInt(KNOWN.size()))
        : new RandomRules(random.nextLong()).objective();
  }

  /** Up to {@code most} tokens in sequences of every length, 0 too. */
  TokenProblem problem(Objective objective, int most) {
    List<Integer> lengths = new ArrayList<>();
    int n = 0;
    while (n < most && random.nextInt(12) > 0) {
      int length = Math.min(most - n, random.nextInt(4) == 0 ? 0 : random.nextInt(1, 10));
      lengths.add(length);
      n += length;
    }
    long[] offsets = new long[lengths.size() + 1];
    for (int i = 0; i < lengths.size(); i++) {
      offsets[i + 1] = offsets[i] + lengths.get(i);
    }
    double[] logProbs = reals(n, -6, -0.01);
    double[] old = apart(logProbs, 1.5);
    byte[] roles = new byte[n];
    for (int t = 0; t < n; t++) {
      roles[t] = (byte) random.nextInt(4);
    }
    return TokenProblem.of(
            logProbs,
            reals(n, 0.01, 5),
            roles,
            offsets,
            apart(new double[n], 2),
            old,
            apart(logProbs, 1.5),
            objective)
        .withSampler(apart(old, 1))
        .withNormalizers(counts(), counts(), 1 + random.nextInt(64));
  }

  private double[] counts() {
    double[] counts = new double[4];
    if (random.nextInt(2) == 0) {
      Arrays.setAll(counts, i -> 1 + random.nextInt(1000));
    }
    return counts;
  }

  private double[] reals(int n, double from, double to) {
    double[] values = new double[n];
    Arrays.setAll(values, i -> (float) random.nextDouble(from, to));
    return values;
  }

  /** Around other numbers, some of them equal to them. */
  private double[] apart(double[] from, double by) {
    double[] values = new double[from.length];
    Arrays.setAll(
        values,
        i ->
            random.nextInt(8) == 0
                ? from[i]
                : (float) (from[i] + by * Scenario.gaussian(random) / 2));
    return values;
  }

  /**
   * Whether rounding may decide something, a bound or a rank, at this problem: then the oracle
   * itself jumps when every log-prob moves a little, and there is nothing to compare.
   */
  static boolean isOnAnEdge(TokenProblem problem, TokenObjectiveOracle.Result at) {
    for (double by : new double[] {-NUDGE, NUDGE}) {
      double[] logProbs = Arrays.stream(problem.logProbs()).map(l -> l + by).toArray();
      double[] entropy = problem.entropy();
      if (entropy != null) {
        entropy = Arrays.stream(entropy).map(h -> h + by).toArray();
      }
      TokenObjectiveOracle.Result moved =
          TokenObjectiveOracle.evaluate(problem.at(logProbs, entropy));
      for (int t = 0; t < problem.tokens(); t++) {
        double scale = at.cMagnitude()[t] + moved.cMagnitude()[t];
        if (Math.abs(moved.c()[t] - at.c()[t]) > 1e-3 * scale
            || Math.abs(moved.h()[t] - at.h()[t]) > 1e-3 * Math.abs(at.h()[t])) {
          return true;
        }
      }
    }
    return false;
  }
}
