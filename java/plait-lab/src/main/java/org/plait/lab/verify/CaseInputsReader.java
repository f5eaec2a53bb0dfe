package org.plait.lab.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.plait.Role;

/**
 * Reads the arrays of a case and checks each against the shape of {@code log_prob}. Not
 * thread-safe.
 */
final class CaseInputsReader {

  private final String where;
  private final JsonFields fields;
  private final boolean padded;
  private final int sequences;
  private final int length; // L if padded
  private final long[] offsets;

  CaseInputsReader(JsonFields fields) {
    this.where = fields.where();
    this.fields = fields;
    JsonNode logProb = array(fields.required("log_prob"), fields.where("log_prob"));
    JsonNode given = fields.node("offsets");
    padded = logProb.size() > 0 && logProb.get(0).isArray();
    if (padded && given != null) {
      throw new IllegalArgumentException(
          where + " has both rows in log_prob and offsets; give log_prob as one packed array");
    }
    if (padded) {
      sequences = logProb.size();
      length = logProb.get(0).size();
      offsets = new long[sequences + 1];
      Arrays.setAll(offsets, i -> (long) i * length);
    } else {
      length = 0;
      offsets = given == null ? new long[] {0, logProb.size()} : offsets(given, logProb.size());
      sequences = offsets.length - 1;
    }
  }

  private long[] offsets(JsonNode node, int tokens) {
    String place = fields.where("offsets");
    array(node, place);
    long[] result = new long[node.size()];
    for (int i = 0; i < result.length; i++) {
      if (!node.get(i).canConvertToExactIntegral()) {
        throw new IllegalArgumentException(place + " must hold whole numbers");
      }
      result[i] = node.get(i).asLong();
    }
    boolean sorted = result.length > 0 && result[0] == 0 && result[result.length - 1] == tokens;
    for (int i = 1; i < result.length; i++) {
      sorted &= result[i - 1] <= result[i];
    }
    if (!sorted) {
      throw new IllegalArgumentException(
          place + " must rise from 0 to the " + tokens + " tokens of log_prob");
    }
    return result;
  }

  CaseInputs read() {
    double[] logProb = tokens(fields.required("log_prob"), fields.where("log_prob"));
    JsonNode advantages = fields.node("advantages");
    boolean perSequence = advantages != null && isPerSequence(advantages);
    CaseInputs inputs =
        new CaseInputs(
            length,
            offsets,
            roles(),
            logProb,
            tokensOrSequences("entropy"),
            optionalTokens("old_log_prob"),
            optionalTokens("ref_log_prob"),
            optionalTokens("rollout_log_prob"),
            advantages == null
                ? null
                : perSequence
                    ? perSequence(advantages, fields.where("advantages"))
                    : tokens(advantages, fields.where("advantages")),
            perSequence,
            new CaseInputs.Rewards(
                optionalPerSequence("rewards"),
                groups(),
                rewardRoles(),
                optionalPerSequence("reward_weights"),
                optionalTokens("token_rewards"),
                optionalTokens("values")));
    fields.done();
    CaseInputs.Rewards rewards = inputs.rewards();
    if (rewards.given() && inputs.advantages() != null) {
      throw new IllegalArgumentException(where + " has both advantages and rewards; give one");
    }
    if (rewards.ofSequences() != null && rewards.ofTokens() != null) {
      throw new IllegalArgumentException(where + " has both rewards and token_rewards; give one");
    }
    return inputs;
  }

  /** A number a token, or one a sequence, which then stands at each of its tokens. */
  private double @Nullable [] tokensOrSequences(String name) {
    JsonNode node = fields.node(name);
    if (node == null || !node.isArray() || !isPerSequence(node)) {
      return optionalTokens(name);
    }
    double[] values = perSequence(node, fields.where(name));
    double[] result = new double[(int) offsets[sequences]];
    for (int i = 0; i < sequences; i++) {
      Arrays.fill(result, (int) offsets[i], (int) offsets[i + 1], values[i]);
    }
    return result;
  }

  /** One number a sequence; a packed array of T numbers is one a token, even if T == B. */
  boolean isPerSequence(JsonNode node) {
    return padded
        ? !(node.size() > 0 && node.get(0).isArray())
        : node.size() == sequences && node.size() != offsets[sequences];
  }

  double @Nullable [] optionalTokens(String name) {
    JsonNode node = fields.node(name);
    return node == null ? null : tokens(node, fields.where(name));
  }

  double @Nullable [] optionalPerSequence(String name) {
    JsonNode node = fields.node(name);
    return node == null ? null : perSequence(node, fields.where(name));
  }

