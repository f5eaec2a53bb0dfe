package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.clamp;
import static org.plait.lab.verify.UpstreamForm.sum;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/** The loss types and options of huggingface/trl, grpo_trainer.py and rloo_trainer.py. */
final class TrlForms {

  /** Rows without tokens count in TRL's means over the batch. */
  private static final String ROWS = "{'sequences': %d}";

  private static final String CLIP =
      "{'rollout': {'policy': {'clip_low': 0.2, 'clip_high': 0.28, 'aggregation': '%s'%s}%s}%s}";

  private TrlForms() {}

  static List<UpstreamForm> all() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.addAll(lossTypes());
    forms.addAll(options());
    forms.addAll(sampler());
    forms.addAll(vespo());
    return forms;
  }

  private static String clip(String aggregation, String policy, String rule, String objective) {
    return CLIP.formatted(aggregation, policy, rule, objective);
  }

  /** -min(coef_1 A, coef_2 A), coef_1 at most delta. */
  private static TokenLoss surrogate(
      UpstreamBatch b, double[][] l, boolean sequence, double delta) {
    return (i, t) -> {
      double ratio =
          Math.exp(
              sequence
                  ? sum(b, i, (row, u) -> l[row][u] - b.o()[row][u]) / Math.max(1, b.count(i))
                  : l[i][t] - b.o()[i][t]);
      double a = b.advantages()[i];
      return -Math.min(Math.min(ratio, delta) * a, clamp(ratio, 0.8, 1.28) * a);
    };
  }

  private static TokenLoss surrogate(UpstreamBatch b, double[][] l) {
    return surrogate(b, l, false, Double.POSITIVE_INFINITY);
  }

  private static double grpo(UpstreamBatch b, TokenLoss loss) {
    double total = 0;
    for (int i = 0; i < b.rows(); i++) {
      total += sum(b, i, loss) / Math.max(1, b.count(i));
    }
    return total / b.rows();
  }

  private static double bnpo(UpstreamBatch b, TokenLoss loss) {
    return sum(b, loss) / Math.max(1, b.count());
  }

  private static UpstreamForm rows(UpstreamForm form) {
    return form.normalizers(b -> ROWS.formatted(b.rows()));
  }

  private static List<UpstreamForm> lossTypes() {
    return List.of(
        rows(
            UpstreamForm.of(
                "TRL grpo",
                clip("seq_mean_token_mean", "", "", ""),
                (b, l, fixed) -> grpo(b, surrogate(b, l)))),
        UpstreamForm.of(
            "TRL bnpo", clip("token_mean", "", "", ""), (b, l, fixed) -> bnpo(b, surrogate(b, l))),
        UpstreamForm.of(
                "TRL dr_grpo",
                "{'preset': 'dr_grpo_trl', 'clip_low': 0.2, 'clip_high': 0.28}",
                (b, l, fixed) -> sum(b, surrogate(b, l)) / (b.rows() * 100))
            .normalizers(b -> "{'sequences': %d, 'length': 100}".formatted(b.rows())),
        UpstreamForm.of(
                "TRL dapo, 4 processes",
                clip("token_mean", "", "", ""),
                (b, l, fixed) -> sum(b, surrogate(b, l)) / (500 / 4.0))
            .normalizers(b -> "{'tokens': 125}"),
        rows(
            UpstreamForm.of(
                "TRL luspo",
                "{'preset': 'luspo', 'clip_low': 0.2, 'clip_high': 0.28}",
                (b, l, fixed) ->
                    sum(b, surrogate(b, l, true, Double.POSITIVE_INFINITY)) / b.rows())),
        UpstreamForm.of(
                "TRL cispo",
                "{'rollout': {'policy': {'loss': 'cispo', 'clip_high': 0.5}}}",
                (b, l, fixed) ->
                    bnpo(
                        b,
                        (i, t) ->
                            -Math.min(1.5, Math.exp(fixed[i][t] - b.o()[i][t]))
                                * b.advantages()[i]
                                * l[i][t]))
            .metric(
                "cispo_clip_ratio",
                b ->
                    bnpo(
                        b,
                        (i, t) ->
                            Math.exp(b.l()[i][t] - b.o()[i][t]) > 1.5 && b.advantages()[i] > 0
                                ? 1
                                : 0)),
        rows(
            UpstreamForm.of(
                "TRL sapo",
                "{'preset': 'sapo'}",
                (b, l, fixed) ->
                    grpo(
                        b,
                        (i, t) -> {
                          double tau = b.advantages()[i] > 0 ? 1 : 1.05;
                          double x = Math.exp(l[i][t] - b.o()[i][t]) - 1;
                          return -4 / tau / (1 + Math.exp(-tau * x)) * b.advantages()[i];
                        }))));
  }

  private static List<UpstreamForm> options() {
    return List.of(
        rows(
            UpstreamForm.of(
                "TRL grpo, sequence level",
                clip("seq_mean_token_mean", ", 'ratio_level': 'sequence_mean'", "", ""),
                (b, l, fixed) -> grpo(b, surrogate(b, l, true, Double.POSITIVE_INFINITY)))),
        UpstreamForm.of(
            "TRL dapo, sequence level",
            clip("token_mean", ", 'ratio_level': 'sequence_mean'", "", ""),
            (b, l, fixed) -> bnpo(b, surrogate(b, l, true, Double.POSITIVE_INFINITY))),
        rows(
            UpstreamForm.of(
                    "TRL grpo, delta 1.4",
                    "{'preset': 'grpo_two_sided', 'delta': 1.4, 'clip_low': 0.2, 'clip_high':"
                        + " 0.28}",
                    (b, l, fixed) -> grpo(b, surrogate(b, l, false, 1.4)))
                .metric(
                    "clip_ratio/low_mean",
                    b ->
                        bnpo(
                            b,
                            (i, t) ->
                                Math.exp(b.l()[i][t] - b.o()[i][t]) < 0.8 && b.advantages()[i] < 0
                                    ? 1
                                    : 0))
                .metric(
                    "clip_ratio/high_mean",
                    b ->
                        bnpo(
                            b,
                            (i, t) ->
                                Math.exp(b.l()[i][t] - b.o()[i][t]) > 1.28 && b.advantages()[i] > 0
                                    ? 1
                                    : 0))),
        rows(
            UpstreamForm.of(
                    "TRL grpo, beta 0.04",
                    clip(
                        "seq_mean_token_mean",
                        "",
                        ", 'kl': {'estimator': 'k3', 'coefficient': 0.04, 'aggregation':"
                            + " 'seq_mean_token_mean'}",
                        ""),
                    (b, l, fixed) ->
                        grpo(b, (i, t) -> surrogate(b, l).of(i, t) + 0.04 * k3(b, l, i, t)))
                .metric("kl", b -> bnpo(b, (i, t) -> k3(b, b.l(), i, t)))
                .metric("entropy", b -> bnpo(b, (i, t) -> b.h()[i][t]))),
        rows(
            UpstreamForm.of(
                "TRL grpo, use_bias_correction_kl",
                clip(
                    "seq_mean_token_mean",
                    "",
                    ", 'kl': {'estimator': 'k3', 'form': 'times_ratio', 'coefficient': 0.04,"
                        + " 'aggregation': 'seq_mean_token_mean'}",
                    ""),
                (b, l, fixed) ->
                    grpo(
                        b,
                        (i, t) ->
                            surrogate(b, l).of(i, t)
                                + 0.04 * k3(b, l, i, t) * Math.exp(l[i][t] - b.o()[i][t])))),
        UpstreamForm.of(
            "TRL bnpo, off_policy_mask_threshold 0.1",
            clip("token_mean", ", 'off_policy_threshold': 0.1", "", ""),
            (b, l, fixed) ->
                bnpo(
                    b,
                    (i, t) -> {
                      double drift =
                          sum(b, i, (row, u) -> b.o()[row][u] - fixed[row][u])
                              / Math.max(1, b.count(i));
                      boolean keep = b.advantages()[i] >= 0 || drift <= 0.1;
                      return keep ? surrogate(b, l).of(i, t) : 0;
                    })),
        rows(
            UpstreamForm.of(
                "TRL rloo",
                "{'preset': 'rloo_trl'}",
                (b, l, fixed) -> {
                  double total = 0;
                  for (int i = 0; i < b.rows(); i++) {
                    double ratio = Math.exp(sum(b, i, (row, t) -> l[row][t] - b.o()[row][t]));
                    double a = b.advantages()[i];
                    boolean empty = b.count(i) == 0; // a constant there, of no token
                    total -= empty ? 0 : Math.min(ratio * a, clamp(ratio, 0.8, 1.2) * a);
                  }
                  return total / b.rows();
                })));
  }

  private static double k3(UpstreamBatch b, double[][] l, int i, int t) {
    double x = b.f()[i][t] - l[i][t];
    return Math.exp(x) - x - 1;
  }

  /** vllm_importance_sampling_mode, with bounds 0.7 and 1.8, or 0.2 and 6 of sequences. */
  private static List<UpstreamForm> sampler() {
    List<UpstreamForm> forms = new ArrayList<>();
    for (boolean sequence : new boolean[] {false, true}) {
      for (boolean mask : new boolean[] {false, true}) {
        String correction =
            ", 'correction': {'level': '%s', 'bounds': '%s', 'low': %s}"
                .formatted(
                    sequence ? "sequence_sum" : "token",
                    mask ? "mask" : "truncate",
                    sequence ? "0.2, 'high': 6" : "0.7, 'high': 1.8");
        UpstreamForm form =
            UpstreamForm.of(
                "TRL " + (sequence ? "sequence_" : "token_") + (mask ? "mask" : "truncate"),
                clip("token_mean", "", "", correction),
                (b, l, fixed) ->
                    bnpo(b, (i, t) -> surrogate(b, l).of(i, t) * weight(b, i, t, sequence, mask)));
        forms.add(sequence || mask ? form : logged(form));
      }
    }
    return forms;
  }

  /** What is logged of the truncated ratios of tokens. */
  private static UpstreamForm logged(UpstreamForm form) {
    return form.metric(
            "sampling/sampling_logp_difference/mean",
            b -> bnpo(b, (i, t) -> Math.abs(b.o()[i][t] - b.q()[i][t])))
        .metric(
            "sampling/sampling_logp_difference/max",
            b -> UpstreamForm.max(b, (i, t) -> Math.abs(b.o()[i][t] - b.q()[i][t])))
        .metric(
            "sampling/importance_sampling_ratio/min",
            b -> -UpstreamForm.max(b, (i, t) -> -weight(b, i, t, false, false)))
        .metric(
            "sampling/importance_sampling_ratio/mean",
            b -> bnpo(b, (i, t) -> weight(b, i, t, false, false)))
        .metric(
            "sampling/importance_sampling_ratio/max",
            b -> UpstreamForm.max(b, (i, t) -> weight(b, i, t, false, false)));
  }

  private static double weight(UpstreamBatch b, int i, int t, boolean sequence, boolean mask) {
    double log =
        sequence ? sum(b, i, (row, u) -> b.o()[row][u] - b.q()[row][u]) : b.o()[i][t] - b.q()[i][t];
    double ratio = Math.exp(log);
    double low = sequence ? 0.2 : 0.7;
    double high = sequence ? 6 : 1.8;
    return mask ? (ratio < low || ratio > high ? 0 : ratio) : clamp(ratio, low, high);
  }

  private static List<UpstreamForm> vespo() {
    String correction =
        "{'preset': 'vespo', 'correction': {'level': 'token', 'bounds': '%s', 'low': 0.7,"
            + " 'high': 1.8}}";
    return List.of(
        vespo("TRL vespo", "{'preset': 'vespo'}", null),
        vespo("TRL vespo, token_truncate", correction.formatted("truncate"), false),
        vespo("TRL vespo, token_mask", correction.formatted("mask"), true));
  }

  /** The loss is linear in l, and too small on some rows for differences: the slope is given. */
  private static UpstreamForm vespo(String name, String objective, @Nullable Boolean mask) {
    return UpstreamForm.of(
            name,
            objective,
            (b, l, fixed) -> bnpo(b, (i, t) -> -phi(b, i, mask) * b.advantages()[i] * l[i][t]))
        .slope(b -> (i, t) -> -phi(b, i, mask) * b.advantages()[i] / b.count());
  }

  /** get_gamma_weights; {@code mask} is null without a sampler correction. */
  private static double phi(UpstreamBatch b, int i, @Nullable Boolean mask) {
    double lowest = Math.log(1e-8);
    double log = sum(b, i, (row, u) -> clamp(b.l()[row][u] - b.o()[row][u], -20, 20));
    if (mask != null) {
      log += sum(b, i, (row, u) -> clamp(Math.log(weight(b, row, u, false, mask)), lowest, 20));
    }
    log = clamp(log, lowest, 20);
    boolean positive = b.advantages()[i] >= 0;
    double k = positive ? 2 : 3;
    double lambda = positive ? 3 : 2;
    return Math.exp(lambda + k * log - lambda * Math.exp(log));
  }
}
