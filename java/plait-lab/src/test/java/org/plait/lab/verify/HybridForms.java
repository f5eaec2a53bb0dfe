package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.clamp;
import static org.plait.lab.verify.UpstreamForm.sum;
import static org.plait.lab.verify.UpstreamForm.tokenMean;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/**
 * Losses of rollouts and demonstrations at once: LUFFY, Prefix-RFT, SRFT as in Unify-Post-Training,
 * ReLIFT, UFT, DFT and CHORD.
 */
final class HybridForms {

  private HybridForms() {}

  static List<UpstreamForm> all() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.addAll(luffyOff());
    forms.addAll(luffyOn());
    forms.addAll(prefixRft());
    forms.addAll(byProbability());
    forms.addAll(SrftForms.all());
    return forms;
  }

  /** A function of p and of its logarithm. */
  private interface Shape {
    double of(double p, double logp);
  }

  private static double ratio(UpstreamBatch b, double[][] l, int i, int t) {
    return Math.exp(l[i][t] - b.o()[i][t]);
  }

  /** Demonstrations by one loss, the other tokens by another; the sum divided by T. */
  static double mixed(UpstreamBatch b, TokenLoss off, TokenLoss on) {
    return sum(b, (i, t) -> b.prefix()[i][t] == 1 ? off.of(i, t) : on.of(i, t)) / b.length();
  }

  private static TokenLoss off(UpstreamBatch b, double[][] l, Shape shape) {
    return (i, t) -> -b.advantages()[i] * shape.of(Math.exp(l[i][t]), l[i][t]);
  }

  private static TokenLoss on(UpstreamBatch b, double[][] l) {
    return (i, t) -> -b.advantages()[i] * ratio(b, l, i, t);
  }

  private static UpstreamForm byLength(UpstreamForm form) {
    return form.withDemonstrations().normalizers(b -> "{'length': %d}".formatted(b.length()));
  }

  private static double offMean(UpstreamBatch b, TokenLoss value) {
    double sum = sum(b, (i, t) -> b.prefix()[i][t] * value.of(i, t));
    return b.demonstrations() == 0 ? 0 : sum / b.demonstrations();
  }

  private static double onMean(UpstreamBatch b, TokenLoss value) {
    double sum = sum(b, (i, t) -> (1 - b.prefix()[i][t]) * value.of(i, t));
    return sum / (b.count() - b.demonstrations());
  }

  private static UpstreamForm reshaped(String name, String reshape, Shape shape) {
    String objective =
        "{'preset': 'luffy', 'demonstration': {'policy': {'reshape': %s}}}".formatted(reshape);
    return byLength(
            UpstreamForm.of(
                "LUFFY " + name, objective, (b, l, fixed) -> mixed(b, off(b, l, shape), on(b, l))))
        .metric("off_pg_loss", b -> offMean(b, off(b, b.l(), shape)))
        .metric("on_pg_loss", b -> onMean(b, on(b, b.l())))
        .metric("off_policy_prob", b -> offMean(b, (i, t) -> Math.exp(b.l()[i][t])))
        .metric("on_policy_prob", b -> onMean(b, (i, t) -> Math.exp(b.o()[i][t])))
        .metric(
            "off_ratio_mean",
            b -> offMean(b, (i, t) -> shape.of(Math.exp(b.l()[i][t]), b.l()[i][t])));
  }

  /** off_policy_reshape and its clips. */
  private static List<UpstreamForm> luffyOff() {
    List<UpstreamForm> forms = new ArrayList<>();
    for (double g : new double[] {0.1, 0.3, 0.5}) {
      forms.add(
          reshaped(
              "p_div_p_" + g,
              "{'kind': 'rational', 'parameter': %s}".formatted(g),
              (p, logp) -> p / (p + g)));
    }
    forms.add(reshaped("no_reshape", "{'kind': 'power', 'parameter': 1}", (p, logp) -> p));
    forms.add(
        reshaped("square_root", "{'kind': 'power', 'parameter': 0.5}", (p, logp) -> Math.sqrt(p)));
    forms.add(
        reshaped("pow 0.3", "{'kind': 'power', 'parameter': 0.3}", (p, logp) -> Math.pow(p, 0.3)));
    forms.add(reshaped("logp", "{'kind': 'log', 'parameter': 0.2}", (p, logp) -> 0.2 * logp));
    forms.add(
        reshaped(
            "p_logp", "{'kind': 'linear_log', 'parameter': 0.2}", (p, logp) -> p + 0.2 * logp));
    forms.add(
        reshaped(
                "p_div_p_0.1, off_max_clip, off_min_clip",
                "{'kind': 'rational', 'parameter': 0.1, 'low': 0.6, 'high': 0.85}",
                (p, logp) -> clamp(p / (p + 0.1), 0.6, 0.85))
            .metric(
                "off_ratio_max_clip_frac",
                b -> offMean(b, (i, t) -> weight(b, i, t) >= 0.85 ? 1 : 0))
            .metric(
                "off_ratio_min_clip_frac",
                b -> offMean(b, (i, t) -> weight(b, i, t) <= 0.6 ? 1 : 0)));
    forms.add(
        byLength(
            UpstreamForm.of(
                "LUFFY all_max_clip",
                "{'preset': 'luffy', 'rollout': {'policy': {'max_probability': 0.6}},"
                    + " 'demonstration': {'policy': {'max_probability': 0.6}}}",
                (b, l, fixed) -> {
                  TokenLoss off = off(b, l, (p, logp) -> p / (p + 0.1));
                  TokenLoss on = on(b, l);
                  return mixed(b, kept(fixed, off), kept(fixed, on));
                })));
    forms.add(targetProbabilities());
    forms.add(
        UpstreamForm.of(
                "LUFFY token mean, entropy bonus, SFT loss",
                "{'rollout': {'policy': {'clip_high': 'inf'}, 'entropy': 0.001}, 'demonstration':"
                    + " {'policy': {'loss': 'reshaped', 'behaviour': 'certain'}, 'entropy': 0.001,"
                    + " 'nll': {'coefficient': 1, 'population': 'own_role'}}}",
                (b, l, fixed) ->
                    mixed(b, off(b, l, (p, logp) -> p / (p + 0.1)), on(b, l))
                            * b.length()
                            / b.count()
                        - 0.001 * tokenMean(b, (i, t) -> b.h()[i][t])
                        + offMean(b, (i, t) -> -l[i][t]))
            .withDemonstrations()
            .metric("ppo_kl", b -> tokenMean(b, (i, t) -> b.o()[i][t] - b.l()[i][t])));
    return forms;
  }

  private static double weight(UpstreamBatch b, int i, int t) {
    double p = Math.exp(b.l()[i][t]);
    return p / (p + 0.1);
  }

  private static TokenLoss kept(double[][] fixed, TokenLoss loss) {
    return (i, t) -> Math.exp(fixed[i][t]) <= 0.6 ? loss.of(i, t) : 0;
  }

  /** target_probs: the expert's own probabilities, as the behaviour of the demonstrations. */
  private static UpstreamForm targetProbabilities() {
    return UpstreamForm.of(
            "LUFFY target_probs",
            "{'preset': 'luffy', 'demonstration': {'policy': {'behaviour': 'old', 'reshape':"
                + " {'kind': 'power', 'parameter': 1}}}}",
            (b, l, fixed) ->
                mixed(
                    b,
                    (i, t) ->
                        -b.advantages()[i] * Math.exp(l[i][t]) / (Math.exp(b.q()[i][t]) + 1e-6),
                    on(b, l)))
        .normalizers(b -> "{'length': %d}".formatted(b.length()))
        .inputs(
            b -> {
              double[][] old = new double[b.rows()][b.length()];
              for (int i = 0; i < b.rows(); i++) {
                for (int t = 0; t < b.length(); t++) {
                  old[i][t] =
                      b.prefix()[i][t] == 1 ? Math.log(Math.exp(b.q()[i][t]) + 1e-6) : b.o()[i][t];
                }
              }
              ObjectNode json = JsonFields.MAPPER.createObjectNode();
              UpstreamBatch.put(json.putArray("prefix_mask"), b.prefix());
              UpstreamBatch.put(json, "old_log_prob", old);
              return json;
            });
  }

  /** Rollouts with a clip, or with on_policy_reshape. */
  private static List<UpstreamForm> luffyOn() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.add(
        byLength(
                UpstreamForm.of(
                    "LUFFY with clip",
                    "{'preset': 'luffy', 'clip_low': 0.2, 'clip_high': 0.2}",
                    (b, l, fixed) ->
                        mixed(
                            b,
                            off(b, l, (p, logp) -> p / (p + 0.1)),
                            (i, t) -> {
                              double a = b.advantages()[i];
                              double r = ratio(b, l, i, t);
                              return Math.max(-a * r, -a * clamp(r, 0.8, 1.2));
                            })))
            .metric(
                "on_pg_clipfrac",
                b ->
                    tokenMean(
                        b,
                        (i, t) -> {
                          double a = b.advantages()[i];
                          double r = ratio(b, b.l(), i, t);
                          return -a * clamp(r, 0.8, 1.2) > -a * r ? 1 : 0;
                        })));
    forms.add(onPolicy("square_root", "'kind': 'power', 'parameter': 0.5", Math::sqrt));
    forms.add(onPolicy("pow", "'kind': 'power', 'parameter': 0.7", r -> Math.pow(r, 0.7)));
    forms.add(
        byLength(
            UpstreamForm.of(
                "LUFFY on-policy p_div_p_0.5",
                reshapedRollouts("'kind': 'rational_ratio', 'parameter': 0.5"),
                (b, l, fixed) ->
                    mixed(
                        b,
                        off(b, l, (p, logp) -> p / (p + 0.1)),
                        (i, t) -> {
                          double p = Math.exp(l[i][t]);
                          double old = Math.exp(b.o()[i][t]);
                          return -b.advantages()[i] * p / (p + 0.5) / (old / (old + 0.5));
                        }))));
    // Upstream takes the log-ratio where Plait takes logp: the values differ by a constant.
    forms.add(
        byLength(
                UpstreamForm.of(
                    "LUFFY on-policy logp",
                    reshapedRollouts("'kind': 'log', 'parameter': 1"),
                    (b, l, fixed) ->
                        mixed(
                            b,
                            off(b, l, (p, logp) -> p / (p + 0.1)),
                            (i, t) -> -b.advantages()[i] * (l[i][t] - b.o()[i][t]))))
            .onlyTheGradient());
    forms.add(
        byLength(
                UpstreamForm.of(
                    "LUFFY on-policy p_logp",
                    reshapedRollouts("'kind': 'linear_log', 'parameter': 0.3"),
                    (b, l, fixed) ->
                        mixed(
                            b,
                            off(b, l, (p, logp) -> p / (p + 0.1)),
                            (i, t) ->
                                -b.advantages()[i]
                                    * (ratio(b, l, i, t) + 0.3 * (l[i][t] - b.o()[i][t])))))
            .onlyTheGradient());
    return forms;
  }

  private static String reshapedRollouts(String reshape) {
    return "{'preset': 'luffy', 'rollout': {'policy': {'loss': 'reshaped', 'reshape': {"
        + reshape
        + "}}}}";
  }

  private static UpstreamForm onPolicy(String name, String reshape, DoubleUnaryOperator f) {
    return byLength(
        UpstreamForm.of(
            "LUFFY on-policy " + name,
            reshapedRollouts(reshape),
            (b, l, fixed) ->
                mixed(
                    b,
                    off(b, l, (p, logp) -> p / (p + 0.1)),
                    (i, t) -> -b.advantages()[i] * f.applyAsDouble(ratio(b, l, i, t)))));
  }

  private static List<UpstreamForm> prefixRft() {
    String rollout =
        "'rollout': {'policy': {'clip_low': 0.2, 'clip_high': 0.2, 'dual_clip': 3, 'aggregation':"
            + " 'constant_length'}}";
    String unclipped = ", 'demonstration': {'policy': {'aggregation': 'constant_length'%s}}}";
    List<UpstreamForm> forms = new ArrayList<>();
    forms.add(
        byTokens(
                UpstreamForm.of(
                    "Prefix-RFT enable_clip False",
                    "{" + rollout + unclipped.formatted(""),
                    (b, l, fixed) -> prefix(b, on(b, l), l)))
            .metric("pg_clipfrac", HybridForms::clipFraction)
            .metric("pg_clipfrac_prefix", b -> 0.0)
            .metric("ppo_kl", b -> tokenMean(b, (i, t) -> b.o()[i][t] - b.l()[i][t])));
    forms.add(
        byTokens(
                UpstreamForm.of(
                    "Prefix-RFT enable_clip True",
                    ("{" + rollout + ", 'demonstration'" + rollout.substring(9) + "}"),
                    (b, l, fixed) -> prefix(b, VerlForms.clipped(b, l, 0.2, 0.2, 3), l)))
            .metric("pg_clipfrac", HybridForms::clipFraction)
            .metric("pg_clipfrac_prefix", b -> offMean(b, (i, t) -> clips(b, i, t) ? 1 : 0)));
    forms.add(
        byTokens(
            UpstreamForm.of(
                "Prefix-RFT importance_sampling reshaper",
                "{"
                    + rollout
                    + unclipped.formatted(
                        ", 'loss': 'reshaped', 'behaviour': 'certain', 'reshape': {'kind':"
                            + " 'power', 'parameter': 1}"),
                (b, l, fixed) -> prefix(b, off(b, l, (p, logp) -> p), l))));
    forms.add(
        byTokens(
            UpstreamForm.of(
                "Prefix-RFT luffy reshaper",
                "{" + rollout + unclipped.formatted(", 'loss': 'reshaped', 'behaviour': 'certain'"),
                (b, l, fixed) -> prefix(b, off(b, l, (p, logp) -> p / (p + 0.1)), l))));
    forms.add(
        byTokens(
            UpstreamForm.of(
                "Prefix-RFT entropy reshaper",
                "{'preset': 'prefix_rft'}",
                (b, l, fixed) -> {
                  boolean[][] high = highEntropy(b, 0.8);
                  TokenLoss on = on(b, l);
                  return prefix(b, (i, t) -> high[i][t] ? on.of(i, t) : 0, l);
                })));
    return forms;
  }

  private static UpstreamForm byTokens(UpstreamForm form) {
    return form.withDemonstrations().normalizers(b -> "{'length': 100}");
  }

  private static double prefix(UpstreamBatch b, TokenLoss off, double[][] l) {
    return mixed(b, off, VerlForms.clipped(b, l, 0.2, 0.2, 3)) * b.length() / 100;
  }

  private static boolean clips(UpstreamBatch b, int i, int t) {
    double a = b.advantages()[i];
    double r = ratio(b, b.l(), i, t);
    return -a * clamp(r, 0.8, 1.2) > -a * r;
  }

  /** DFT, and CHORD with phi and without; the weights are detached. */
  private static List<UpstreamForm> byProbability() {
    List<UpstreamForm> forms = new ArrayList<>();
    forms.add(
        UpstreamForm.of(
            "DFT",
            "{'preset': 'dft'}",
            (b, l, fixed) -> tokenMean(b, (i, t) -> -Math.exp(fixed[i][t]) * l[i][t])));
    forms.add(
        chord(
            "mix_chord, enable_phi_function",
            "{'preset': 'chord', 'mu': 0.3}",
            (p, logp) -> -p * (1 - p) * logp));
    forms.add(
        chord(
            "mix_chord",
            "{'preset': 'chord', 'mu': 0.3, 'demonstration': {'nll': {'probability_weighting':"
                + " 'none'}}}",
            (p, logp) -> -logp));
    return forms;
  }

  private static UpstreamForm chord(String name, String objective, Shape sft) {
    return UpstreamForm.of(
            "CHORD " + name,
            objective,
            (b, l, fixed) ->
                0.7 * onMean(b, VerlForms.clipped(b, l, 0.2, 0.2, Double.POSITIVE_INFINITY))
                    + 0.3 * offMean(b, (i, t) -> sft.of(Math.exp(fixed[i][t]), l[i][t])))
        .withDemonstrations();
  }

  private static double clipFraction(UpstreamBatch b) {
    return tokenMean(b, (i, t) -> clips(b, i, t) ? 1 : 0);
  }

  /** All prefix tokens but the int(n * ratio) of lowest entropy. */
  private static boolean[][] highEntropy(UpstreamBatch b, double ratio) {
    List<double[]> tokens = new ArrayList<>();
    sum(
        b,
        (i, t) -> {
          if (b.prefix()[i][t] == 1) {
            tokens.add(new double[] {b.h()[i][t], i, t});
          }
          return 0;
        });
    // Of equal entropies the later is dropped first; upstream leaves their order open.
    tokens.sort(
        Comparator.<double[]>comparingDouble(e -> e[0])
            .thenComparing(e -> -e[1])
            .thenComparing(e -> -e[2]));
    boolean[][] high = new boolean[b.rows()][b.length()];
    tokens
        .subList((int) (tokens.size() * ratio), tokens.size())
        .forEach(e -> high[(int) e[1]][(int) e[2]] = true);
    return high;
  }
}
