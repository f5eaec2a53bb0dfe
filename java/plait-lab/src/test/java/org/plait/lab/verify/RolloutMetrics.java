package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.clamp;
import static org.plait.lab.verify.UpstreamForm.sum;
import static org.plait.lab.verify.UpstreamForm.tokenMean;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/**
 * What verl logs of a rollout correction by tokens: compute_offpolicy_metrics and
 * compute_is_metrics, whose weights are those before truncation. Rows without tokens are left out.
 */
final class RolloutMetrics {

  private static final Map<String, ToDoubleFunction<RolloutMetrics>> ALL = all();

  private final UpstreamBatch batch;
  private final double threshold;

  private RolloutMetrics(UpstreamBatch batch, double threshold) {
    this.batch = batch;
    this.threshold = threshold;
  }

  /** The form with all of them. */
  static UpstreamForm logged(UpstreamForm form, double threshold) {
    UpstreamForm with = form;
    for (Map.Entry<String, ToDoubleFunction<RolloutMetrics>> metric : ALL.entrySet()) {
      with =
          with.metric(
              "rollout_corr/" + metric.getKey(),
              b -> metric.getValue().applyAsDouble(new RolloutMetrics(b, threshold)));
    }
    return with;
  }

  private static Map<String, ToDoubleFunction<RolloutMetrics>> all() {
    Map<String, ToDoubleFunction<RolloutMetrics>> all = new LinkedHashMap<>();
    putMismatch(all);
    putWeights(all);
    putWeightsOfSequences(all);
    return all;
  }

  private static void putMismatch(Map<String, ToDoubleFunction<RolloutMetrics>> to) {
    to.put("kl", m -> m.mean((i, t) -> -m.omega(i, t)));
    to.put("k3_kl", m -> m.mean((i, t) -> Math.exp(m.omega(i, t)) - m.omega(i, t) - 1));
    to.put("chi2_token", m -> m.mean((i, t) -> Math.pow(m.weight(i, t), 2)) - 1);
    to.put("chi2_seq", m -> m.mean(m.rows(m::squareOfRow)) - 1);
    to.put("training_ppl", m -> m.mean(m.logPpl(m.batch.o()).map(Math::exp)));
    to.put("training_log_ppl", m -> m.mean(m.logPpl(m.batch.o())));
    to.put("rollout_ppl", m -> m.mean(m.logPpl(m.batch.q()).map(Math::exp)));
    to.put("rollout_log_ppl", m -> m.mean(m.logPpl(m.batch.q())));
    to.put("log_ppl_diff", m -> m.mean(m.logPplDiff()));
    to.put("log_ppl_abs_diff", m -> m.mean(m.logPplDiff().map(Math::abs)));
    to.put("log_ppl_diff_max", m -> m.logPplDiff().max().orElseThrow());
    to.put("log_ppl_diff_min", m -> m.logPplDiff().min().orElseThrow());
    to.put("ppl_ratio", m -> m.mean(m.logPplDiff().map(Math::exp)));
  }

  private static void putWeights(Map<String, ToDoubleFunction<RolloutMetrics>> to) {
    to.put("rollout_is_mean", m -> m.mean(m::weight));
    to.put("rollout_is_max", m -> UpstreamForm.max(m.batch, m::weight));
    to.put("rollout_is_min", m -> -UpstreamForm.max(m.batch, (i, t) -> -m.weight(i, t)));
    to.put(
        "rollout_is_std",
        m -> Math.sqrt(m.mean((i, t) -> Math.pow(m.clamped(i, t) - m.mean(m::clamped), 2))));
    to.put(
        "rollout_is_eff_sample_size",
        m -> {
          double mean = m.mean(m::clamped) + 1e-8;
          return 1 / m.mean((i, t) -> Math.pow(m.clamped(i, t) / mean, 2));
        });
    to.put("rollout_is_ratio_fraction_high", m -> m.mean((i, t) -> m.isHigh(m.weight(i, t))));
    to.put("rollout_is_ratio_fraction_low", m -> m.mean((i, t) -> m.isLow(m.weight(i, t))));
  }

  private static void putWeightsOfSequences(Map<String, ToDoubleFunction<RolloutMetrics>> to) {
    to.put("rollout_is_seq_mean", m -> m.mean(m.weights()));
    to.put("rollout_is_seq_std", RolloutMetrics::stdOfWeights);
    to.put("rollout_is_seq_max", m -> m.weights().max().orElseThrow());
    to.put("rollout_is_seq_min", m -> m.weights().min().orElseThrow());
    to.put(
        "rollout_is_seq_max_deviation",
        m -> m.weights().map(w -> Math.abs(w - 1)).max().orElseThrow());
    to.put("rollout_is_seq_fraction_high", m -> m.mean(m.weights().map(m::isHigh)));
    to.put("rollout_is_seq_fraction_low", m -> m.mean(m.weights().map(m::isLow)));
  }

  private double omega(int i, int t) {
    return batch.o()[i][t] - batch.q()[i][t];
  }

  private double weight(int i, int t) {
    return Math.exp(clamp(omega(i, t), -20, 20));
  }

  private double clamped(int i, int t) {
    return clamp(weight(i, t), 1 / threshold, threshold);
  }

  private double isHigh(double weight) {
    return weight > threshold ? 1 : 0;
  }

  private double isLow(double weight) {
    return weight < 1 / threshold ? 1 : 0;
  }

  private double squareOfRow(int i) {
    return Math.exp(2 * clamp(sum(batch, i, this::omega), -20, 20));
  }

  /** A value of each row with a token. */
  private DoubleStream rows(IntToDoubleFunction value) {
    return IntStream.range(0, batch.rows()).filter(i -> batch.count(i) > 0).mapToDouble(value);
  }

  private DoubleStream meansOfRows(TokenLoss value) {
    return rows(i -> sum(batch, i, value) / batch.count(i));
  }

  private DoubleStream weights() {
    return meansOfRows(this::weight);
  }

  private DoubleStream logPpl(double[][] logProbs) {
    return meansOfRows((i, t) -> -logProbs[i][t]);
  }

  private DoubleStream logPplDiff() {
    return meansOfRows((i, t) -> -omega(i, t));
  }

  private double mean(TokenLoss value) {
    return tokenMean(batch, value);
  }

  private double mean(DoubleStream values) {
    return values.sum() / batch.rowsWithTokens();
  }

  private double stdOfWeights() {
    double mean = mean(weights());
    double squares = weights().map(w -> (w - mean) * (w - mean)).sum();
    return Math.sqrt(squares / (batch.rowsWithTokens() - 1));
  }
}
