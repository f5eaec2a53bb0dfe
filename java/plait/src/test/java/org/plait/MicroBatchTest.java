package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Given the normalisers of the batch, its gradient does not depend on how it is split. */
class MicroBatchTest {
  private static final int SEQUENCES = 6;
  private static final Tokens WHOLE = whole();

  private static Tokens whole() {
    Tokens tokens = Tokens.random(11, 3, 1, 5, 4, 2, 6);
    Role[] roles = new Role[tokens.count];
    Arrays.fill(roles, Role.ROLLOUT);
    Arrays.fill(roles, 3, 4, Role.IGNORED);
    Arrays.fill(roles, 4, 6, Role.HINT);
    Arrays.fill(roles, 9, 13, Role.DEMONSTRATION);
    Arrays.fill(roles, 17, 19, Role.IGNORED);
    tokens.roles = roles;
    tokens.normalizers = Normalizers.count(tokens.batch()).withLength(8);
    return tokens;
  }

  static Stream<Arguments> objectives() {
    Rule sft = Rule.builder().nll(Term.of(1)).entropy(Term.of(0.1f)).build();
    Objective mixed =
        Objective.ppo().toBuilder().demonstration(sft).hint(sft).kl(KlEstimator.K3, 0.1f).build();
    Objective gspo = mixed.toBuilder().ratioLevel(RatioLevel.SEQUENCE_MEAN).clip(0.9f, 9).build();
    Objective sums = mixed.toBuilder().ratioLevel(RatioLevel.SEQUENCE_SUM).clip(0.9f, 9).build();
    List<Arguments> all = new ArrayList<>();
    for (Aggregation aggregation : Aggregation.values()) {
      all.add(Arguments.of("ppo " + aggregation, mixed, aggregation));
      all.add(Arguments.of("gspo " + aggregation, gspo, aggregation));
      all.add(Arguments.of("sequence sums " + aggregation, sums, aggregation));
      all.add(Arguments.of("gmpo " + aggregation, Objective.gmpo(), aggregation));
      all.add(Arguments.of("vespo " + aggregation, Objective.vespo(), aggregation));
      all.add(Arguments.of("srft " + aggregation, HybridObjectives.srft(), aggregation));
      all.add(Arguments.of("prefix-rft " + aggregation, prefixRftBySequence(), aggregation));
      all.add(Arguments.of("corrected " + aggregation, corrected(), aggregation));
    }
    return all.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("objectives")
  void everySplitHasTheBitsOfTheWholeBatch(
      String name, Objective objective, Aggregation aggregation) {
    Objective aggregated = objective.toBuilder().aggregation(aggregation).build();
    Tokens.Result whole = WHOLE.run(aggregated);
    float largest = 0;
    for (float c : whole.c()) {
      largest = Math.max(largest, Math.abs(c));
    }
    assertTrue(largest > 0.01, "largest " + largest);
    for (int cuts = 0; cuts < 1 << (SEQUENCES - 1); cuts++) {
      assertSameInParts(whole, aggregated, cuts);
    }
  }

  @Test
  void withoutNormalisersASplitChangesMeans() {
    Objective objective = Objective.reinforce();
    float[] whole = WHOLE.run(objective).c();
    Tokens part = WHOLE.sequences(0, 3);
    part.normalizers = Normalizers.NONE;
    assertNotEquals(whole[0], part.run(objective).c()[0]);
  }

  @Test
  void theLogitsGetTheSameGradientInAnySplitToo() {
    int vocab = 5;
    TensorView logits = StepFixture.gaussian(3, WHOLE.count, vocab);
    Objective objective = Objective.gspo().toBuilder().clip(0.9f, 9).entropyBonus(0.1f).build();
    float[] whole = gradient(WHOLE, logits, objective);
    float[] first = gradient(WHOLE.sequences(0, 2), logits.rows(0, 4), objective);
    float[] second = gradient(WHOLE.sequences(2, 6), logits.rows(4, WHOLE.count), objective);
    assertArrayEquals(Arrays.copyOf(whole, first.length), first);
    assertArrayEquals(Arrays.copyOfRange(whole, first.length, whole.length), second);
    assertNotEquals(0, second[2 * vocab], "a rollout");
  }

  /** Bit i of cuts says whether the batch is cut before sequence i + 1. */
  private static void assertSameInParts(Tokens.Result whole, Objective objective, int cuts) {
    Metrics sum = new Metrics();
    long[] offsets = requireNonNull(WHOLE.offsets);
    for (int from = 0, to; from < SEQUENCES; from = to) {
      to = from + 1;
      while (to < SEQUENCES && (cuts >> (to - 1) & 1) == 0) {
        to++;
      }
      Tokens.Result part = WHOLE.sequences(from, to).run(objective);
      int begin = (int) offsets[from];
      int end = (int) offsets[to];
      assertArrayEquals(Arrays.copyOfRange(whole.c(), begin, end), part.c(), "cuts " + cuts);
      assertArrayEquals(Arrays.copyOfRange(whole.h(), begin, end), part.h(), "cuts " + cuts);
      sum.add(part.metrics());
    }
    assertEquals(whole.metrics().loss(), sum.loss(), 1e-6 * whole.metrics().lossMagnitude());
    assertEquals(whole.metrics().tokens(), sum.tokens());
    assertEquals(whole.metrics().ratioMax(), sum.ratioMax());
  }

  private static Objective prefixRftBySequence() {
    Objective objective = HybridObjectives.prefixRft();
    Rule prefix =
        objective.hint().toBuilder().selection(new EntropySelection(Scope.SEQUENCE, 0.5f)).build();
    return objective.toBuilder().demonstration(prefix).hint(prefix).build();
  }

  private static Objective corrected() {
    return Objective.grpo().toBuilder().correction(SamplerCorrection.tisSequence(2)).build();
  }

  private static float[] gradient(Tokens tokens, TensorView data, Objective objective) {
    long[] targets = new long[tokens.count];
    Arrays.fill(targets, 2);
    Logits logits = Logits.of(data, TensorView.copyOf(targets));
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    TokenBatch batch = tokens.batch();
    long bytes = PolicyStep.workspaceBytes(tokens.count, batch.sequences());
    PolicyStep.compute(
        Backend.cpu(),
        logits,
        batch,
        objective,
        tokens.normalizers,
        out,
        null,
        TensorView.allocate(DType.UINT8, bytes));
    return out.dLogits().toFloats();
  }
}
