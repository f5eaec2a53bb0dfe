package org.plait.lab.verify;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

/**
 * What the logits kernels wrote, copied into Java arrays.
 *
 * @param logProb [T]
 * @param entropy [T]
 * @param logSumExp [T]
 * @param state [T, 4]
 * @param gradient [T, V]
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record RowResults(
    float[] logProb, float[] entropy, float[] logSumExp, float[] state, float[] gradient) {

  /**
   * Runs both kernels; the gradient goes to {@code gradient}, which may be the logits themselves.
   */
  static RowResults run(Kernels kernels, Logits logits, float[] c, float[] h, TensorView gradient) {
    RowStats.Output stats = RowStats.Output.allocate(logits.tokens());
    compute(kernels, logits, c, h, stats, gradient);
    return of(stats, gradient);
  }

  private static void compute(
      Kernels kernels,
      Logits logits,
      float[] c,
      float[] h,
      RowStats.Output stats,
      TensorView gradient) {
    kernels.rowStats(logits, stats);
    kernels.logitsGrad(
        logits, given(stats.state()), TensorView.copyOf(c), TensorView.copyOf(h), gradient);
  }

  /** The same for logits with a row index: of the gradient, the rows of the index are returned. */
  static RowResults runIndexed(
      Kernels kernels, Logits logits, float[] c, float[] h, TensorView gradient, long[] index) {
    RowStats.Output stats = RowStats.Output.allocate(logits.tokens());
    compute(kernels, logits, c, h, stats, gradient);
    int vocab = (int) logits.vocab();
    float[] rows = new float[index.length * vocab];
    for (int t = 0; t < index.length; t++) {
      float[] row = gradient.rows(index[t], index[t] + 1).toFloats();
      System.arraycopy(row, 0, rows, t * vocab, vocab);
    }
    return new RowResults(
        given(stats.logProbs()).toFloats(),
        given(stats.entropy()).toFloats(),
        given(stats.logSumExp()).toFloats(),
        given(stats.state()).toFloats(),
        rows);
  }

  static RowResults of(RowStats.Output stats, TensorView gradient) {
    return new RowResults(
        given(stats.logProbs()).toFloats(),
        given(stats.entropy()).toFloats(),
        given(stats.logSumExp()).toFloats(),
        given(stats.state()).toFloats(),
        gradient.toFloats());
  }

  /** An output that is known to have been asked for. */
  static TensorView given(@Nullable TensorView view) {
    if (view == null) {
      throw new IllegalStateException("an output is missing");
    }
    return view;
  }

  /** Rows {@code from .. to - 1} of results over {@code vocab} columns. */
  RowResults rows(int from, int to, int vocab) {
    return new RowResults(
        Arrays.copyOfRange(logProb, from, to),
        Arrays.copyOfRange(entropy, from, to),
        Arrays.copyOfRange(logSumExp, from, to),
        Arrays.copyOfRange(state, 4 * from, 4 * to),
        Arrays.copyOfRange(gradient, vocab * from, vocab * to));
  }

  /** Names the first array that differs in a bit, or returns an empty string. */
  String difference(RowResults other) {
    String[] names = {"logp", "entropy", "logsumexp", "state", "gradient"};
    float[][] mine = {logProb, entropy, logSumExp, state, gradient};
    float[][] theirs = {other.logProb, other.entropy, other.logSumExp, other.state, other.gradient};
    for (int i = 0; i < names.length; i++) {
      int at = Bits.mismatch(mine[i], theirs[i]);
      if (at >= 0) {
        return names[i] + "[" + at + "] is " + mine[i][at] + ", not " + theirs[i][at];
      }
    }
    return "";
  }
}
