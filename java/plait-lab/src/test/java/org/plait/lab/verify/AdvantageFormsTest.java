package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;

/**
 * Advantage estimators of other trainers, transcribed in float64, as cases without an objective.
 */
class AdvantageFormsTest {

  private static final UpstreamBatch BATCH = UpstreamBatch.all().get(2);
  private static final double[] REWARDS = {1, 0, 0.5, 0, 1, 1, 0.25, -1, 2};
  private static final int[] GROUPS = {0, 0, 0, 1, 1, 1, 1, 1, 2};
  private static final double NAN = Double.NaN;

  private static void check(
      ObjectNode inputs, String advantage, double[] expected, double[][] ofTokens) {
    ObjectNode file = JsonFields.MAPPER.createObjectNode();
    file.put("format", "plait-cases/1");
    ObjectNode one = file.putArray("cases").addObject();
    one.put("name", advantage);
    one.set("inputs", inputs);
    try {
      one.set("advantage", JsonFields.MAPPER.readTree(advantage.replace('\'', '"')));
    } catch (JsonProcessingException e) {
      throw new AssertionError(advantage, e);
    }
    ObjectNode answer = one.putObject("expected");
    if (ofTokens.length > 0) {
      UpstreamBatch.put(answer, "advantages", ofTokens);
    } else {
      UpstreamBatch.put(answer.putArray("advantages"), expected);
    }
    Case read = CaseFile.parse(file.toString(), "test.json").get(0);
    for (Check check : CaseSuite.run(new Plan(Backend.cpu(), true, List.of()), read)) {
      assertEquals(Verdict.PASS, check.verdict(), check::describe);
    }
  }

  private static ObjectNode inputs(double[] rewards, int... groups) {
    ObjectNode json = JsonFields.MAPPER.createObjectNode();
    UpstreamBatch.put(json, "log_prob", BATCH.l());
    UpstreamBatch.put(json.putArray("mask"), BATCH.mask());
    ArrayNode written = json.putArray("rewards");
    for (double reward : rewards) {
      if (Double.isNaN(reward)) {
        written.addNull();
      } else {
        written.add(reward);
      }
    }
    if (groups.length > 0) {
      ArrayNode ids = json.putArray("groups");
      Arrays.stream(groups).forEach(ids::add);
    }
    return json;
  }

  private static int[] members(int group) {
    return IntStream.range(0, GROUPS.length).filter(i -> GROUPS[i] == group).toArray();
  }

  private static double mean(int... members) {
    return Arrays.stream(members).mapToDouble(i -> REWARDS[i]).average().orElse(NAN);
  }

  /** Unbiased, as torch.std. */
  private static double std(int... members) {
    double mean = mean(members);
    double squares = Arrays.stream(members).mapToDouble(i -> Math.pow(REWARDS[i] - mean, 2)).sum();
    return Math.sqrt(squares / (members.length - 1));
  }

  /** One advantage by reward, from the reward and its group. */
  private interface Estimator {
    double of(double reward, int... group);
  }

  private static void checkGroups(String advantage, Estimator estimator) {
    double[] expected = new double[REWARDS.length];
    Arrays.setAll(expected, i -> estimator.of(REWARDS[i], members(GROUPS[i])));
    check(inputs(REWARDS, GROUPS), advantage, expected, new double[0][]);
  }

  @Test
  void verlsGroupEstimators() {
    checkGroups(
        "{'preset': 'verl_grpo'}",
        (r, g) -> g.length == 1 ? r / (1 + 1e-6) : (r - mean(g)) / (std(g) + 1e-6));
    checkGroups(
        "{'preset': 'verl_grpo', 'scale': 'none'}", (r, g) -> g.length == 1 ? r : r - mean(g));
    checkGroups(
        "{'preset': 'verl_grpo_vectorized'}",
        (r, g) ->
            g.length == 1
                ? r / (1 + 1e-6)
                : (r - mean(g)) / (Math.sqrt(Math.max(std(g) * std(g), 1e-6)) + 1e-6));
    checkGroups(
        "{'preset': 'rloo_verl'}",
        (r, g) -> g.length == 1 ? r : (r - mean(g)) * g.length / (g.length - 1));
    checkGroups(
        "{'preset': 'rloo'}",
        (r, g) -> g.length == 1 ? 0 : (r - mean(g)) * g.length / (g.length - 1));
    checkGroups(
        "{'preset': 'opo'}",
        (r, g) -> {
          double lengths = Arrays.stream(g).map(BATCH::count).sum();
          double weighted = Arrays.stream(g).mapToDouble(i -> BATCH.count(i) * REWARDS[i]).sum();
          return g.length == 1 ? r : r - weighted / lengths;
        });
  }

