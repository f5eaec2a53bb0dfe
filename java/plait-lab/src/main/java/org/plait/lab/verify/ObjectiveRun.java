package org.plait.lab.verify;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.TokenObjective;
import org.plait.lab.oracle.TokenProblem;

/**
 * What {@code token_objective} makes of a problem, its inputs rounded to float32.
 *
 * @param c [T]
 * @param h [T]
 * @param tokenLoss [T]
 * @param metrics by the names of {@link MetricNames}
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record ObjectiveRun(float[] c, float[] h, float[] tokenLoss, Map<String, Double> metrics) {

  static ObjectiveRun of(Kernels kernels, TokenProblem problem) {
    return of(kernels, problem, new Metrics());
  }

  static ObjectiveRun of(Kernels kernels, TokenProblem problem, Metrics metrics) {
    int tokens = problem.tokens();
    TokenObjective.Output out = TokenObjective.Output.allocate(tokens);
    double[] entropy = problem.entropy();
    kernels.tokenObjective(
        batch(problem),
        problem.objective(),
        normalizers(problem),
        floats(problem.logProbs()),
        entropy == null ? null : floats(entropy),
        out,
        metrics,
        workspace(problem));
    return new ObjectiveRun(
        RowResults.given(out.c()).toFloats(),
        RowResults.given(out.h()).toFloats(),
        RowResults.given(out.tokenLoss()).toFloats(),
        MetricNames.of(metrics));
  }

  static TokenBatch batch(TokenProblem problem) {
    TokenBatch.Builder builder = TokenBatch.builder(problem.tokens());
    if (problem.offsets() != null) {
      builder.offsets(TensorView.copyOf(problem.offsets()));
    }
    if (problem.roles() != null) {
      builder.roles(bytes(problem.roles()));
    }
    if (problem.advantages() != null) {
      builder.advantages(floats(problem.advantages()));
    }
    if (problem.oldLogProbs() != null) {
      builder.oldLogProbs(floats(problem.oldLogProbs()));
    }
    if (problem.referenceLogProbs() != null) {
      builder.referenceLogProbs(floats(problem.referenceLogProbs()));
    }
    if (problem.samplerLogProbs() != null) {
      builder.samplerLogProbs(floats(problem.samplerLogProbs()));
    }
    return builder.build();
  }

  static Normalizers normalizers(TokenProblem problem) {
    double[] tokens = problem.tokenCounts();
    double[] sequences = problem.sequenceCounts();
    return new Normalizers(
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        sequences[0],
        sequences[1],
        sequences[2],
        sequences[3],
        problem.length());
  }

  static TensorView workspace(TokenProblem problem) {
    long bytes = TokenObjective.workspaceBytes(problem.tokens(), problem.sequences());
    return TensorView.allocate(DType.UINT8, bytes);
  }

  static TensorView floats(double[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = (float) values[i];
    }
    return TensorView.copyOf(rounded);
  }

  static TensorView bytes(byte[] values) {
    TensorView view = TensorView.allocate(DType.UINT8, values.length);
    for (int i = 0; i < values.length; i++) {
      view.setLong(i, values[i]);
    }
    return view;
  }

  /** What it made of some of the tokens, without metrics. */
  ObjectiveRun at(int[] tokens) {
    return new ObjectiveRun(pick(c, tokens), pick(h, tokens), pick(tokenLoss, tokens), Map.of());
  }

  private static float[] pick(float[] values, int[] tokens) {
    float[] picked = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      picked[i] = values[tokens[i]];
    }
    return picked;
  }

  /** Names the first thing that differs in a bit, metrics included, or returns an empty string. */
  String difference(ObjectiveRun other) {
    String found = tokenDifference(other);
    for (Map.Entry<String, Double> metric : metrics.entrySet()) {
      @Nullable Double theirs = other.metrics.get(metric.getKey());
      if (found.isEmpty() && !metric.getValue().equals(theirs)) {
        found = metric.getKey() + " is " + metric.getValue() + ", not " + theirs;
      }
    }
    return found;
  }

  /** The same without the metrics. */
  String tokenDifference(ObjectiveRun other) {
    String[] names = {"c", "h", "token_loss"};
    float[][] mine = {c, h, tokenLoss};
    float[][] theirs = {other.c, other.h, other.tokenLoss};
    for (int i = 0; i < names.length; i++) {
      int at = Bits.mismatch(mine[i], theirs[i]);
      if (at >= 0) {
        return names[i] + "[" + at + "] is " + mine[i][at] + ", not " + theirs[i][at];
      }
    }
    return "";
  }
}
