package org.plait.lab.verify;

import static org.plait.lab.verify.UpstreamForm.sum;
import static org.plait.lab.verify.UpstreamForm.tokenMean;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.plait.lab.verify.UpstreamForm.TokenLoss;

/**
 * SRFT as in Unify-Post-Training, where rows are rollouts or demonstrations as a whole; ReLIFT and
 * UFT, whose hints are the batch's prefixes.
 */
final class SrftForms {

  private SrftForms() {}

  static List<UpstreamForm> all() {
    String srft = "{'preset': 'srft_hpt', 'rollout': {'policy': {%s}}}";
    return List.of(
        srft("logp", srft.formatted("'loss': 'reinforce'"), SrftForms::logp),
        srft(
            "exp",
            srft.formatted(
                "'loss': 'reshaped', 'behaviour': 'certain', 'reshape': {'kind': 'power',"
                    + " 'parameter': 1}"),
            (b, l) -> (i, t) -> Math.exp(l[i][t])),
        srft(
            "classic_rl",
            srft.formatted("'loss': 'clip'"),
            (b, l) -> (i, t) -> Math.exp(l[i][t] - b.o()[i][t])),
        srft(
                "minus_old",
                srft.formatted("'loss': 'reinforce'"),
                (b, l) -> (i, t) -> l[i][t] - b.o()[i][t])
            .onlyTheGradient(),
        UpstreamForm.of(
                "ReLIFT RL step",
                "{'preset': 'relift'}",
                (b, l, fixed) ->
                    sum(b, (i, t) -> -b.advantages()[i] * Math.exp(l[i][t] - b.o()[i][t]))
                            / b.length()
                        - 0.001 * tokenMean(b, (i, t) -> b.h()[i][t]))
            .normalizers(b -> "{'length': %d}".formatted(b.length())),
        UpstreamForm.of(
            "ReLIFT SFT step",
            "{'preset': 'relift_sft'}",
            (b, l, fixed) -> tokenMean(b, (i, t) -> -l[i][t] - 0.001 * b.h()[i][t])),
        uft());
  }

  /** What multiplies a rollout's coefficient. */
  private interface Kind {
    TokenLoss of(UpstreamBatch b, double[][] l);
  }

  private static TokenLoss logp(UpstreamBatch b, double[][] l) {
    return (i, t) -> l[i][t];
  }

  private static boolean demonstration(int row) {
    return row % 3 == 1;
  }

  /** Of a demonstration: above 0, as a correct answer's among wrong ones is. */
  private static double advantage(UpstreamBatch b, int row) {
    return Math.abs(b.advantages()[row]);
  }

  private static boolean correct(int row) {
    return row % 2 == 0;
  }

  private static double entropy(UpstreamBatch b, int i) {
    return sum(b, i, (row, t) -> b.h()[row][t]) / b.count(i);
  }

  private static UpstreamForm srft(String type, String objective, Kind kind) {
    return UpstreamForm.of(
            "SRFT " + type,
            objective,
            (b, l, fixed) -> {
              double sft = 0;
              double count = 0;
              for (int i = 0; i < b.rows(); i++) {
                if (demonstration(i)) {
                  sft += 0.5 * Math.exp(-entropy(b, i)) * sum(b, i, (row, t) -> -l[row][t]);
                  count += b.count(i);
                }
              }
              double rl =
                  sum(
                      b,
                      (i, t) -> {
                        if (demonstration(i)) {
                          double p = Math.exp(l[i][t]);
                          return -advantage(b, i) * p / (p + 0.1);
                        }
                        double coefficient = correct(i) ? 0.1 * Math.exp(entropy(b, i)) : -1;
                        return -coefficient * kind.of(b, l).of(i, t);
                      });
              return sft / count + rl / b.length() - 0.001 * tokenMean(b, (i, t) -> b.h()[i][t]);
            })
        .normalizers(b -> "{'length': %d}".formatted(b.length()))
        .inputs(
            b -> {
              ObjectNode json = JsonFields.MAPPER.createObjectNode();
              ArrayNode roles = json.putArray("roles");
              ArrayNode advantages = json.putArray("advantages");
              for (int i = 0; i < b.rows(); i++) {
                ArrayNode row = roles.addArray();
                for (int t = 0; t < b.length(); t++) {
                  row.add(demonstration(i) ? "demonstration" : "rollout");
                }
                advantages.add(demonstration(i) ? advantage(b, i) : correct(i) ? 1 : -1);
              }
              return json;
            });
  }

  private static UpstreamForm uft() {
    return UpstreamForm.of(
            "UFT",
            "{'preset': 'uft', 'beta': 0.002, 'entropy_bonus': 0.001}",
            (b, l, fixed) -> {
              TokenLoss clipped = VerlForms.clipped(b, l, 0.2, 0.2, Double.POSITIVE_INFINITY);
              double hints = b.demonstrations();
              double rollouts = b.count() - hints;
              double policy =
                  sum(b, (i, t) -> (1 - b.prefix()[i][t]) * clipped.of(i, t)) / rollouts;
              double bonus = sum(b, (i, t) -> (1 - b.prefix()[i][t]) * b.h()[i][t]) / rollouts;
              double hint = sum(b, (i, t) -> -b.prefix()[i][t] * l[i][t]) / hints;
              return policy - 0.001 * bonus + 0.002 * hint;
            })
        .inputs(
            b -> {
              ObjectNode json = JsonFields.MAPPER.createObjectNode();
              UpstreamBatch.put(json.putArray("hint_mask"), b.prefix());
              return json;
            });
  }
}
