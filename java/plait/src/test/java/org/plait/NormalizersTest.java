package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.plait.Refusals.refused;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormalizersTest {
  @Test
  void countingAddsUpTokensAndSequencesByRole() {
    TokenBatch first =
        TokenBatch.builder(5)
            .offsets(TensorView.copyOf(0L, 3, 3, 5))
            .roles(
                TensorView.copyOf(
                    Role.HINT, Role.ROLLOUT, Role.ROLLOUT, Role.IGNORED, Role.IGNORED))
            .build();
    TokenBatch second =
        TokenBatch.builder(2)
            .roles(TensorView.copyOf(Role.DEMONSTRATION, Role.DEMONSTRATION))
            .build();
    assertEquals(new Normalizers(5, 2, 2, 1, 2, 1, 1, 1, 0), Normalizers.count(first, second));
    assertEquals(
        new Normalizers(4, 4, 0, 0, 1, 1, 0, 0, 0),
        Normalizers.count(TokenBatch.builder(4).build()));
    assertEquals(Normalizers.NONE, Normalizers.count());
  }

  @Test
  void countsOfTheBatchGiveTheLossThatNoneGives() {
    StepFixture counted = new StepFixture();
    counted.objective =
        counted.objective.toBuilder().aggregation(Aggregation.SEQ_MEAN_TOKEN_MEAN).build();
    counted.run();
    double expected = counted.metrics.loss();
    float[] gradient = counted.dLogits.toFloats();
    counted.normalizers = Normalizers.count(counted.batch.get());
    counted.run();
    assertEquals(expected, counted.metrics.loss());
    assertEquals(gradient[0], counted.dLogits.getFloat(0));
    counted.normalizers = counted.normalizers.withSequences(4);
    counted.run();
    assertEquals(expected / 2, counted.metrics.loss(), 1e-7);
    assertNotEquals(0, expected);
  }

  @Test
  void eachChangeIsOfOneCount() {
    assertEquals(new Normalizers(7, 0, 0, 0, 0, 0, 0, 0, 0), Normalizers.NONE.withTokens(7));
    assertEquals(new Normalizers(0, 0, 0, 0, 7, 0, 0, 0, 0), Normalizers.NONE.withSequences(7));
    assertEquals(new Normalizers(0, 0, 0, 0, 0, 0, 0, 0, 7), Normalizers.NONE.withLength(7));
    assertEquals(
        new Normalizers(0, 1, 2, 3, 0, 4, 5, 6, 0),
        Normalizers.NONE
            .withTokens(Role.ROLLOUT, 1)
            .withTokens(Role.DEMONSTRATION, 2)
            .withTokens(Role.HINT, 3)
            .withSequences(Role.ROLLOUT, 4)
            .withSequences(Role.DEMONSTRATION, 5)
            .withSequences(Role.HINT, 6));
    assertEquals(0, Normalizers.NONE.withTokens(7).tokens(Role.IGNORED));
    refused("role", () -> Normalizers.NONE.withTokens(Role.IGNORED, 1));
    refused("role", () -> Normalizers.NONE.withSequences(Role.IGNORED, 1));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void countsThatCannotBeAreRefused(double count) {
    refused("tokens", () -> Normalizers.NONE.withTokens(count));
    refused("hintTokens", () -> Normalizers.NONE.withTokens(Role.HINT, count));
    refused("sequences", () -> Normalizers.NONE.withSequences(count));
    refused("rolloutSequences", () -> Normalizers.NONE.withSequences(Role.ROLLOUT, count));
    refused("length", () -> Normalizers.NONE.withLength(count));
  }
}
