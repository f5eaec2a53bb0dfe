package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ImportanceRatioTest {
  private static final float INF = Float.POSITIVE_INFINITY;
  private static final TensorView LOGP = TensorView.copyOf(-1f, -1, -1, -1, -1, -1);
  private static final TensorView OLD = TensorView.copyOf(-2f, -0.5f, -1, -9, -1.25f, -1);
  private static final TensorView ROLES =
      TensorView.copyOf(
          Role.ROLLOUT, Role.ROLLOUT, Role.ROLLOUT, Role.IGNORED, Role.HINT, Role.ROLLOUT);

  private final TokenBatch batch =
      TokenBatch.builder(6)
          .offsets(TensorView.copyOf(0L, 3, 3, 6))
          .roles(ROLES)
          .oldLogProbs(OLD)
          .build();
  private final TensorView ratio = TensorView.allocate(DType.FLOAT32, 6);
  private final TensorView sequenceRatio = TensorView.allocate(DType.FLOAT32, 3);
  private final TensorView flags = TensorView.allocate(DType.UINT8, 6);

  @Test
  void tokenRatiosAreExponentialsOfTheDifference() {
    compute(RatioLevel.TOKEN, 0.2f, 0.3f, INF);
    ratios(Math.E, Math.exp(-0.5), 1, 0, Math.exp(0.25), 1);
    assertArrayEquals(
        new long[] {ImportanceRatio.ABOVE, ImportanceRatio.BELOW, 0, 0, 0, 0}, flags.toLongs());
  }

  @Test
  void sequenceRatiosLeaveIgnoredTokensOut() {
    compute(RatioLevel.SEQUENCE_MEAN, 0.1f, 0.15f, INF);
    double first = Math.exp(0.5 / 3);
    double last = Math.exp(0.25 / 2);
    ratios(first, first, first, 0, last, last);
    assertArrayEquals(
        new float[] {(float) first, 1, (float) last}, sequenceRatio.toFloats(), 1e-6f);
    long above = ImportanceRatio.ABOVE;
    assertArrayEquals(new long[] {above, above, above, 0, 0, 0}, flags.toLongs());
    compute(RatioLevel.SEQUENCE_SUM, INF, INF, INF);
    assertArrayEquals(
        new float[] {(float) Math.exp(0.5), 1, (float) Math.exp(0.25)},
        sequenceRatio.toFloats(),
        1e-6f);
    assertArrayEquals(new long[6], flags.toLongs());
  }

  @Test
  void logRatiosBeyondTheLimitAreClampedAndFlagged() {
    compute(RatioLevel.TOKEN, INF, INF, 0.4f);
    ratios(Math.exp(0.4), Math.exp(-0.4), 1, 0, Math.exp(0.25), 1);
    long limited = ImportanceRatio.LIMITED;
    assertArrayEquals(new long[] {limited, limited, 0, 0, 0, 0}, flags.toLongs());
  }

  @Test
  void withoutOffsetsAllTokensAreOneSequence() {
    TokenBatch one = TokenBatch.builder(6).roles(ROLES).oldLogProbs(OLD).build();
    TensorView single = TensorView.allocate(DType.FLOAT32, 1);
    ImportanceRatio.compute(
        Backend.cpu(),
        one,
        LOGP,
        ImportanceRatio.Options.of(RatioLevel.SEQUENCE_SUM),
        new ImportanceRatio.Output(null, single, null));
    assertEquals(Math.exp(0.75), single.getFloat(0), 1e-6);
  }

  private void compute(RatioLevel level, float low, float high, float limit) {
    ImportanceRatio.compute(
        Backend.cpu(),
        batch,
        LOGP,
        new ImportanceRatio.Options(level, low, high, limit),
        new ImportanceRatio.Output(ratio, level == RatioLevel.TOKEN ? null : sequenceRatio, flags));
  }

  private void ratios(double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], ratio.getFloat(i), 1e-6, "token " + i);
    }
  }
}
