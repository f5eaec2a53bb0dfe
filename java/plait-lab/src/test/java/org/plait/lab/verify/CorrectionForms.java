package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.clamp;
import static org.plait.lab.verify.UpstreamForm.seqMeanTokenMean;
import static org.plait.lab.verify.UpstreamForm.seqMeanTokenSum;
import static org.plait.lab.verify.UpstreamForm.sum;
import static org.plait.lab.verify.UpstreamForm.tokenMean;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/**
 * Corrections for the sampler: verl's rollout correction, OpenRLHF's and TRL's, each around a
 * clipped loss.
 */
final class CorrectionForms {

  private static final String CLIP =
      "'rollout': {'policy': {'clip_low': 0.2, 'clip_high': 0.2, 'dual_clip': 3,"
          + " 'log_ratio_limit': 20%s}}";

  private CorrectionForms() {}

  static List<UpstreamForm> all() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.addAll(verlWeights());
    forms.addAll(verlRejection());
    forms.addAll(openRlhf());
    return forms;
  }

  private static String objective(String correction) {
    return "{" + CLIP.formatted("") + ", 'correction': " + correction + "}";
  }

  private static TokenLoss clipped(UpstreamBatch b, double[][] l) {
    return VerlForms.clipped(b, l, 0.2, 0.2, 3);
  }

  private static double omega(UpstreamBatch b, int i, int t) {
    return b.o()[i][t] - b.q()[i][t];
  }

  static TokenLoss weighted(TokenLoss loss, double[][] weights) {
    return (i, t) -> loss.of(i, t) * weights[i][t];
  }

  /** exp(omega), or of its sum over the row, clamped before the exponential. */
  private static double[][] weights(UpstreamBatch b, boolean sequence, double limit) {
    double[][] weights = new double[b.rows()][b.length()];
    for (int i = 0; i < b.rows(); i++) {
      double sum = sum(b, i, (row, t) -> omega(b, row, t));
      for (int t = 0; t < b.length(); t++) {
        weights[i][t] = Math.exp(clamp(sequence ? sum : omega(b, i, t), -limit, limit));
      }
    }
    return weights;
  }

  static double[][] map(double[][] values, DoubleUnaryOperator how) {
    double[][] result = new double[values.length][];
    for (int i = 0; i < values.length; i++) {
      result[i] = Arrays.stream(values[i]).map(how).toArray();
    }
    return result;
  }

  private static List<UpstreamForm> verlWeights() {
    return List.of(
        RolloutMetrics.logged(
            UpstreamForm.of(
                "verl rollout_is token",
                objective("{'level': 'token', 'high': 2, 'log_limit': 20}"),
                (b, l, fixed) ->
                    tokenMean(
                        b,
                        weighted(clipped(b, l), map(weights(b, false, 20), w -> Math.min(w, 2))))),
            2),
        UpstreamForm.of(
            "verl rollout_is token, normalised over the batch",
            objective("{'level': 'token', 'high': 2, 'log_limit': 20, 'normalise': true}"),
            (b, l, fixed) -> {
              double[][] w = map(weights(b, false, 20), x -> Math.min(x, 2));
              double mean = tokenMean(b, (i, t) -> w[i][t]);
              return tokenMean(b, weighted(clipped(b, l), map(w, x -> x / mean)));
            }),
        UpstreamForm.of(
            "verl rollout_is sequence",
            objective("{'level': 'sequence_sum', 'high': 2, 'log_limit': 20}"),
            (b, l, fixed) ->
                tokenMean(
                    b, weighted(clipped(b, l), map(weights(b, true, 20), w -> Math.min(w, 2))))),
        UpstreamForm.of(
            "verl reinforce with rollout_is",
            "{'preset': 'reinforce', 'aggregation': 'seq_mean_token_sum', 'correction': {'level':"
                + " 'token', 'high': 2, 'log_limit': 20}}",
            (b, l, fixed) ->
                seqMeanTokenSum(
                    b,
                    weighted(
                        (i, t) -> -b.advantages()[i] * l[i][t],
                        map(weights(b, false, 20), w -> Math.min(w, 2))))));
  }

  /** rollout_rs: each level by each estimator. */
  private static List<UpstreamForm> verlRejection() {
    List<UpstreamForm> forms = new ArrayList<>();
    for (String level : List.of("token", "sequence_sum", "sequence_mean", "sequence_max")) {
      for (String estimator : List.of("k1", "k2", "k3")) {
        if (level.equals("sequence_max") && estimator.equals("k1")) {
          continue; // verl has none
        }
        double high =
            estimator.equals("k1")
                ? (level.equals("sequence_sum") ? 2.5 : 1.23)
                : (level.equals("token") || level.equals("sequence_mean") ? 0.21 : 0.77);
        double low = estimator.equals("k1") ? 0.71 : 0;
        String filter =
            String.format(
                Locale.ROOT,
                "{'log_limit': 20, 'filter': {'level': '%s', 'estimator': '%s', 'low': %s,"
                    + " 'high': %s}}",
                level,
                estimator,
                low,
                high);
        forms.add(
            UpstreamForm.of(
                    "verl rollout_rs " + level + " " + estimator,
                    objective(filter),
                    (b, l, fixed) -> {
                      double[][] kept = kept(b, level, estimator, low, high);
                      return sum(b, weighted(clipped(b, l), kept)) / sum(b, (i, t) -> kept[i][t]);
                    })
                .metric(
                    "rollout_corr/rollout_rs_masked_fraction",
                    b -> {
                      double[][] kept = kept(b, level, estimator, low, high);
                      return tokenMean(b, (i, t) -> 1 - kept[i][t]);
                    })
                .metric(
                    "rollout_corr/rollout_rs_seq_masked_fraction",
                    b -> {
                      double[][] kept = kept(b, level, estimator, low, high);
                      double masked = 0;
                      for (int i = 0; i < b.rows(); i++) {
                        masked += Math.signum(sum(b, i, (row, t) -> 1 - kept[row][t]));
                      }
                      return masked / b.rowsWithTokens();
                    }));
      }
    }
    return forms;
  }

  /** compute_rollout_rejection_mask. */
  private static double[][] kept(
      UpstreamBatch b, String level, String estimator, double low, double high) {
    double[][] kept = new double[b.rows()][b.length()];
    for (int i = 0; i < b.rows(); i++) {
      double sum = sum(b, i, (row, t) -> statistic(omega(b, row, t), estimator));
      double max = Double.NEGATIVE_INFINITY;
      for (int t = 0; t < b.length(); t++) {
        if (b.mask()[i][t] == 1) {
          max = Math.max(max, statistic(omega(b, i, t), estimator));
        }
      }
      for (int t = 0; t < b.length(); t++) {
        double value =
            switch (level) {
              case "token" -> statistic(omega(b, i, t), estimator);
              case "sequence_sum" -> sum;
              case "sequence_mean" -> sum / b.count(i);
              default -> max;
            };
        boolean passes =
            estimator.equals("k1")
                ? value >= Math.log(low) && value <= Math.log(high)
                : value <= high;
        kept[i][t] = passes ? 1 : 0;
      }
    }
    return kept;
  }

  private static double statistic(double omega, String estimator) {
    double x = clamp(omega, -20, 20);
    return switch (estimator) {
      case "k1" -> -x;
      case "k2" -> x * x / 2;
      default -> Math.exp(x) - 1 - x;
    };
  }

  /** PolicyLoss of OpenRLHF with enable_vllm_is_correction. */
  private static List<UpstreamForm> openRlhf() {
    return List.of(
        UpstreamForm.of(
                "OpenRLHF tis",
                objective("{'level': 'token', 'low': 0.5, 'high': 1.6}"),
                (b, l, fixed) ->
                    tokenMean(
                        b,
                        weighted(
                            clipped(b, l), map(weights(b, false, 1e9), w -> clamp(w, 0.5, 1.6)))))
            .metric("vllm_kl", b -> tokenMean(b, (i, t) -> -omega(b, i, t)))
            .metric("ppo_kl", b -> tokenMean(b, (i, t) -> b.o()[i][t] - b.l()[i][t])),
        UpstreamForm.of(
            "OpenRLHF icepop",
            objective("{'level': 'token', 'bounds': 'mask', 'low': 0.5, 'high': 1.6}"),
            (b, l, fixed) ->
                tokenMean(
                    b,
                    weighted(
                        clipped(b, l),
                        map(weights(b, false, 1e9), w -> w >= 0.5 && w <= 1.6 ? w : 0)))),
        UpstreamForm.of(
            "OpenRLHF seq-mask-tis",
            objective(
                "{'level': 'token', 'filter': {'level': 'sequence_mean', 'estimator': 'k1', 'low':"
                    + " 0.8, 'high': 1.25, 'action': 'zero_weight'}}"),
            (b, l, fixed) -> {
              double[][] w = weights(b, false, 1e9);
              for (int i = 0; i < b.rows(); i++) {
                double mean =
                    Math.exp(sum(b, i, (row, t) -> omega(b, row, t)) / Math.max(1, b.count(i)));
                // Plait's k1 is -omega: [low, high] of the ratio is [1 / high, 1 / low] of it.
                if (mean < 1 / 1.25 || mean > 1 / 0.8) {
                  w[i] = new double[b.length()];
                }
              }
              return tokenMean(b, weighted(clipped(b, l), w));
            }),
        UpstreamForm.of(
            "OpenRLHF gspo with dual clip",
            "{'preset': 'gspo', 'clip_low': 0.1, 'clip_high': 0.15, 'dual_clip': 1.3}",
            (b, l, fixed) ->
                seqMeanTokenMean(
                    b,
                    (i, t) -> {
                      double a = b.advantages()[i];
                      double s =
                          Math.exp(
                              sum(b, i, (row, u) -> l[row][u] - b.o()[row][u])
                                  / Math.max(1, b.count(i)));
                      double clip1 = Math.min(s * a, clamp(s, 0.9, 1.15) * a);
                      return -(a < 0 ? Math.max(clip1, 1.3 * a) : clip1);
                    })),
        UpstreamForm.of(
                "OpenRLHF ppo, sample mode",
                "{'preset': 'grpo', 'log_ratio_limit': 20}",
                (b, l, fixed) -> seqMeanTokenMean(b, clipped(b, l)))
            .metric(
                "clip_ratio",
                b ->
                    tokenMean(
                        b,
                        (i, t) -> {
                          double a = b.advantages()[i];
                          double ratio = Math.exp(b.l()[i][t] - b.o()[i][t]);
                          return clamp(ratio, 0.8, 1.2) * a < ratio * a ? 1 : 0;
                        })));
  }
}
