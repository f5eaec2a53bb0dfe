package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Rollouts by one rule, demonstrations by another, hints by a third, in one batch and one call. */
class MixedBatchTest {
  private static final Role[] COUNTED = {Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT};

  static Stream<Arguments> objectives() {
    Term own = Term.of(1).withPopulation(Population.OWN_ROLE);
    List<Rule> rules =
        List.of(
            Rule.builder().policy(PolicyLoss.CLIP, own).clip(0.2f, 0.28f).dualClip(3).build(),
            Rule.builder()
                .policy(PolicyLoss.CLIP, own.withAggregation(Aggregation.SEQ_MEAN_TOKEN_MEAN))
                .ratioLevel(RatioLevel.SEQUENCE_MEAN)
                .build(),
            Rule.builder()
                .policy(PolicyLoss.RESHAPED, own.withAggregation(Aggregation.CONSTANT_LENGTH))
                .reshape(Reshape.RATIONAL, 0.1f)
                .behaviour(Behaviour.CERTAIN)
                .build(),
            Rule.builder()
                .nll(own)
                .nllWeighting(EntropyWeighting.of(Scope.SEQUENCE, 0.5f, -1))
                .entropy(own.withCoefficient(0.1f))
                .build(),
            Rule.builder()
                .policy(PolicyLoss.CISPO, own)
                .clip(0.5f, 0.5f)
                .selection(new EntropySelection(Scope.BATCH, 0.5f))
                .kl(KlEstimator.K2, own.withCoefficient(0.2f))
                .build());
    List<Arguments> all = new ArrayList<>();
    for (int i = 0; i < rules.size(); i++) {
      Rule demonstration = rules.get((i + 1) % rules.size());
      Rule hint = rules.get((i + 2) % rules.size());
      all.add(Arguments.of(i, new Objective(rules.get(i), demonstration, hint)));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void oneCallIsThreeCallsOfOneRoleEach(int index, Objective objective) {
    Tokens mixed = mixed();
    Tokens.Result together = mixed.run(objective);
    double loss = 0;
    for (Role role : COUNTED) {
      Tokens alone = mixed();
      Role[] roles = requireNonNull(alone.roles);
      for (int t = 0; t < roles.length; t++) {
        roles[t] = roles[t] == role ? role : Role.IGNORED;
      }
      Tokens.Result result = alone.run(objective);
      float[] expected = together.c().clone();
      float[] expectedEntropy = together.h().clone();
      for (int t = 0; t < roles.length; t++) {
        expected[t] = roles[t] == role ? expected[t] : 0;
        expectedEntropy[t] = roles[t] == role ? expectedEntropy[t] : 0;
      }
      assertArrayEquals(expected, result.c(), "c of " + role);
      assertArrayEquals(expectedEntropy, result.h(), "h of " + role);
      assertEquals(together.metrics().tokens(role), result.metrics().tokens());
      assertEquals(
          together.metrics().policyValueMean(role),
          result.metrics().policyValueMean(role),
          1e-12,
          role.name());
      assertNotEquals(0, result.metrics().loss(), role.name());
      loss += result.metrics().loss();
    }
    assertEquals(together.metrics().loss(), loss, 1e-6 * together.metrics().lossMagnitude());
  }

  @Test
  void ignoredTokensInTheMiddleOfASequenceCountForNothing() {
    Objective objective = Objective.gspo().toBuilder().clip(0.9f, 9).build();
    Tokens tokens = Tokens.random(4, 3, 3);
    Tokens holed = Tokens.random(4, 3, 3);
    holed.roles = new Role[6];
    Arrays.fill(holed.roles, Role.ROLLOUT);
    holed.roles[1] = Role.IGNORED;
    holed.logp[1] = Float.NaN;
    requireNonNull(holed.old)[1] = Float.NaN;
    holed.advantages[1] = Float.NaN;
    float[] c = holed.run(objective).c();
    double mean = delta(tokens, 0) / 2 + delta(tokens, 2) / 2;
    double expected = -tokens.advantages[0] * Math.exp(mean) / (2 * 2);
    assertEquals(expected, c[0], 1e-6);
    assertEquals(0, c[1]);
    assertEquals(expected, c[2], 1e-6);
    assertArrayEquals(
        Arrays.copyOfRange(tokens.run(objective).c(), 3, 6), Arrays.copyOfRange(c, 3, 6));
  }

  private static double delta(Tokens tokens, int t) {
    return (double) tokens.logp[t] - requireNonNull(tokens.old)[t];
  }

  private static Tokens mixed() {
    Tokens tokens = Tokens.random(21, 6, 5, 7, 4);
    Role[] roles = new Role[tokens.count];
    Role[] cycle = {Role.IGNORED, Role.ROLLOUT, Role.DEMONSTRATION, Role.HINT};
    Arrays.setAll(roles, t -> cycle[t % 4]);
    tokens.roles = roles;
    tokens.normalizers = Normalizers.NONE.withLength(11);
    return tokens;
  }
}
