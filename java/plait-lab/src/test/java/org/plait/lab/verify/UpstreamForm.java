package org.plait.lab.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A trainer's loss function, transcribed, and the JSON that says the same to Plait.
 *
 * @param name trainer and setting
 * @param objective JSON of the objective
 * @param loss the transcription
 * @param slope its derivative by token, where differences of the loss would not resolve it, or null
 * @param normalizers JSON by batch, or null
 * @param inputs JSON fields that the batch's inputs are given in addition
 * @param metrics what the trainer logs, by name
 * @param gradientOnly whether the values differ by a constant
 */
record UpstreamForm(
    String name,
    String objective,
    Loss loss,
    @Nullable Function<UpstreamBatch, TokenLoss> slope,
    Function<UpstreamBatch, @Nullable String> normalizers,
    Function<UpstreamBatch, @Nullable ObjectNode> inputs,
    Function<UpstreamBatch, Map<String, Double>> metrics,
    boolean gradientOnly) {

  /** A loss as a function of the log-probabilities; what is detached reads {@code fixed}. */
  interface Loss {
    double of(UpstreamBatch batch, double[][] l, double[][] fixed);
  }

  /** The value of a token, before aggregation. */
  interface TokenLoss {
    double of(int i, int t);
  }

  static UpstreamForm of(String name, String objective, Loss loss) {
    return new UpstreamForm(
        name, objective, loss, null, b -> null, b -> null, b -> Map.of(), false);
  }

  UpstreamForm normalizers(Function<UpstreamBatch, @Nullable String> json) {
    return new UpstreamForm(name, objective, loss, slope, json, inputs, metrics, gradientOnly);
  }

  UpstreamForm inputs(Function<UpstreamBatch, @Nullable ObjectNode> json) {
    return new UpstreamForm(name, objective, loss, slope, normalizers, json, metrics, gradientOnly);
  }

  /** Adds a metric. */
  UpstreamForm metric(String metric, Function<UpstreamBatch, Double> value) {
    return new UpstreamForm(
        name,
        objective,
        loss,
        slope,
        normalizers,
        inputs,
        batch -> {
          Map<String, Double> all = new LinkedHashMap<>(metrics.apply(batch));
          all.put(metric, value.apply(batch));
          return all;
        },
        gradientOnly);
  }

  UpstreamForm slope(Function<UpstreamBatch, TokenLoss> derivative) {
    return new UpstreamForm(
        name, objective, loss, derivative, normalizers, inputs, metrics, gradientOnly);
  }

  UpstreamForm onlyTheGradient() {
    return new UpstreamForm(name, objective, loss, slope, normalizers, inputs, metrics, true);
  }

  /** With the batch's prefix tokens as demonstrations. */
  UpstreamForm withDemonstrations() {
    return inputs(
        batch -> {
          ObjectNode json = JsonFields.MAPPER.createObjectNode();
          UpstreamBatch.put(json.putArray("prefix_mask"), batch.prefix());
          return json;
        });
  }

  /** The case: the values of the transcription, and its derivatives by differences. */
  Case toCase(UpstreamBatch batch) {
    ObjectNode file = JsonFields.MAPPER.createObjectNode();
    file.put("format", "plait-cases/1");
    ObjectNode written = file.putArray("cases").addObject();
    written.put("name", name + ", " + batch.name());
    ObjectNode given = batch.json();
    ObjectNode more = inputs.apply(batch);
    if (more != null) {
      given.setAll(more);
    }
    written.set("inputs", given);
    written.set("objective", parse(objective));
    String counts = normalizers.apply(batch);
    if (counts != null) {
      written.set("normalizers", parse(counts));
    }
    ObjectNode expected = written.putObject("expected");
    if (!gradientOnly) {
      expected.put("loss", loss.of(batch, batch.l(), batch.l()));
    }
    UpstreamBatch.put(expected, "dloss_dlogp", gradient(batch));
    ObjectNode named = expected.putObject("metrics");
    metrics.apply(batch).forEach(named::put);
    return CaseFile.parse(file.toString(), "test.json").get(0);
  }

  private static JsonNode parse(String json) {
    try {
      return JsonFields.MAPPER.readTree(json.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new AssertionError(json, e);
    }
  }

  /** Central differences of the fourth order: within about 1e-11 of the derivative. */
  private double[][] gradient(UpstreamBatch batch) {
    double step = 1e-4;
    double[][] result = new double[batch.rows()][batch.length()];
    for (int i = 0; i < batch.rows(); i++) {
      for (int t = 0; t < batch.length(); t++) {
        if (batch.mask()[i][t] == 1 && slope != null) {
          result[i][t] = slope.apply(batch).of(i, t);
        } else if (batch.mask()[i][t] == 1) {
          double near = at(batch, i, t, step) - at(batch, i, t, -step);
          double far = at(batch, i, t, 2 * step) - at(batch, i, t, -2 * step);
          result[i][t] = (8 * near - far) / (12 * step);
        }
      }
    }
    return result;
  }

  private double at(UpstreamBatch batch, int i, int t, double by) {
    double[][] moved = batch.l().clone();
    moved[i] = moved[i].clone();
    moved[i][t] += by;
    return loss.of(batch, moved, batch.l());
  }

  /** Sum over valid tokens. */
  static double sum(UpstreamBatch batch, TokenLoss loss) {
    double sum = 0;
    for (int i = 0; i < batch.rows(); i++) {
      sum += sum(batch, i, loss);
    }
    return sum;
  }

  /** Sum over the valid tokens of a row. */
  static double sum(UpstreamBatch batch, int i, TokenLoss loss) {
    double sum = 0;
    for (int t = 0; t < batch.length(); t++) {
      sum += batch.mask()[i][t] == 1 ? loss.of(i, t) : 0;
    }
    return sum;
  }

  /** Maximum over valid tokens. */
  static double max(UpstreamBatch batch, TokenLoss value) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < batch.rows(); i++) {
      for (int t = 0; t < batch.length(); t++) {
        max = batch.mask()[i][t] == 1 ? Math.max(max, value.of(i, t)) : max;
      }
    }
    return max;
  }

  static double tokenMean(UpstreamBatch batch, TokenLoss loss) {
    return sum(batch, loss) / batch.count();
  }

  /** verl's: rows without tokens do not count, and each mean divides by n + 1e-8. */
  static double seqMeanTokenMean(UpstreamBatch batch, TokenLoss loss) {
    double sum = 0;
    for (int i = 0; i < batch.rows(); i++) {
      sum += sum(batch, i, loss) / (batch.count(i) + 1e-8);
    }
    return sum / batch.rowsWithTokens();
  }

  static double seqMeanTokenSum(UpstreamBatch batch, TokenLoss loss) {
    return sum(batch, loss) / batch.rowsWithTokens();
  }

  static double clamp(double x, double low, double high) {
    return Math.max(low, Math.min(high, x));
  }
}
