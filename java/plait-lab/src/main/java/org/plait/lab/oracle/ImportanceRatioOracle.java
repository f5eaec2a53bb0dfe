package org.plait.lab.oracle;

import java.util.Arrays;
import org.plait.ImportanceRatio;

/**
 * Definition of {@code importance_ratio} in float64: {@code exp} of the log-ratio of a token, or of
 * the mean or the sum over its sequence; ignored tokens are in no sequence and get 0.
 */
public final class ImportanceRatioOracle {

  /**
   * The answer.
   *
   * @param ratio [T]
   * @param sequenceRatio [B], for the sequence levels
   * @param flags [T]
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(double[] ratio, double[] sequenceRatio, int[] flags) {}

  private ImportanceRatioOracle() {}

  /** Ratios of all tokens; sequence i is tokens {@code offsets[i] .. offsets[i + 1] - 1}. */
  public static Result evaluate(
      double[] logProbs,
      double[] oldLogProbs,
      byte[] roles,
      long[] offsets,
      ImportanceRatio.Options options) {
    int sequences = offsets.length - 1;
    Result result =
        new Result(new double[logProbs.length], new double[sequences], new int[logProbs.length]);
    Arrays.fill(result.sequenceRatio, 1);
    for (int i = 0; i < sequences; i++) {
      double sum = 0;
      int count = 0;
      for (int t = (int) offsets[i]; t < offsets[i + 1]; t++) {
        if (roles[t] != 0) {
          sum += logProbs[t] - oldLogProbs[t];
          count++;
        }
      }
      for (int t = (int) offsets[i]; t < offsets[i + 1]; t++) {
        if (roles[t] != 0) {
          double logRatio =
              switch (options.level()) {
                case TOKEN -> logProbs[t] - oldLogProbs[t];
                case SEQUENCE_MEAN -> sum / count;
                case SEQUENCE_SUM -> sum;
              };
          double limit = options.logRatioLimit();
          double ratio = Math.exp(Math.max(-limit, Math.min(limit, logRatio)));
          result.ratio[t] = ratio;
          result.sequenceRatio[i] = ratio;
          result.flags[t] =
              (ratio < 1 - options.clipLow() ? ImportanceRatio.BELOW : 0)
                  | (ratio > 1 + options.clipHigh() ? ImportanceRatio.ABOVE : 0)
                  | (Math.abs(logRatio) > limit ? ImportanceRatio.LIMITED : 0);
        }
      }
    }
    return result;
  }
}
