package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * A padded batch as trainers hold it: [B][T] log-probabilities of the policy (l), the behaviour
 * policy (o), the reference (f) and the sampler (q), entropies (h), one advantage a sequence, the
 * response mask, and a mask of demonstration tokens.
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record UpstreamBatch(
    String name,
    double[][] l,
    double[][] o,
    double[][] f,
    double[][] q,
    double[][] h,
    double[] advantages,
    int[][] mask,
    int[][] prefix) {

  private static final double[] RATIOS = {0, 0.02, -0.05, 0.1, -0.13, 0.4, -0.5, 1.2, -1.1};
  private static final double[] REFERENCE = {0.01, -0.02, 0.3, -0.4, 1.5, -1.7, 2.9, -3};
  private static final double[] OMEGAS = {0.03, -0.04, 0.15, -0.2, 0.6, -0.9, 1.3};

  /** The batch of the shipped cases, and two that are drawn. */
  static List<UpstreamBatch> all() {
    return List.of(shipped(), drawn(5, 8, 3), drawn(9, 12, 6));
  }

  private static UpstreamBatch shipped() {
    try (InputStream in = UpstreamBatch.class.getResourceAsStream("/cases/upstream.json")) {
      JsonNode file = JsonFields.MAPPER.readTree(Objects.requireNonNull(in).readAllBytes());
      JsonNode inputs = file.get("inputs");
      double[][] l = reals(inputs.get("log_prob"));
      double[][] h = new double[l.length][l[0].length];
      int[][] mask = new int[l.length][l[0].length];
      double[] advantages = new double[l.length];
      for (int i = 0; i < l.length; i++) {
        advantages[i] = inputs.get("advantages").get(i).asDouble();
        for (int t = 0; t < l[i].length; t++) {
          h[i][t] = 0.2 + 0.37 * ((5 * i + 3 * t) % 7);
          mask[i][t] = inputs.get("mask").get(i).get(t).asInt();
        }
      }
      int[][] prefix = new int[l.length][l[0].length];
      prefix[0][0] = 1;
      prefix[0][1] = 1;
      prefix[3] = new int[] {1, 1, 0, 1, 1, 0};
      return new UpstreamBatch(
          "shipped",
          l,
          reals(inputs.get("old_log_prob")),
          reals(inputs.get("ref_log_prob")),
          reals(inputs.get("rollout_log_prob")),
          h,
          advantages,
          mask,
          prefix);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static double[][] reals(JsonNode rows) {
    double[][] result = new double[rows.size()][];
    for (int i = 0; i < result.length; i++) {
      result[i] = new double[rows.get(i).size()];
      for (int t = 0; t < result[i].length; t++) {
        result[i][t] = rows.get(i).get(t).asDouble();
      }
    }
    return result;
  }

  /** With right padding, a hole in the second row, a prefix in row 0, demonstrations by and by. */
  private static UpstreamBatch drawn(int rows, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] l = new double[rows][length];
    double[][] o = new double[rows][length];
    double[][] f = new double[rows][length];
    double[][] q = new double[rows][length];
    double[][] h = new double[rows][length];
    int[][] mask = new int[rows][length];
    int[][] prefix = new int[rows][length];
    double[] advantages = new double[rows];
    for (int i = 0; i < rows; i++) {
      advantages[i] = i % 4 == 2 ? 0 : (float) Scenario.gaussian(random);
      int valid = 1 + random.nextInt(length);
      for (int t = 0; t < length; t++) {
        l[i][t] = round(-3 * random.nextDouble() * random.nextDouble() - 0.01);
        o[i][t] = round(l[i][t] - any(RATIOS, random) - random.nextDouble(-0.01, 0.01));
        f[i][t] = round(l[i][t] - any(REFERENCE, random));
        q[i][t] = round(o[i][t] - any(OMEGAS, random) - random.nextDouble(-0.01, 0.01));
        h[i][t] = round(0.05 + 3 * random.nextDouble());
        mask[i][t] = t < valid && !(i == 1 && t == 1) ? 1 : 0;
        prefix[i][t] = i % 3 == 1 || (i == 0 && t < 2) ? 1 : 0;
      }
    }
    return new UpstreamBatch(
        "drawn " + rows + "x" + length, l, o, f, q, h, advantages, mask, prefix);
  }

  private static double any(double[] values, SplittableRandom random) {
    return values[random.nextInt(values.length)];
  }

  /** Exact in float32, so that the kernels see what the formulas see. */
  private static double round(double value) {
    return (float) value;
  }

  int rows() {
    return l.length;
  }

  int length() {
    return l[0].length;
  }

  /** Valid tokens of a row. */
  int count(int row) {
    int count = 0;
    for (int valid : mask[row]) {
      count += valid;
    }
    return count;
  }

  /** Valid tokens. */
  int count() {
    int count = 0;
    for (int i = 0; i < rows(); i++) {
      count += count(i);
    }
    return count;
  }

  /** Rows with a valid token. */
  int rowsWithTokens() {
    int count = 0;
    for (int i = 0; i < rows(); i++) {
      count += count(i) > 0 ? 1 : 0;
    }
    return count;
  }

  /** Valid tokens that are demonstrations. */
  int demonstrations() {
    int count = 0;
    for (int i = 0; i < rows(); i++) {
      for (int t = 0; t < length(); t++) {
        count += mask[i][t] * prefix[i][t];
      }
    }
    return count;
  }

  /** Every array as the inputs of a case; the prefix mask is left to the case. */
  ObjectNode json() {
    ObjectNode json = JsonFields.MAPPER.createObjectNode();
    put(json, "log_prob", l);
    put(json, "old_log_prob", o);
    put(json, "ref_log_prob", f);
    put(json, "rollout_log_prob", q);
    put(json, "entropy", h);
    put(json.putArray("advantages"), advantages);
    put(json.putArray("mask"), mask);
    return json;
  }

  static void put(ObjectNode json, String name, double[][] values) {
    ArrayNode rows = json.putArray(name);
    for (double[] row : values) {
      put(rows.addArray(), row);
    }
  }

  static void put(ArrayNode array, double[] values) {
    for (double value : values) {
      array.add(value);
    }
  }

  static void put(ArrayNode array, int[][] values) {
    for (int[] row : values) {
      ArrayNode written = array.addArray();
      for (int value : row) {
        written.add(value);
      }
    }
  }
}
