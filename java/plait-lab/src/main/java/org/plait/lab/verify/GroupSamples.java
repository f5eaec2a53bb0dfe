package org.plait.lab.verify;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Rewards in groups, each kind of which has broken some implementation. */
final class GroupSamples {

  /**
   * Rewards, exact in float32, sorted by group.
   *
   * @param rewards [n], NaN where there is none
   * @param roles [n] codes, some of them demonstrations or ignored
   * @param weights [n] as if lengths
   * @param ids [n] group of each
   * @param groups how many groups
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  record Rewards(double[] rewards, byte[] roles, double[] weights, int[] ids, int groups) {}

  private GroupSamples() {}

  static Map<String, Rewards> all() {
    Map<String, Rewards> samples = new LinkedHashMap<>();
    double nan = Double.NaN;
    samples.put("none", grouped(new double[0][]));
    samples.put("none in two groups", grouped(new double[2][0]));
    samples.put("one", grouped(new double[][] {{0.5}}));
    samples.put("pairs", grouped(new double[][] {{1, 0}, {0, 0}, {1, 1}, {-1, 3}}));
    samples.put(
        "constant tenths", grouped(new double[][] {filled(7, 0.1), filled(11, 0.7), {1, 0, 1}}));
    samples.put("all equal", grouped(new double[][] {filled(9, 0.3), filled(4, 0.3)}));
    samples.put(
        "large offset",
        grouped(new double[][] {{1000, 1000.001, 1000.002, 1000.003}, {1e6, 1e6 + 1}}));
    samples.put(
        "unscorable",
        grouped(new double[][] {{nan, 1, 0, nan}, {nan}, {nan, 2}, {}, {1, 2, 3}, {nan, nan}}));
    samples.put("nothing scorable", grouped(new double[][] {{nan, nan}, {nan}}));
    samples.put("singletons", grouped(new double[][] {{1}, {0}, {-2}, {0.25}}));
    samples.put(
        "demonstrations",
        grouped(
            new double[][] {
              {0, 0, 0, 0, 1}, {1, 1, 1, 1, 1}, {0.1, 0.1, 0.1, 0.1, 0.9}, {1, 0, 1, 0, 1}
            }));
    SplittableRandom random = new SplittableRandom(5);
    double[][] many = new double[60][];
    for (int g = 0; g < many.length; g++) {
      many[g] = new double[random.nextInt(1, 17)];
      boolean binary = g % 2 == 0;
      for (int i = 0; i < many[g].length; i++) {
        double value = binary ? random.nextInt(2) : 3 * Scenario.gaussian(random) + g;
        many[g][i] = random.nextInt(20) == 0 ? nan : value;
      }
    }
    samples.put("many", grouped(many));
    return samples;
  }

  private static double[] filled(int n, double value) {
    double[] result = new double[n];
    Arrays.fill(result, value);
    return result;
  }

  /** Every fifth reward is a demonstration's, some are ignored. */
  private static Rewards grouped(double[][] groups) {
    int n = Arrays.stream(groups).mapToInt(group -> group.length).sum();
    double[] rewards = new double[n];
    byte[] roles = new byte[n];
    double[] weights = new double[n];
    int[] ids = new int[n];
    int at = 0;
    for (int g = 0; g < groups.length; g++) {
      for (double reward : groups[g]) {
        rewards[at] = (float) reward;
        roles[at] = (byte) (at % 5 == 4 ? 2 : at % 13 == 11 ? 0 : 1);
        weights[at] = at % 7 == 3 ? 0 : 1 + at * 37 % 11;
        ids[at++] = g;
      }
    }
    return new Rewards(rewards, roles, weights, ids, groups.length);
  }
}
