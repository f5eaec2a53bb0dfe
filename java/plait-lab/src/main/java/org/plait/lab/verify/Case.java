package org.plait.lab.verify;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.Objective;
import org.plait.lab.oracle.TokenProblem;

/**
 * One recorded case: inputs, an objective and what a trainer made of them.
 *
 * @param file where it was read, for messages
 * @param name unique in its file
 * @param source who computed the expected values
 * @param inputs what is known of the tokens
 * @param objective the rules; null if only advantages are compared
 * @param tokenCounts [4] normalising token counts, all and by role; 0: counted
 * @param sequenceCounts [4] likewise
 * @param length constant normaliser, 0 if none
 * @param advantage how rewards become advantages, step by step; empty if the case gives no rewards
 * @param expected what must come out
 * @param tolerance relative
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record Case(
    String file,
    String name,
    String source,
    CaseInputs inputs,
    @Nullable Objective objective,
    double[] tokenCounts,
    double[] sequenceCounts,
    double length,
    List<AdvantageStep> advantage,
    Expected expected,
    double tolerance) {

  /**
   * Expected values; what is null or empty is not compared.
   *
   * @param loss the scalar loss
   * @param dLogProb [T] its derivative with respect to each log-probability
   * @param dEntropy [T] its derivative with respect to each entropy
   * @param advantages [B] or [T], what the rewards become
   * @param returns [T] of the tokens
   * @param metrics values by name, see {@link MetricNames} and {@link UpstreamMetrics}
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  record Expected(
      @Nullable Double loss,
      double @Nullable [] dLogProb,
      double @Nullable [] dEntropy,
      double @Nullable [] advantages,
      double @Nullable [] returns,
      Map<String, Double> metrics) {

    Expected(
        @Nullable Double loss,
        double @Nullable [] dLogProb,
        double @Nullable [] dEntropy,
        double @Nullable [] advantages,
        Map<String, Double> metrics) {
      this(loss, dLogProb, dEntropy, advantages, null, metrics);
    }

    boolean isEmpty() {
      return loss == null
          && dLogProb == null
          && dEntropy == null
          && advantages == null
          && returns == null
          && metrics.isEmpty();
    }

    boolean needsObjective() {
      return loss != null || dLogProb != null || dEntropy != null || !metrics.isEmpty();
    }
  }

  /** The case as the oracle takes it, with these advantages, one a token. */
  TokenProblem problem(Objective evaluated, double @Nullable [] advantages) {
    return TokenProblem.of(
            inputs.logProb(),
            inputs.entropy(),
            inputs.roles(),
            inputs.offsets(),
            advantages,
            inputs.oldLogProb(),
            inputs.refLogProb(),
            evaluated)
        .withSampler(inputs.rolloutLogProb())
        .withNormalizers(tokenCounts, sequenceCounts, length);
  }
}
