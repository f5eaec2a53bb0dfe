package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.refused;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What has gone wrong in training libraries, one test each. */
class KnownIssuesTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  /** Equal rewards leave a residue of float32 that a small epsilon blows up, to -0.83 for 0.1. */
  @Test
  void equalRewardsHaveNoResidueAndALargeOffsetCancelsNothing() {
    for (float reward : new float[] {0.1f, 0.7f, 1 / 3f}) {
      for (int size = 2; size <= 40; size++) {
        float[] advantages =
            GroupAdvantage.openRlhf().of(StepFixture.filled(size, reward), group(size)).toFloats();
        assertArrayEquals(new float[size], advantages, size + " times " + reward);
      }
    }
    float[] rewards = {1000, 1000.001f, 1000.002f, 1000.003f};
    float[] advantages = GroupAdvantage.grpo().of(TensorView.copyOf(rewards), group(4)).toFloats();
    double mean = ((double) rewards[0] + rewards[1] + rewards[2] + rewards[3]) / 4;
    double squares = 0;
    for (float reward : rewards) {
      squares += (reward - mean) * (reward - mean);
    }
    for (int i = 0; i < 4; i++) {
      double expected = (rewards[i] - mean) / (Math.sqrt(squares / 3) + 1e-6f);
      assertEquals(expected, advantages[i], 1e-6);
    }
    assertTrue(advantages[3] > 1.1 && advantages[0] < -1.1, Arrays.toString(advantages));
  }

  /** The reward by 1 + epsilon, zero, a refusal, the raw reward: four libraries, four answers. */
  @Test
  void aGroupOfOneIsTreatedAsItsLibraryDoes() {
    TensorView reward = TensorView.copyOf(0.5f);
    assertEquals(
        0.5 / (1 + 1e-6), GroupAdvantage.verlGrpo().of(reward, group(1)).getFloat(0), 3e-8);
    assertEquals(0, GroupAdvantage.trl().of(reward, group(1)).getFloat(0));
    refused("rewards", () -> GroupAdvantage.easyR1().of(reward, group(1)));
    assertEquals(0.5f, GroupAdvantage.rlooVerl().of(reward, group(1)).getFloat(0));
  }

  /** 0 / 0 where a role, a sequence or the batch has no token. */
  @Test
  void whatIsMissingLeavesNumbersAndZeros() {
    Objective luffy = HybridObjectives.luffyRlSft();
    for (Role role : Role.values()) {
      Tokens tokens = Tokens.random(1, 2, 3);
      Role[] roles = new Role[5];
      Arrays.fill(roles, role);
      tokens.roles = roles;
      tokens.normalizers = Normalizers.NONE.withLength(4);
      Tokens.Result result = tokens.run(luffy);
      assertTrue(Double.isFinite(result.metrics().loss()), role.name());
      boolean trained = role == Role.ROLLOUT || role == Role.DEMONSTRATION;
      assertEquals(trained, result.c()[0] != 0, role.name());
      for (float c : result.c()) {
        assertTrue(Float.isFinite(c), role.name());
      }
    }
    // A sequence that is ignored altogether is none.
    Tokens masked = Tokens.random(2, 2, 3);
    masked.roles =
        new Role[] {Role.ROLLOUT, Role.ROLLOUT, Role.IGNORED, Role.IGNORED, Role.IGNORED};
    float[] c = masked.run(Objective.rloo()).c();
    assertArrayEquals(new float[] {-masked.advantages[0], -masked.advantages[0], 0, 0, 0}, c);
    // A prompt without a rollout has no statistics to be split off.
    GroupAdvantage.Input demonstrations =
        GroupAdvantage.Input.of(TensorView.copyOf(1f, 1), group(2))
            .withRoles(TensorView.copyOf(Role.DEMONSTRATION, Role.DEMONSTRATION));
    assertArrayEquals(new float[2], GroupAdvantage.luffySplit().of(demonstrations).toFloats());
  }

  /** A ratio that equals its bound has the whole gradient, here half of it at the dual clip. */
  @Test
  void aRatioAtItsBoundHasTheWholeGradient() {
    Objective open = Objective.ppo().toBuilder().clip(INF, INF).build();
    Tokens above = atDistance(0.3f, 1);
    float high = (float) above.run(open).metrics().ratioMax() - 1;
    assertNotEquals(0, above.run(clipped(INF, high, INF)).c()[0]);
    assertEquals(0, above.run(clipped(INF, high - Math.ulp(1f), INF)).c()[0]);

    Tokens below = atDistance(-0.3f, -1);
    float low = 1 - (float) below.run(open).metrics().ratioMax();
    assertNotEquals(0, below.run(clipped(low, INF, INF)).c()[0]);
    assertEquals(0, below.run(clipped(low - Math.ulp(1f), INF, INF)).c()[0]);

    Tokens far = atDistance(0.3f, -1);
    float most = (float) far.run(open).metrics().ratioMax();
    assertEquals(most, far.run(clipped(INF, INF, most)).c()[0]);
    assertEquals(0, far.run(clipped(INF, INF, Math.nextDown(most))).c()[0]);
  }

  /** Clamps that look harmless have gradient 0 outside. */
  @Test
  void clampsOfKlAndOfTheLogRatioEndTheGradient() {
    Tokens tokens = Tokens.of(1);
    tokens.reference = new float[] {2};
    Rule.Builder k3 = Rule.builder().kl(KlEstimator.K3, Term.of(1));
    Objective free = Objective.builder().rollout(k3.build()).build();
    Objective clamped = Objective.builder().rollout(k3.klLimits(20, 10).build()).build();
    assertEquals(1 - Math.exp(3), tokens.run(free).c()[0], 1e-5);
    assertEquals(0, tokens.run(clamped).c()[0]);
    assertEquals(10, tokens.run(clamped).metrics().klLoss());
    tokens.reference = new float[] {-0.5f};
    assertEquals(1 - Math.exp(0.5), tokens.run(clamped).c()[0], 1e-6);

    Tokens far = atDistance(25, -1);
    Objective unclipped = clipped(INF, INF, INF);
    assertEquals(Math.exp(25), far.run(unclipped).c()[0], 1e6);
    assertEquals(0, far.run(unclipped.toBuilder().logRatioLimit(20).build()).c()[0]);
  }

  /** A log-probability at another temperature than the logits' gives ratios off 1 on policy. */
  @Test
  void onPolicyRatiosAreOneOnlyAtTheTemperatureOfTheLogits() {
    for (String other : List.of("", "old", "reference", "sampler")) {
      Metrics metrics = onPolicy(other);
      assertEquals(other.equals("old"), metrics.ratioMax() != 1, other);
      assertEquals(other.equals("old"), metrics.approxKlK1() != 0, other);
      assertEquals(other.equals("reference"), metrics.referenceKl() != 0, other);
      boolean mismatch = other.equals("old") || other.equals("sampler");
      assertEquals(mismatch, metrics.sampler().absMax() != 0, other);
    }
  }

  /** Three scalings of Dr.GRPO in the wild; and means of micro-batches are not those of a batch. */
  @Test
  void dividingBySequencesIsAChoiceAndSplitsAreNot() {
    Tokens tokens = Tokens.random(9, 2, 3, 4);
    tokens.normalizers = Normalizers.count(tokens.batch()).withLength(10);
    float[] without = tokens.run(Objective.drGrpo()).c();
    float[] with = tokens.run(Objective.drGrpoTrl()).c();
    float largest = 0;
    for (int t = 0; t < without.length; t++) {
      assertEquals(without[t] / 3, with[t], 1e-7 * Math.abs(without[t]));
      largest = Math.max(largest, Math.abs(without[t]));
    }
    assertTrue(largest > 0.01);
    for (Aggregation aggregation : Aggregation.values()) {
      Objective objective = Objective.reinforce().toBuilder().aggregation(aggregation).build();
      float[] whole = tokens.run(objective).c();
      assertArrayEquals(Arrays.copyOfRange(whole, 2, 5), tokens.sequences(1, 2).run(objective).c());
    }
  }

  /** A backward pass in place destroys the logits that the entropy needs too. */
  @Test
  void theEntropysGradientSurvivesReplacingTheLogits() {
    for (RatioLevel level : RatioLevel.values()) {
      StepFixture step = new StepFixture();
      step.objective = step.objective.toBuilder().ratioLevel(level).entropyBonus(0.5f).build();
      step.run();
      float[] expected = step.dLogits.toFloats();
      Objective bonus = step.objective;
      step.objective = bonus.toBuilder().entropyBonus(0).build();
      step.run();
      assertNotEquals(expected[0], step.dLogits.getFloat(0), 1e-3, level.name());
      step.objective = bonus;
      step.dLogits = step.data;
      step.run();
      assertArrayEquals(expected, step.data.toFloats(), level.name());
    }
  }

  /** bfloat16 noise between two forward passes moves ratios off 1; within one step it cannot. */
  @Test
  void onPolicyRatiosOfBfloat16LogitsAreExactlyOne() {
    StepFixture step = new StepFixture();
    step.data = StepFixture.as(DType.BFLOAT16, step.data);
    step.dLogits = TensorView.allocate(DType.BFLOAT16, StepFixture.T, StepFixture.V);
    step.oldLogProbs = logProbs(step.data, step.targets, step.temperature);
    step.run();
    assertEquals(1, step.metrics.ratioMax());
    assertEquals(1, step.metrics.ratioMean());
    assertEquals(0, step.metrics.approxKlK3());
    step.batch =
        () ->
            TokenBatch.builder(StepFixture.T)
                .advantages(step.advantages)
                .referenceLogProbs(step.referenceLogProbs)
                .build();
    step.run();
    assertEquals(1, step.metrics.ratioMax());
    assertEquals(1, step.metrics.ratioMean());
  }

  /** "k1+" raises an error upstream; GSPO's clamp and CISPO's low bound have edges of their own. */
  @Test
  void straightThroughEstimatorsTheClampOfGspoAndCisposLowBoundWork() {
    Tokens tokens = Tokens.of(1);
    tokens.reference = new float[] {-3};
    for (KlEstimator estimator : new KlEstimator[] {KlEstimator.K1, KlEstimator.K3}) {
      Rule rule = Rule.builder().kl(estimator, Term.of(1)).klForm(KlForm.STRAIGHT_THROUGH).build();
      Tokens.Result result = tokens.run(Objective.builder().rollout(rule).build());
      assertEquals(2, result.c()[0], 1e-6, "the gradient of k2");
      double value = estimator == KlEstimator.K1 ? 2 : Math.exp(-2) + 1;
      assertEquals(value, result.metrics().klLoss(), 1e-6);
    }

    Objective gspo = Objective.gspo().toBuilder().clip(INF, INF).build();
    Tokens far = atDistance(11, -1);
    assertEquals(Math.exp(11), far.run(gspo).c()[0], 0.1);
    assertEquals(0, far.run(gspo.toBuilder().logRatioLimit(10).build()).c()[0]);

    Objective cispo = Objective.cispo().toBuilder().clip(10, 0.2f).build();
    assertEquals(-Math.exp(-3), atDistance(-3, 1).run(cispo).c()[0], 1e-7);
    assertEquals(-1.2, atDistance(3, 1).run(cispo).c()[0], 1e-6);
  }

  /** A row that cannot be scored poisons its group's mean. */
  @Test
  void anUnscorableRewardEntersNoStatisticAndGetsZero() {
    TensorView rewards = TensorView.copyOf(1f, Float.NaN, 0, Float.NaN, 1);
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 3, 5));
    float[] advantages = GroupAdvantage.trl().of(rewards, groups).toFloats();
    double std = Math.sqrt(0.5);
    assertArrayEquals(
        Tokens.values(0.5 / (std + 1e-4), 0, -0.5 / (std + 1e-4), 0, 0), advantages, 1e-6f);
  }

  /** Ties, rounding, the scope and an empty prefix are all left to chance upstream. */
  @Test
  void entropySelectionIsDefinedForTiesRoundingScopeAndNoTokens() {
    Tokens equal = Tokens.of(5);
    assertArrayEquals(new boolean[] {true, true, true, false, false}, kept(equal, 0.4f));
    for (int n = 1; n <= 30; n++) {
      Tokens tokens = Tokens.random(n, n);
      int dropped = (int) (0.8f * n);
      assertEquals(dropped, tokens.run(selecting(Scope.BATCH, 0.8f)).metrics().droppedTokens());
    }
    Tokens two = Tokens.random(1, 2, 2);
    two.entropy = new float[] {3, 4, 1, 2};
    assertArrayEquals(new boolean[] {true, true, false, false}, kept(two, 0.5f));
    Tokens.Result bySequence = two.run(selecting(Scope.SEQUENCE, 0.5f));
    assertEquals(0, bySequence.c()[0]);
    assertNotEquals(0, bySequence.c()[1]);
    assertEquals(0, bySequence.c()[2]);
    assertNotEquals(0, bySequence.c()[3]);

    Tokens.Result without = withLength(Tokens.of(3)).run(HybridObjectives.prefixRft());
    assertEquals(0, without.metrics().droppedTokens());
    assertEquals(-0.125f, without.c()[2]);
  }

  /** KL-Cov changes the loss matrix under its caller's feet, Clip-Cov draws from a global seed. */
  @Test
  void covarianceChangesNoInputAndDrawsByItsSeedAlone() {
    Tokens tokens = Tokens.random(17, 40, 40);
    TokenBatch batch = tokens.batch();
    float[] advantages = requireNonNull(batch.advantages()).toFloats();
    float[] first = tokens.run(Objective.klCov()).c();
    assertArrayEquals(first, tokens.run(Objective.klCov()).c());
    assertArrayEquals(advantages, requireNonNull(batch.advantages()).toFloats());

    Set<Integer> drawn = new HashSet<>();
    for (int seed = 0; seed < 20; seed++) {
      int token = droppedByClipCov(tokens, seed);
      assertEquals(token, droppedByClipCov(tokens, seed));
      drawn.add(token);
    }
    assertTrue(drawn.size() > 3, () -> "drawn " + drawn);
  }

  private static int droppedByClipCov(Tokens tokens, int seed) {
    Rule open = Objective.klCov().rollout().toBuilder().covariance(Covariance.NONE).build();
    Rule rule = open.toBuilder().covariance(Covariance.clip(seed, 2e-4f, 0, INF)).build();
    float[] c = tokens.run(Objective.builder().rollout(rule).build()).c();
    int dropped = -1;
    for (int t = 0; t < c.length; t++) {
      if (c[t] == 0) {
        assertEquals(-1, dropped, "one token");
        dropped = t;
      }
    }
    assertTrue(dropped >= 0);
    return dropped;
  }

  private static boolean[] kept(Tokens tokens, float drop) {
    float[] c = tokens.run(selecting(Scope.BATCH, drop)).c();
    boolean[] kept = new boolean[c.length];
    for (int t = 0; t < c.length; t++) {
      kept[t] = c[t] != 0;
    }
    return kept;
  }

  private static Objective selecting(Scope scope, float drop) {
    Rule rule =
        Objective.reinforce().rollout().toBuilder()
            .selection(new EntropySelection(scope, drop))
            .build();
    return Objective.builder().rollout(rule).build();
  }

  private static Tokens withLength(Tokens tokens) {
    tokens.normalizers = Normalizers.NONE.withLength(8);
    return tokens;
  }

  /** One token whose log-ratio is a distance. */
  private static Tokens atDistance(float distance, float advantage) {
    Tokens tokens = Tokens.of(1);
    tokens.logp = new float[] {-1};
    tokens.old = new float[] {-1 - distance};
    tokens.advantages = new float[] {advantage};
    return tokens;
  }

  private static Objective clipped(float low, float high, float dual) {
    return Objective.ppo().toBuilder().clip(low, high).dualClip(dual).build();
  }

  /** Metrics of a step on policy, with the named log-probabilities at temperature 1. */
  private static Metrics onPolicy(String other) {
    StepFixture step = new StepFixture();
    TensorView same = logProbs(step.data, step.targets, step.temperature);
    TensorView hotter = logProbs(step.data, step.targets, 1);
    step.objective = Objective.ppo().toBuilder().kl(KlEstimator.K1, 1).build();
    step.batch =
        () ->
            TokenBatch.builder(StepFixture.T)
                .advantages(step.advantages)
                .oldLogProbs(other.equals("old") ? hotter : same)
                .referenceLogProbs(other.equals("reference") ? hotter : same)
                .samplerLogProbs(other.equals("sampler") ? hotter : same)
                .build();
    step.run();
    return step.metrics;
  }

  private static TensorView logProbs(TensorView data, TensorView targets, float temperature) {
    RowStats.Output stats = RowStats.Output.allocate(StepFixture.T);
    Logits logits = Logits.builder(data, targets).temperature(temperature).build();
    RowStats.compute(Backend.cpu(), logits, stats);
    return requireNonNull(stats.logProbs());
  }

  private static Groups group(long size) {
    return Groups.offsets(TensorView.copyOf(0L, size));
  }
}
