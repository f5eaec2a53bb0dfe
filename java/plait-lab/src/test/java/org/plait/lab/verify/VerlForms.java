package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.clamp;
import static org.plait.lab.verify.UpstreamForm.seqMeanTokenMean;
import static org.plait.lab.verify.UpstreamForm.seqMeanTokenSum;
import static org.plait.lab.verify.UpstreamForm.sum;
import static org.plait.lab.verify.UpstreamForm.tokenMean;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/** The policy losses, aggregations and KL penalties of volcengine/verl, core_algos.py. */
final class VerlForms {

  private VerlForms() {}

  static List<UpstreamForm> all() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.addAll(vanilla());
    forms.addAll(registered());
    forms.addAll(kl());
    return forms;
  }

  /** compute_policy_loss_vanilla before its aggregation. */
  static TokenLoss clipped(UpstreamBatch b, double[][] l, double low, double high, double dual) {
    return (i, t) -> {
      double a = b.advantages()[i];
      double ratio = Math.exp(clamp(l[i][t] - b.o()[i][t], -20, 20));
      double loss = Math.max(-a * ratio, -a * clamp(ratio, 1 - low, 1 + high));
      return a < 0 ? Math.min(loss, -a * dual) : loss;
    };
  }

  private static List<UpstreamForm> vanilla() {
    String rule =
        "{'preset': 'ppo', 'clip_low': 0.2, 'clip_high': 0.28, 'dual_clip': 3, 'log_ratio_limit':"
            + " 20, 'aggregation': '%s'}";
    return List.of(
        UpstreamForm.of(
                "verl vanilla token-mean",
                rule.formatted("token_mean"),
                (b, l, fixed) -> tokenMean(b, clipped(b, l, 0.2, 0.28, 3)))
            .metric("actor/pg_clipfrac", b -> clipFraction(b, 0.2, 0.28))
            .metric("actor/pg_clipfrac_lower", b -> dualFraction(b, 3))
            .metric("actor/ppo_kl", VerlForms::ppoKl)
            .metric("clip_ratio/region_mean", b -> clipFraction(b, 0.2, 0.28)),
        UpstreamForm.of(
            "verl vanilla seq-mean-token-sum",
            rule.formatted("seq_mean_token_sum"),
            (b, l, fixed) -> seqMeanTokenSum(b, clipped(b, l, 0.2, 0.28, 3))),
        UpstreamForm.of(
            "verl vanilla seq-mean-token-mean",
            rule.formatted("seq_mean_token_mean"),
            (b, l, fixed) -> seqMeanTokenMean(b, clipped(b, l, 0.2, 0.28, 3))),
        UpstreamForm.of(
                "verl vanilla seq-mean-token-sum-norm",
                rule.formatted("constant_length"),
                (b, l, fixed) -> sum(b, clipped(b, l, 0.2, 0.28, 3)) / b.length())
            .normalizers(b -> "{'length': %d}".formatted(b.length())),
        UpstreamForm.of(
                "verl vanilla token-mean over a global batch",
                rule.formatted("token_mean"),
                (b, l, fixed) -> sum(b, clipped(b, l, 0.2, 0.28, 3)) / 640)
            .normalizers(b -> "{'tokens': 640}"),
        UpstreamForm.of(
                "verl vanilla with entropy bonus and low_var_kl",
                "{'rollout': {'policy': {'clip_low': 0.2, 'clip_high': 0.2, 'dual_clip': 3},"
                    + " 'kl': {'estimator': 'k3', 'coefficient': 0.001, 'log_limit': 20,"
                    + " 'value_limit': 10}, 'entropy': 0.01}}",
                (b, l, fixed) ->
                    tokenMean(b, clipped(b, l, 0.2, 0.2, 3))
                        - 0.01 * tokenMean(b, (i, t) -> b.h()[i][t])
                        + 0.001 * tokenMean(b, lowVarianceKl(b, l)))
            .metric("actor/kl_loss", b -> tokenMean(b, lowVarianceKl(b, b.l())))
            .metric("actor/entropy", b -> tokenMean(b, (i, t) -> b.h()[i][t])));
  }

  private static double clipFraction(UpstreamBatch b, double low, double high) {
    return tokenMean(
        b,
        (i, t) -> {
          double a = b.advantages()[i];
          double ratio = Math.exp(b.l()[i][t] - b.o()[i][t]);
          return -a * clamp(ratio, 1 - low, 1 + high) > -a * ratio ? 1 : 0;
        });
  }

  private static double dualFraction(UpstreamBatch b, double dual) {
    return tokenMean(
        b, (i, t) -> b.advantages()[i] < 0 && Math.exp(b.l()[i][t] - b.o()[i][t]) > dual ? 1 : 0);
  }

  private static double ppoKl(UpstreamBatch b) {
    return tokenMean(b, (i, t) -> b.o()[i][t] - b.l()[i][t]);
  }

  private static List<UpstreamForm> registered() {
    return List.of(
        UpstreamForm.of(
                "verl gspo",
                "{'preset': 'gspo', 'clip_low': 0.05, 'clip_high': 0.06, 'log_ratio_limit': 10}",
                (b, l, fixed) -> gspo(b, l, 0.05, 0.06))
            .metric("actor/ppo_kl", VerlForms::ppoKl),
        UpstreamForm.of(
                "verl sapo",
                "{'rollout': {'policy': {'loss': 'sapo', 'sapo': {'positive': 1, 'negative': 1.05},"
                    + " 'log_ratio_limit': 20, 'aggregation': 'seq_mean_token_mean'}}}",
                (b, l, fixed) ->
                    seqMeanTokenMean(
                        b,
                        (i, t) -> {
                          double a = b.advantages()[i];
                          double tau = a > 0 ? 1 : 1.05;
                          double ratio = Math.exp(clamp(l[i][t] - b.o()[i][t], -20, 20));
                          return -a * 4 / tau / (1 + Math.exp(-tau * (ratio - 1)));
                        }))
            .metric("actor/pg_clipfrac", b -> 0.0)
            .metric("actor/ppo_kl", VerlForms::ppoKl),
        UpstreamForm.of(
            "verl gpg",
            "{'preset': 'gpg'}",
            (b, l, fixed) -> tokenMean(b, (i, t) -> -l[i][t] * b.advantages()[i])),
        UpstreamForm.of(
            "verl reinforce in bypass mode",
            "{'preset': 'reinforce', 'aggregation': 'seq_mean_token_sum'}",
            (b, l, fixed) -> seqMeanTokenSum(b, (i, t) -> -l[i][t] * b.advantages()[i])),
        UpstreamForm.of(
                "verl geo_mean",
                "{'preset': 'gmpo', 'clip_low': 0.3, 'clip_high': 0.35}",
                (b, l, fixed) -> geoMean(b, l, 0.3, 0.35))
            .normalizers(b -> "{'sequences': %d}".formatted(b.rows()))
            .metric("actor/pg_clipfrac", b -> outside(b, 0.3, 0.35, 1))
            .metric("actor/pg_clipfrac_lower", b -> outside(b, 0.3, 0.35, -1))
            .metric("actor/ppo_kl", VerlForms::ppoKl),
        UpstreamForm.of(
                "verl cispo",
                "{'preset': 'cispo', 'clip_low': 10, 'clip_high': 0.2, 'log_ratio_limit': 20}",
                (b, l, fixed) -> cispo(b, l, fixed, 10, 0.2))
            .metric(
                "actor/pg_clipfrac",
                b -> tokenMean(b, (i, t) -> b.l()[i][t] - b.o()[i][t] > Math.log(1.2) ? 1 : 0))
            .metric("actor/pg_clipfrac_lower", b -> 0.0),
        UpstreamForm.of(
            "verl kl_cov, the highest",
            "{'preset': 'kl_cov', 'rollout': {'policy': {'covariance': {'fraction': 0.0002}}}}",
            (b, l, fixed) -> klCov(b, l, 0.0002)),
        UpstreamForm.of(
            "verl kl_cov, a third",
            "{'preset': 'kl_cov', 'rollout': {'policy': {'covariance': {'fraction': 0.35}}}}",
            (b, l, fixed) -> klCov(b, l, 0.35)));
  }

  private static double gspo(UpstreamBatch b, double[][] l, double low, double high) {
    double[] s = new double[b.rows()];
    for (int i = 0; i < s.length; i++) {
      double sum = sum(b, i, (row, t) -> l[row][t] - b.o()[row][t]);
      s[i] = Math.exp(Math.min(10, sum / Math.max(1, b.count(i))));
    }
    return seqMeanTokenMean(
        b,
        (i, t) -> {
          double a = b.advantages()[i];
          return Math.max(-a * s[i], -a * clamp(s[i], 1 - low, 1 + high));
        });
  }

  private static double geoMean(UpstreamBatch b, double[][] l, double low, double high) {
    double total = 0;
    for (int i = 0; i < b.rows(); i++) {
      double sign = Math.signum(b.advantages()[i]);
      double n = b.count(i) + 1e-8;
      double sum =
          sum(
              b,
              i,
              (row, t) -> {
                double delta = l[row][t] - b.o()[row][t];
                return sign * Math.min(sign * delta, sign * clamp(delta, -low, high));
              });
      total += -b.advantages()[i] * b.count(i) / n * Math.exp(sum / n);
    }
    return total / b.rows();
  }

  private static double outside(UpstreamBatch b, double low, double high, int sign) {
    return tokenMean(
        b,
        (i, t) -> {
          double delta = b.l()[i][t] - b.o()[i][t];
          return delta != clamp(delta, -low, high) && sign * b.advantages()[i] > 0 ? 1 : 0;
        });
  }

  private static double cispo(
      UpstreamBatch b, double[][] l, double[][] fixed, double low, double high) {
    return tokenMean(
        b,
        (i, t) -> {
          double ratio = Math.exp(clamp(fixed[i][t] - b.o()[i][t], -20, 20));
          return -clamp(ratio, 1 - low, 1 + high) * b.advantages()[i] * l[i][t];
        });
  }

  private static double klCov(UpstreamBatch b, double[][] l, double fraction) {
    double advantage = tokenMean(b, (i, t) -> b.advantages()[i]);
    double logp = tokenMean(b, (i, t) -> b.l()[i][t]);
    List<double[]> covariances = new ArrayList<>();
    sum(
        b,
        (i, t) -> {
          double cov = (b.advantages()[i] - advantage) * (b.l()[i][t] - logp);
          covariances.add(new double[] {cov, i, t});
          return 0;
        });
    covariances.sort(Comparator.comparingDouble(entry -> -entry[0]));
    int count = Math.max(1, (int) (b.count() * fraction));
    boolean[][] high = new boolean[b.rows()][b.length()];
    covariances.subList(0, count).forEach(e -> high[(int) e[1]][(int) e[2]] = true);
    return tokenMean(
        b,
        (i, t) -> {
          double delta = l[i][t] - b.o()[i][t];
          return -b.advantages()[i] * Math.exp(delta) + (high[i][t] ? Math.abs(delta) : 0);
        });
  }

  private static TokenLoss lowVarianceKl(UpstreamBatch b, double[][] l) {
    return (i, t) -> {
      double x = clamp(b.f()[i][t] - l[i][t], -20, 20);
      return clamp(Math.exp(x) - x - 1, -10, 10);
    };
  }

  /** kl_penalty as the only loss: the trainers' coefficients only scale it. */
  private static List<UpstreamForm> kl() {
    List<UpstreamForm> forms = new ArrayList<>();
    for (String estimator : Arrays.asList("k1", "abs", "k2")) {
      forms.add(
          UpstreamForm.of(
              "verl kl_penalty " + estimator,
              "{'rollout': {'kl': {'estimator': '%s', 'coefficient': 1}}}".formatted(estimator),
              (b, l, fixed) ->
                  tokenMean(
                      b,
                      (i, t) -> {
                        double d = l[i][t] - b.f()[i][t];
                        return estimator.equals("k1")
                            ? d
                            : estimator.equals("abs") ? Math.abs(d) : d * d / 2;
                      })));
    }
    forms.add(
        UpstreamForm.of(
            "verl kl_penalty low_var_kl",
            "{'rollout': {'kl': {'estimator': 'k3', 'log_limit': 20, 'value_limit': 10}}}",
            (b, l, fixed) -> tokenMean(b, lowVarianceKl(b, l))));
    for (String estimator : Arrays.asList("k1", "k3")) {
      forms.add(
          UpstreamForm.of(
              "verl kl_penalty " + estimator + "+",
              "{'rollout': {'kl': {'estimator': '%s', 'form': 'straight_through'}}}"
                  .formatted(estimator),
              (b, l, fixed) ->
                  tokenMean(
                      b,
                      (i, t) -> {
                        double d = fixed[i][t] - b.f()[i][t];
                        double moved = l[i][t] - b.f()[i][t];
                        double value = estimator.equals("k1") ? d : Math.exp(-d) - 1 + d;
                        return value + moved * moved / 2 - d * d / 2;
                      })));
    }
    return forms;
  }
}