  @Test
  void trlsGroupEstimators() {
    checkGroups("{'preset': 'trl'}", (r, g) -> g.length == 1 ? 0 : (r - mean(g)) / (std(g) + 1e-4));
    int[] all = IntStream.range(0, REWARDS.length).toArray();
    checkGroups(
        "{'preset': 'trl_batch'}", (r, g) -> g.length == 1 ? 0 : (r - mean(g)) / (std(all) + 1e-4));
    checkGroups("{'preset': 'dr_grpo'}", (r, g) -> g.length == 1 ? 0 : r - mean(g));
    // Unscorable completions are in no statistic and get 0; one scorable row of several too.
    check(
        inputs(new double[] {1, NAN, 0, NAN, 3, NAN, NAN, NAN, NAN}, 0, 0, 0, 0, 1, 1, 1, 2, 2),
        "{'preset': 'trl'}",
        new double[] {
          0.5 / (Math.sqrt(0.5) + 1e-4), 0, -0.5 / (Math.sqrt(0.5) + 1e-4), 0, 0, 0, 0, 0, 0
        },
        new double[0][]);
  }

  @Test
  void trlsRlooWithNormalisedAdvantages() {
    double[] rewards = {1, 0, 0.5, 0, 1, 1, 0.25, -1, 2};
    int[] groups = {0, 0, 0, 1, 1, 1, 2, 2, 2};
    double[] advantages = new double[9];
    for (int i = 0; i < 9; i++) {
      int first = i / 3 * 3;
      double sum = rewards[first] + rewards[first + 1] + rewards[first + 2];
      advantages[i] = rewards[i] - (sum - rewards[i]) / 2;
    }
    double mean = Arrays.stream(advantages).average().orElse(NAN);
    double squares = Arrays.stream(advantages).map(a -> (a - mean) * (a - mean)).sum();
    check(
        inputs(rewards, groups),
        "[{'preset': 'rloo'}, {'preset': 'trl_batch', 'baseline': 'batch_mean'}]",
        Arrays.stream(advantages).map(a -> (a - mean) / (Math.sqrt(squares / 8) + 1e-4)).toArray(),
        new double[0][]);
  }

  @Test
  void otherGroupEstimators() {
    checkGroups("{'preset': 'oat'}", (r, g) -> g.length == 1 ? 0 : (r - mean(g)) / (std(g) + 1e-8));
    checkGroups(
        "{'preset': 'open_rlhf'}", (r, g) -> g.length == 1 ? 0 : (r - mean(g)) / (std(g) + 1e-9));
    checkGroups("{'preset': 'luffy'}", (r, g) -> g.length == 1 ? r : r - mean(g));
    int[] all = IntStream.range(0, REWARDS.length).toArray();
    checkGroups("{'preset': 'standardised'}", (r, g) -> (r - mean(all)) / (std(all) + 1e-6));
  }

  @Test
  void luffysStatisticsOverRolloutsAlone() {
    ObjectNode inputs =
        inputs(new double[] {0, 0, 0, 1, 1, 0, 1, 0.5, 1}, 0, 0, 0, 0, 1, 1, 1, 2, 2);
    ArrayNode roles = inputs.putArray("reward_roles");
    for (int role : new int[] {1, 1, 1, 2, 1, 1, 2, 1, 1}) {
      roles.add(role);
    }
    double std = Math.sqrt(0.5) + 1e-6;
    double half = Math.sqrt(0.125) + 1e-6;
    check(
        inputs,
        "{'preset': 'luffy_split'}",
        new double[] {
          0, 0, 0, 1 / (1 + 1e-6), 0.5 / std, -0.5 / std, 0.5 / std, -0.25 / half, 0.25 / half
        },
        new double[0][]);
  }

