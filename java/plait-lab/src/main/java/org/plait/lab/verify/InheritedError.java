package org.plait.lab.verify;

import java.util.Arrays;
import org.plait.lab.oracle.RowOracle;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * What the rounding of log-probs and entropies does to c: c is a function of them, and inherits
 * their errors by its slopes. Where it depends on its sequence the largest error there counts.
 */
final class InheritedError {

  private static final double STEP = 1e-4;

  private InheritedError() {}

  /** [T] magnitudes to be added to those of c, whose own error is relative to them. */
  static double[] of(TokenProblem problem, RowOracle.Statistics[] rows, float[] temperatures) {
    int n = problem.tokens();
    double[] logProbs = new double[n];
    double[] entropies = new double[n];
    for (int t = 0; t < n; t++) {
      RowScale scale = RowScale.of(rows[t], temperatures[t]);
      logProbs[t] = Math.min(scale.logProb(), 1e4);
      entropies[t] = Math.min(scale.entropy(), 1e4);
    }
    if (!problem.objective().isOnePass()) {
      spread(problem, logProbs);
      spread(problem, entropies);
    }
    double[] byLogProb = slopes(problem, STEP, 0);
    double[] byEntropy = slopes(problem, 0, STEP);
    double[] result = new double[n];
    Arrays.setAll(result, t -> byLogProb[t] * logProbs[t] + byEntropy[t] * entropies[t]);
    return result;
  }

  /** The largest value of a sequence at each of its tokens. */
  private static void spread(TokenProblem problem, double[] values) {
    for (int i = 0; i < problem.sequences(); i++) {
      double largest = 0;
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        largest = problem.role(t) == 0 ? largest : Math.max(largest, values[t]);
      }
      Arrays.fill(values, problem.begin(i), problem.begin(i + 1), largest);
    }
  }

  /** |dc| by a common shift of all log-probs or entropies, by central differences. */
  private static double[] slopes(TokenProblem problem, double byLogProb, double byEntropy) {
    double[] up = shifted(problem, byLogProb, byEntropy);
    double[] down = shifted(problem, -byLogProb, -byEntropy);
    double[] slopes = new double[problem.tokens()];
    Arrays.setAll(slopes, t -> Math.abs(up[t] - down[t]) / (2 * STEP));
    return slopes;
  }

  private static double[] shifted(TokenProblem problem, double byLogProb, double byEntropy) {
    double[] logProbs = Arrays.stream(problem.logProbs()).map(l -> l + byLogProb).toArray();
    double[] entropy = problem.entropy();
    if (entropy != null) {
      entropy = Arrays.stream(entropy).map(h -> h + byEntropy).toArray();
    }
    return TokenObjectiveOracle.evaluate(problem.at(logProbs, entropy)).c();
  }
}
