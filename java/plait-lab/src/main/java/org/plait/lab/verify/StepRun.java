package org.plait.lab.verify;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.PolicyStep;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenObjective;
import org.plait.lab.oracle.SamplerOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * What a step from logits to their gradient wrote.
 *
 * @param gradient [T, V]
 * @param logProb [T]
 * @param entropy [T]
 * @param tokenLoss [T]
 * @param metrics by Plait's names
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record StepRun(
    float[] gradient,
    float[] logProb,
    float[] entropy,
    float[] tokenLoss,
    Map<String, Double> metrics) {

  String difference(StepRun other) {
    String found = differenceOfTokens(other);
    return found.isEmpty() ? differenceOfMetrics(other) : found;
  }

  /** The same without the metrics. */
  String differenceOfTokens(StepRun other) {
    int at = Bits.mismatch(gradient, other.gradient);
    return at >= 0 ? gradientAt(at, other) : differenceBesideGradient(other);
  }

  /**
   * Bit for bit too, but for the gradients that may keep the exponentials of the statistics: those
   * agree within the rounding of two exponentials.
   *
   * @param keeps whether the gradient of a token may
   */
  String differenceFromStages(StepRun stages, IntPredicate keeps) {
    int vocab = gradient.length / Math.max(1, logProb.length);
    for (int i = 0; i < gradient.length; i++) {
      float expected = stages.gradient[i];
      // Each exponential is off by half a unit in the last place of its exponent.
      double magnitude = Math.abs(expected);
      double bound = 1e-36;
      if (magnitude > 0) {
        bound += 0x1p-23 * magnitude * (4 + Math.abs(Math.log(magnitude)));
      }
      boolean near = keeps.test(i / vocab) && Math.abs(gradient[i] - expected) <= bound;
      if (!near && Float.floatToIntBits(gradient[i]) != Float.floatToIntBits(expected)) {
        return gradientAt(i, stages);
      }
    }
    String found = differenceBesideGradient(stages);
    return found.isEmpty() ? differenceOfMetrics(stages) : found;
  }

  private String differenceOfMetrics(StepRun other) {
    return metrics.equals(other.metrics) ? "" : metrics + ", not " + other.metrics;
  }

  private String gradientAt(int i, StepRun other) {
    return "gradient[" + i + "] is " + gradient[i] + ", not " + other.gradient[i];
  }

  private String differenceBesideGradient(StepRun other) {
    String[] names = {"logp", "entropy", "token_loss"};
    float[][] mine = {logProb, entropy, tokenLoss};
    float[][] theirs = {other.logProb, other.entropy, other.tokenLoss};
    for (int i = 0; i < names.length; i++) {
      int at = Bits.mismatch(mine[i], theirs[i]);
      if (at >= 0) {
        return names[i] + "[" + at + "] is " + mine[i][at] + ", not " + theirs[i][at];
      }
    }
    return "";
  }

  /** By {@code policy_step}; whatever is not written keeps 123. */
  static StepRun fused(Kernels kernels, Logits logits, TokenProblem problem, boolean inPlace) {
    PolicyStep.Output out =
        inPlace ? PolicyStep.Output.inPlace(logits) : PolicyStep.Output.allocate(logits);
    for (TensorView view :
        List.of(out.logProbs(), out.entropy(), RowResults.given(out.tokenLoss()))) {
      fill(view);
    }
    if (!inPlace) {
      fill(out.dLogits());
    }
    Metrics metrics = new Metrics();
    long bytes = PolicyStep.workspaceBytes(problem.tokens(), problem.sequences());
    kernels.policyStep(
        logits,
        ObjectiveRun.batch(problem),
        problem.objective(),
        ObjectiveRun.normalizers(problem),
        out,
        metrics,
        TensorView.allocate(DType.UINT8, bytes));
    return new StepRun(
        out.dLogits().toFloats(),
        out.logProbs().toFloats(),
        out.entropy().toFloats(),
        RowResults.given(out.tokenLoss()).toFloats(),
        metrics.toMap());
  }

  /** The same by the three kernels; ignored and rejected tokens get zeros. */
  static StepRun separate(Kernels kernels, Logits logits, TokenProblem problem) {
    RowStats.Output stats = RowStats.Output.allocate(problem.tokens());
    kernels.rowStats(logits, stats);
    TokenObjective.Output objective = TokenObjective.Output.allocate(problem.tokens());
    Metrics metrics = new Metrics();
    TensorView logProbs = RowResults.given(stats.logProbs());
    TensorView entropy = RowResults.given(stats.entropy());
    TensorView state = RowResults.given(stats.state());
    kernels.tokenObjective(
        ObjectiveRun.batch(problem),
        problem.objective(),
        ObjectiveRun.normalizers(problem),
        logProbs,
        entropy,
        objective,
        metrics,
        ObjectiveRun.workspace(problem));
    boolean[] rejected = SamplerOracle.evaluate(problem).rejected();
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == 0 || rejected[t]) {
        logProbs.setFloat(t, 0);
        entropy.setFloat(t, 0);
        for (int k = 0; k < RowStats.STATE_FLOATS; k++) {
          // The state of an ordinary row: with c = h = 0 the row itself, which is NaN, is not read.
          state.setFloat((long) t * RowStats.STATE_FLOATS + k, k == 1 ? 1 : 0);
        }
      }
    }
    TensorView data = logits.data();
    TensorView gradient = TensorView.allocate(data.dtype(), data.size(0), data.size(1));
    kernels.logitsGrad(logits, state, RowResults.given(objective.c()), objective.h(), gradient);
    return new StepRun(
        gradient.toFloats(),
        logProbs.toFloats(),
        entropy.toFloats(),
        RowResults.given(objective.tokenLoss()).toFloats(),
        metrics.toMap());
  }

  private static void fill(TensorView view) {
    float[] values = new float[Math.toIntExact(view.elements())];
    Arrays.fill(values, 123);
    view.copyFrom(values);
  }
}
