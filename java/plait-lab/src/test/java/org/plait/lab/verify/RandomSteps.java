package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.lab.oracle.RowOracle;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * {@code token_objective} and {@code policy_step} on random tokens: against the oracle, and bit for
 * bit on any number of threads, in place, and with ignored tokens anywhere between the others.
 */
final class RandomSteps {
  private static final int[] VOCABS = {1, 2, 7, 31, 32, 33, 64, 65, 130, 257};
  private static final int[] LARGE = {4095, 4096, 4097, 9000};

  private RandomSteps() {}

  /** The objective alone. */
  static List<Check> tokens(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    RandomTokens draw = new RandomTokens(random);
    Objective objective = draw.objective();
    boolean many = random.nextInt(25) == 0; // enough to be shared out over threads
    TokenProblem problem = draw.problem(objective, many ? 6000 : 70);
    String title = "seed " + seed;
    List<Check> checks = new ArrayList<>();
    if (!RandomTokens.isOnAnEdge(problem, TokenObjectiveOracle.evaluate(problem))) {
      // Autograd's textbook, which checks the oracle, writes the methods down: not every rule.
      ObjectiveSuite.compare(kernels, problem, title).stream()
          .filter(check -> check.kernel().equals("token_objective"))
          .forEach(checks::add);
    }
    ObjectiveRun expected = ObjectiveRun.of(kernels, problem);
    String found = onThreads(random, () -> ObjectiveRun.of(kernels, problem).difference(expected));
    checks.add(exact("token_objective bits", problem, title + ": threads", found));
    Padding padding = Padding.of(problem, random);
    found =
        ObjectiveRun.of(kernels, padding.problem()).at(padding.places()).tokenDifference(expected);
    checks.add(exact("token_objective bits", problem, title + ": padded", found));
    return checks;
  }

  /** The whole step. */
  static List<Check> steps(Kernels kernels, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    RandomTokens draw = new RandomTokens(random);
    Objective objective = draw.objective();
    boolean large = random.nextInt(8) == 0;
    int vocab = large ? LARGE[random.nextInt(LARGE.length)] : VOCABS[random.nextInt(VOCABS.length)];
    TokenProblem drawn = draw.problem(objective, large ? 8 : 60);
    Scenario[] scenarios = Scenario.values();
    Precision[] precisions = Precision.values();
    RowSample sample =
        RowSample.of(
            scenarios[random.nextInt(scenarios.length)],
            precisions[random.nextInt(precisions.length)],
            drawn.tokens(),
            vocab,
            seed);
    RowOracle.Statistics[] rows = PolicyStepSuite.statistics(sample);
    TokenProblem problem =
        PolicyStepSuite.onPolicyOf(drawn, rows, sample.precision)
            .withNormalizers(drawn.tokenCounts(), drawn.sequenceCounts(), drawn.length());
    String title = "seed " + seed + ", " + sample.scenario.label();
    List<Check> checks = new ArrayList<>();
    StepRun fused = PolicyStepSuite.bits(kernels, sample, problem, title, checks);
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(problem);
    boolean nothing =
        ObjectiveSuite.nothing(oracle.cMagnitude()) && ObjectiveSuite.nothing(oracle.h());
    if (nothing) {
      checks.add(zero(fused, problem, title));
    } else if (!PolicyStepSuite.ranksByCovariance(objective)
        && !RandomTokens.isOnAnEdge(problem, oracle)) {
      checks.add(
          PolicyStepSuite.gradient(sample, rows, problem, fused.gradient())
              .check(
                  "policy_step", sample.rows + "x" + vocab, sample.precision.label(), title, true));
    }
    String found = onThreads(random, () -> run(kernels, sample, problem, null).difference(fused));
    checks.add(exact("policy_step bits", problem, title + ": threads", found));
    Padding padding = Padding.of(problem, random);
    StepRun padded = run(kernels, sample, padding.problem(), padding.places());
    found = padding.tokens(padded, vocab).differenceOfTokens(fused);
    checks.add(exact("policy_step bits", problem, title + ": padded", found));
    return checks;
  }

  /** The step on the rows of a sample, each at its place between rows of NaN. */
  private static StepRun run(
      Kernels kernels, RowSample sample, TokenProblem problem, int @Nullable [] places) {
    int tokens = problem.tokens();
    TensorView data = TensorView.allocate(sample.precision.dtype(), tokens, sample.vocab);
    TensorView targets = TensorView.allocate(DType.INT64, tokens);
    float[] temperatures = new float[tokens];
    Arrays.fill(temperatures, 1);
    for (int row = 0; row < sample.rows; row++) {
      int place = places == null ? row : places[row];
      sample.copyRows(data.rows(place, place + 1), row, 1);
      targets.setLong(place, sample.targets[row]);
      temperatures[place] = sample.temperatures[row];
    }
    PolicyStepSuite.spoilIgnored(problem, data);
    Logits logits =
        Logits.builder(data, targets).temperatures(TensorView.copyOf(temperatures)).build();
    return StepRun.fused(kernels, logits, problem, places != null);
  }

  /** Where no token has a loss there is no gradient, and no reference either. */
  private static Check zero(StepRun run, TokenProblem problem, String title) {
    String found = "";
    for (float value : run.gradient()) {
      found = value == 0 || Float.isNaN(value) ? found : "the gradient is not zero but " + value;
    }
    return exact("policy_step", problem, title + ": no loss", found);
  }

  private interface Difference {
    String find();
  }

  private static String onThreads(SplittableRandom random, Difference difference) {
    int before = torch.get_num_threads();
    try {
      int threads = new int[] {1, 3, 8}[random.nextInt(3)];
      torch.set_num_threads(threads);
      String found = difference.find();
      return found.isEmpty() ? "" : threads + " threads: " + found;
    } finally {
      torch.set_num_threads(before);
    }
  }

  private static Check exact(String kernel, TokenProblem problem, String variant, String found) {
    String shape = ObjectiveSuite.shape(problem);
    return Check.exact(kernel, shape, "", variant, found.isEmpty(), found);
  }
}
