package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.plait.Baseline;
import org.plait.EpsilonPlace;
import org.plait.GroupAdvantage;
import org.plait.ImportanceRatio;
import org.plait.Objective;
import org.plait.RatioLevel;
import org.plait.Scale;
import org.plait.Singleton;
import org.plait.Statistics;
import org.plait.TokenAdvantage;
import org.plait.Whitening;
import org.plait.lab.oracle.TokenProblem;

/** Random rewards, values and log-probs: what comes before an objective, against the oracle. */
final class RandomStages {
  private RandomStages() {}

  static List<Check> ratios(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int most = random.nextInt(10) == 0 ? 5000 : 90;
    TokenProblem problem = new RandomTokens(random).problem(Objective.ppo(), most);
    RatioLevel[] levels = RatioLevel.values();
    ImportanceRatio.Options options =
        new ImportanceRatio.Options(
            levels[random.nextInt(levels.length)],
            (float) random.nextDouble(0.01, 1),
            (float) random.nextDouble(0.01, 1),
            random.nextInt(2) == 0 ? (float) random.nextDouble(0.1, 2) : Float.POSITIVE_INFINITY);
    String title = "seed " + seed + ", " + options;
    return RatioSuite.compare(plan(kernels), problem, options, title, false);
  }

  static List<Check> returns(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int most = random.nextInt(10) == 0 ? 5000 : 90;
    TokenProblem problem = new RandomTokens(random).problem(Objective.reinforce(), most);
    TokenAdvantage advantage =
        new TokenAdvantage(
            (float) random.nextDouble(), (float) random.nextDouble(), random.nextBoolean());
    float floor = random.nextBoolean() ? 0 : random.nextFloat();
    Whitening whitening =
        new Whitening(random.nextBoolean(), random.nextBoolean(), floor, floor == 0 ? 1e-8f : 0);
    String title = "seed " + seed;
    return List.of(
        ReturnsSuite.returns(plan(kernels), problem, advantage, random.nextBoolean(), title),
        ReturnsSuite.whitened(plan(kernels), problem, whitening, title));
  }

  static List<Check> groups(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int groups = 1 + random.nextInt(random.nextInt(10) == 0 ? 300 : 9);
    List<Integer> ids = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      for (int i = random.nextInt(9); i > 0; i--) {
        ids.add(g);
      }
    }
    int n = ids.size();
    double[] rewards = new double[n];
    double offset = random.nextInt(4) == 0 ? 1e4 : 0;
    boolean graded = random.nextBoolean(); // or right and wrong
    Arrays.setAll(
        rewards,
        i ->
            random.nextInt(9) == 0
                ? Double.NaN
                : (float) (offset + (graded ? random.nextDouble(-1, 1) : random.nextInt(2))));
    byte[] roles = new byte[n];
    double[] weights = new double[n];
    for (int i = 0; i < n; i++) {
      roles[i] = (byte) random.nextInt(4);
      weights[i] = random.nextInt(100);
    }
    int[] id = ids.stream().mapToInt(Integer::intValue).toArray();
    GroupSamples.Rewards sample = new GroupSamples.Rewards(rewards, roles, weights, id, groups);
    GroupAdvantage options =
        new GroupAdvantage(
            any(random, Baseline.values()),
            any(random, Scale.values()),
            random.nextBoolean() ? Singleton.ZERO : Singleton.REWARD,
            random.nextBoolean(),
            random.nextBoolean() ? 1e-6f : 1e-3f,
            any(random, EpsilonPlace.values()),
            any(random, Statistics.values()),
            random.nextBoolean(),
            random.nextBoolean() ? 0 : 1e-3f);
    String title = "seed " + seed + ", " + options;
    return GroupSuite.compare(plan(kernels), sample, options, random.nextBoolean(), title);
  }

  private static <E> E any(SplittableRandom random, E[] values) {
    return values[random.nextInt(values.length)];
  }

  private static Plan plan(Kernels kernels) {
    return new Plan(kernels, true, List.of());
  }
}
