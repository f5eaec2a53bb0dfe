package org.plait.lab.oracle;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.FilterAction;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.SamplerCorrection;

/**
 * Definition of the sampler correction, in float64, from {@code omega = old_logp - sampler_logp} of
 * the rollout tokens: the weight {@code exp(omega)} of each token, its sequence's sum or mean in
 * place of omega if so asked, clamped or masked by the bounds; and the filter, which rejects tokens
 * or sequences by k1, k2 or k3.
 */
public final class SamplerOracle {

  /**
   * The answer.
   *
   * @param weights [T], 1 where there is nothing to correct
   * @param rejected [T] tokens that count as ignored
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(double[] weights, boolean[] rejected) {}

  private final TokenProblem problem;
  private final SamplerCorrection correction;
  private final Result result;

  private SamplerOracle(TokenProblem problem) {
    this.problem = problem;
    this.correction = problem.objective().correction();
    this.result = new Result(new double[problem.tokens()], new boolean[problem.tokens()]);
    Arrays.fill(result.weights, 1);
  }

  /** Whether the correction changes anything: a filter that rejects does, whatever the rules. */
  public static boolean applies(Objective objective) {
    SamplerCorrection correction = objective.correction();
    boolean filters = correction.filterLevel() != CorrectionLevel.NONE;
    boolean weighs =
        objective.rollout().policy().isOn() && objective.rollout().policy().samplerCorrection();
    return (filters && correction.filterAction() == FilterAction.REJECT)
        || (correction.isOn() && weighs);
  }

  /** Weighs and filters every token. */
  public static Result evaluate(TokenProblem problem) {
    SamplerOracle oracle = new SamplerOracle(problem);
    if (!applies(problem.objective())) {
      return oracle.result;
    }
    for (int i = 0; i < problem.sequences(); i++) {
      int[] rollouts = rollouts(problem, i);
      oracle.weigh(rollouts);
      oracle.filter(rollouts);
    }
    if (oracle.correction.normalise()) {
      oracle.normalise();
    }
    return oracle.result;
  }

  /** The rollout tokens of a sequence. */
  static int[] rollouts(TokenProblem problem, int sequence) {
    int[] found = new int[problem.tokens()];
    int count = 0;
    for (int t = problem.begin(sequence); t < problem.begin(sequence + 1); t++) {
      if (problem.role(t) == 1) {
        found[count++] = t;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /** omega of token {@code t}, 0 where both log-probabilities are equal. */
  static double omega(TokenProblem problem, int t) {
    double old = TokenProblem.required(problem.oldLogProbs(), "old log-probs")[t];
    double sampler = TokenProblem.required(problem.samplerLogProbs(), "sampler log-probs")[t];
    return old == sampler ? 0 : old - sampler;
  }

  private void weigh(int[] tokens) {
    if (correction.level() == CorrectionLevel.NONE) {
      return;
    }
    double sum = Arrays.stream(tokens).mapToDouble(t -> omega(problem, t)).sum();
    for (int t : tokens) {
      double logWeight =
          switch (correction.level()) {
            case TOKEN -> omega(problem, t);
            case SEQUENCE_SUM -> sum;
            case SEQUENCE_MEAN -> sum / tokens.length;
            case NONE, SEQUENCE_MAX ->
                throw new IllegalArgumentException("no weight at level " + correction.level());
          };
      result.weights[t] = bounded(Math.exp(clamp(logWeight)));
    }
  }

  private double bounded(double weight) {
    double low = correction.low();
    double high = correction.high();
    if (weight >= low && weight <= high) {
      return weight;
    }
    return correction.bounds() == CorrectionBounds.MASK || Double.isNaN(weight)
        ? 0
        : weight < low ? low : high;
  }

  private double clamp(double logWeight) {
    double limit = correction.logLimit();
    return Math.max(-limit, Math.min(limit, logWeight));
  }

  private void filter(int[] tokens) {
    if (correction.filterLevel() == CorrectionLevel.NONE || tokens.length == 0) {
      return;
    }
    double[] statistics = Arrays.stream(tokens).mapToDouble(this::statistic).toArray();
    double sum = Arrays.stream(statistics).sum();
    double ofSequence =
        switch (correction.filterLevel()) {
          case SEQUENCE_MEAN -> sum / tokens.length;
          case SEQUENCE_MAX -> Arrays.stream(statistics).max().orElseThrow();
          default -> sum;
        };
    boolean byToken = correction.filterLevel() == CorrectionLevel.TOKEN;
    for (int i = 0; i < tokens.length; i++) {
      if (!passes(byToken ? statistics[i] : ofSequence)) {
        if (correction.filterAction() == FilterAction.REJECT) {
          result.rejected[tokens[i]] = true;
        } else {
          result.weights[tokens[i]] = 0;
        }
      }
    }
  }

  private double statistic(int t) {
    double x = clamp(omega(problem, t));
    return switch (correction.filterEstimator()) {
      case K1 -> -x;
      case K2 -> x * x / 2;
      case K3 -> KlOracle.expMinusOneMinus(x);
      case ABS -> throw new IllegalArgumentException("no filter by abs");
    };
  }

  private boolean passes(double statistic) {
    double low = correction.filterLow();
    double high = correction.filterHigh();
    return correction.filterEstimator() == KlEstimator.K1
        ? statistic >= Math.log(low) && statistic <= Math.log(high)
        : statistic <= high;
  }

  /** Divides by the mean over the rollout tokens that are not rejected. */
  private void normalise() {
    double sum = 0;
    double count = 0;
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == 1 && !result.rejected[t]) {
        sum += result.weights[t];
        count++;
      }
    }
    for (int t = 0; t < problem.tokens() && sum > 0; t++) {
      if (problem.role(t) == 1) {
        result.weights[t] *= count / sum;
      }
    }
  }

  /** The mismatch of all rollout tokens, the rejected ones too. */
  static void addSums(TokenProblem problem, Result result, SamplerSums sums) {
    double @Nullable [] sampler = problem.samplerLogProbs();
    double @Nullable [] old = problem.oldLogProbs();
    for (int i = 0; i < problem.sequences() && sampler != null && old != null; i++) {
      double oldSum = 0;
      double samplerSum = 0;
      double ratioSum = 0;
      int rejected = 0;
      int[] tokens = rollouts(problem, i);
      for (int t : tokens) {
        oldSum += old[t];
        samplerSum += sampler[t];
        ratioSum += sums.addToken(omega(problem, t), result.weights[t]);
        rejected += result.rejected[t] ? 1 : 0;
      }
      if (tokens.length > 0) {
        sums.addSequence(samplerSum, oldSum, ratioSum, tokens.length, rejected);
      }
    }
  }
}