  /** A number a token, in the shape of log_prob. */
  double[] tokens(JsonNode node, String place) {
    JsonNode[] cells = cells(node, place);
    double[] result = new double[cells.length];
    for (int t = 0; t < cells.length; t++) {
      result[t] = JsonFields.number(cells[t], place);
    }
    return result;
  }

  private void onePerSequence(JsonNode node, String place) {
    array(node, place);
    if (node.size() != sequences) {
      throw new IllegalArgumentException(
          place + " must have one entry per sequence, " + sequences + ", not " + node.size());
    }
  }

  double[] perSequence(JsonNode node, String place) {
    onePerSequence(node, place);
    double[] result = new double[sequences];
    for (int i = 0; i < sequences; i++) {
      result[i] = JsonFields.number(node.get(i), place);
    }
    return result;
  }

  private JsonNode[] cells(JsonNode node, String place) {
    array(node, place);
    JsonNode[] result = new JsonNode[(int) offsets[sequences]];
    if (!padded) {
      if (node.size() != result.length) {
        throw new IllegalArgumentException(
            place + " must have " + result.length + " entries like log_prob, not " + node.size());
      }
      Arrays.setAll(result, node::get);
      return result;
    }
    if (node.size() != sequences) {
      throw new IllegalArgumentException(
          place + " must have " + sequences + " rows like log_prob, not " + node.size());
    }
    for (int i = 0; i < sequences; i++) {
      JsonNode row = array(node.get(i), place + "[" + i + "]");
      if (row.size() != length) {
        throw new IllegalArgumentException(
            place + "[" + i + "] must have " + length + " entries, not " + row.size());
      }
      for (int t = 0; t < length; t++) {
        result[i * length + t] = row.get(t);
      }
    }
    return result;
  }

  private byte[] roles() {
    byte[] roles = new byte[(int) offsets[sequences]];
    Arrays.fill(roles, Role.ROLLOUT.code());
    JsonNode given = fields.node("roles");
    if (given != null) {
      JsonNode[] cells = cells(given, fields.where("roles"));
      for (int t = 0; t < cells.length; t++) {
        roles[t] = role(cells[t], fields.where("roles"));
      }
    }
    mark(roles, "prefix_mask", Role.DEMONSTRATION, true);
    mark(roles, "hint_mask", Role.HINT, true);
    mark(roles, "mask", Role.IGNORED, false);
    return roles;
  }

  /** Gives a role to the tokens where a mask is 1, or 0. */
  private void mark(byte[] roles, String name, Role role, boolean marked) {
    JsonNode mask = fields.node(name);
    if (mask == null) {
      return;
    }
    double[] marks = tokens(mask, fields.where(name));
    for (int t = 0; t < marks.length; t++) {
      if (marks[t] != 0 && marks[t] != 1) {
        throw new IllegalArgumentException(
            fields.where(name) + " must hold 0 and 1, not " + marks[t]);
      }
      if ((marks[t] == 1) == marked) {
        roles[t] = role.code();
      }
    }
  }

  private byte @Nullable [] rewardRoles() {
    JsonNode node = fields.node("reward_roles");
    if (node == null) {
      return null;
    }
    String place = fields.where("reward_roles");
    onePerSequence(node, place);
    byte[] result = new byte[sequences];
    for (int i = 0; i < sequences; i++) {
      result[i] = role(node.get(i), place);
    }
    return result;
  }

  private static byte role(JsonNode cell, String place) {
    for (Role role : Role.values()) {
      boolean named = cell.isTextual() && cell.asText().equals(JsonFields.lower(role));
      if (named || (cell.isIntegralNumber() && cell.asInt() == role.code())) {
        return role.code();
      }
    }
    throw new IllegalArgumentException(
        place
            + " must hold "
            + Arrays.toString(Role.values()).toLowerCase(Locale.ROOT)
            + " or their codes, not "
            + JsonFields.kind(cell));
  }

  private int @Nullable [] groups() {
    JsonNode node = fields.node("groups");
    if (node == null) {
      return null;
    }
    onePerSequence(node, fields.where("groups"));
    Map<String, Integer> ids = new LinkedHashMap<>();
    int[] result = new int[sequences];
    for (int i = 0; i < sequences; i++) {
      result[i] = ids.computeIfAbsent(node.get(i).asText(), name -> ids.size());
    }
    return result;
  }

  private static JsonNode array(JsonNode node, String place) {
    if (!node.isArray()) {
      throw new IllegalArgumentException(place + " must be an array, not " + JsonFields.kind(node));
    }
    return node;
  }
}