  /** masked_whiten of verl, times the mask. */
  private static double[][] whitened(double[][] x, boolean unbiased, double floor, double epsilon) {
    double n = BATCH.count();
    double mean = UpstreamForm.sum(BATCH, (i, t) -> x[i][t]) / n;
    double squares = UpstreamForm.sum(BATCH, (i, t) -> (x[i][t] - mean) * (x[i][t] - mean));
    double variance = Math.max(squares / (unbiased ? n - 1 : n), floor);
    double[][] result = new double[x.length][x[0].length];
    for (int i = 0; i < x.length; i++) {
      for (int t = 0; t < x[i].length; t++) {
        result[i][t] = BATCH.mask()[i][t] * (x[i][t] - mean) / Math.sqrt(variance + epsilon);
      }
    }
    return result;
  }

  private static int last(int row) {
    int last = BATCH.length() - 1;
    while (BATCH.mask()[row][last] == 0) {
      last--;
    }
    return last;
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 0.5})
  void reinforcePlusPlusWhitensReturnsToGo(double gamma) {
    double[][] returns = new double[BATCH.rows()][BATCH.length()];
    for (int i = 0; i < BATCH.rows(); i++) {
      double running = 0;
      for (int t = BATCH.length() - 1; t >= 0; t--) {
        running = (t == last(i) ? REWARDS[i] : 0) + (float) gamma * running;
        returns[i][t] = running;
        running *= BATCH.mask()[i][t];
      }
    }
    check(
        inputs(REWARDS),
        String.format(
            Locale.ROOT,
            "[{'kind': 'tokens', 'gamma': %s, 'restart': true}, {'kind': 'whiten'}]",
            gamma),
        new double[0],
        whitened(returns, true, 0, 1e-8));
    check(
        inputs(REWARDS),
        String.format(
            Locale.ROOT,
            "[{'kind': 'tokens', 'gamma': %s, 'restart': true}, {'kind': 'whiten', 'sample': false,"
                + " 'floor': 1e-8, 'epsilon': 0}]",
            gamma),
        new double[0],
        whitened(returns, false, 1e-8, 0));
  }

  @Test
  void reinforcePlusPlusBaselineWhitensCentredRewards() {
    double[][] scores = new double[BATCH.rows()][BATCH.length()];
    for (int i = 0; i < BATCH.rows(); i++) {
      int[] group = members(GROUPS[i]);
      Arrays.fill(scores[i], group.length == 1 ? REWARDS[i] : REWARDS[i] - mean(group));
    }
    check(
        inputs(REWARDS, GROUPS),
        "[{'preset': 'reinforce_plus_plus_baseline'}, {'kind': 'whiten'}]",
        new double[0],
        whitened(scores, true, 0, 1e-8));
  }

  @Test
  void generalisedAdvantagesSkipMaskedTokens() {
    double[][] rewards = new double[BATCH.rows()][BATCH.length()];
    double[][] advantages = new double[BATCH.rows()][BATCH.length()];
    for (int i = 0; i < BATCH.rows(); i++) {
      double nextValue = 0;
      double last = 0;
      rewards[i][last(i)] = REWARDS[i];
      for (int t = BATCH.length() - 1; t >= 0; t--) {
        double value = BATCH.h()[i][t];
        double delta = rewards[i][t] + (float) 0.97 * nextValue - value;
        double found = delta + (float) 0.97 * (double) (float) 0.9 * last;
        if (BATCH.mask()[i][t] == 1) {
          nextValue = value;
          last = found;
          advantages[i][t] = found;
        }
      }
    }
    ObjectNode inputs = inputs(REWARDS);
    inputs.remove("rewards");
    UpstreamBatch.put(inputs, "token_rewards", rewards);
    UpstreamBatch.put(inputs, "values", BATCH.h());
    check(inputs, "{'kind': 'tokens', 'gamma': 0.97, 'lambda': 0.9}", new double[0], advantages);
    assertTrue(advantages[0][0] != 0);
  }
}
