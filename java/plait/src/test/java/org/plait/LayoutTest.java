package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A batch gives the same bits packed, padded, and picked out of a padded one. */
class LayoutTest {
  private static final int V = 9;
  private static final int WIDTH = 6;
  private static final int PADDED = 4 * WIDTH;
  private static final int[] LENGTHS = {4, 1, 6, 3};
  private static final Tokens PACKED = packed();
  private static final TensorView LOGITS = StepFixture.gaussian(8, PACKED.count, V);

  private static Tokens packed() {
    Tokens tokens = Tokens.random(13, LENGTHS);
    tokens.roles = new Role[tokens.count];
    Arrays.fill(tokens.roles, Role.ROLLOUT);
    Arrays.fill(tokens.roles, 4, 5, Role.DEMONSTRATION);
    Arrays.fill(tokens.roles, 5, 8, Role.HINT);
    tokens.normalizers = Normalizers.NONE.withLength(7);
    return tokens;
  }

  static Stream<Arguments> objectives() {
    Rule sft = Rule.builder().nll(Term.of(0.5f)).build();
    Objective grpo =
        Objective.grpo().toBuilder()
            .demonstration(sft)
            .hint(sft)
            .kl(KlEstimator.K3, 0.1f)
            .entropyBonus(0.05f)
            .build();
    return Stream.of(
        Arguments.of("one pass", grpo),
        Arguments.of("GSPO", grpo.toBuilder().ratioLevel(RatioLevel.SEQUENCE_MEAN).build()),
        Arguments.of("SRFT", HybridObjectives.srft()),
        Arguments.of("Prefix-RFT", HybridObjectives.prefixRft()),
        Arguments.of("LUFFY", HybridObjectives.luffy()),
        Arguments.of("CHORD", HybridObjectives.chord(0.3f)),
        Arguments.of(
            "corrected", grpo.toBuilder().correction(SamplerCorrection.icePop(0.7f, 1.4f)).build()),
        Arguments.of("Clip-Cov", covariance(CovarianceKind.CLIP)),
        Arguments.of("KL-Cov", covariance(CovarianceKind.KL)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("objectives")
  void paddingChangesNoBit(String name, Objective objective) {
    Step packed = run(PACKED, LOGITS, null, objective);
    double largest = 0;
    for (float value : packed.gradient.toFloats()) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertTrue(largest > 1e-3, "largest " + largest);

    Step padded = run(padded(), paddedLogits(), null, objective);
    for (int i = 0, t = 0; i < LENGTHS.length; i++) {
      for (int k = 0; k < WIDTH; k++) {
        float[] row = row(padded.gradient, (long) i * WIDTH + k);
        float[] expected = k < LENGTHS[i] ? row(packed.gradient, t++) : new float[V];
        assertArrayEquals(expected, row, "sequence " + i + ", position " + k);
      }
    }
    assertSameMetrics(packed.metrics, padded.metrics);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("objectives")
  void rowsPickedOutOfAPaddedBatchHaveTheBitsOfThePackedOne(String name, Objective objective) {
    Step packed = run(PACKED, LOGITS, null, objective);
    long[] rows = new long[PACKED.count];
    for (int i = 0, t = 0; i < LENGTHS.length; i++) {
      for (int k = 0; k < LENGTHS[i]; k++) {
        rows[t++] = (long) i * WIDTH + k;
      }
    }
    Step picked = run(PACKED, paddedLogits(), rows, objective);
    for (int t = 0; t < PACKED.count; t++) {
      assertArrayEquals(row(packed.gradient, t), row(picked.gradient, rows[t]));
    }
    assertEquals(packed.metrics.toMap(), picked.metrics.toMap());
  }

  private static void assertSameMetrics(Metrics expected, Metrics actual) {
    expected
        .toMap()
        .forEach(
            (name, value) -> {
              double other = actual.toMap().getOrDefault(name, Double.NaN);
              double scale = Double.isFinite(value) ? Math.max(1, Math.abs(value)) : 1;
              assertEquals(value, other, 1e-12 * scale, name);
            });
  }

  /** What padding holds is never read: NaN. */
  private static Tokens padded() {
    Tokens tokens = Tokens.random(0, WIDTH, WIDTH, WIDTH, WIDTH);
    tokens.roles = new Role[tokens.count];
    Arrays.fill(tokens.roles, Role.IGNORED);
    tokens.normalizers = PACKED.normalizers;
    tokens.advantages = spread(PACKED.advantages);
    tokens.old = spread(requireNonNull(PACKED.old));
    tokens.reference = spread(requireNonNull(PACKED.reference));
    tokens.sampler = spread(requireNonNull(PACKED.sampler));
    Role[] roles = requireNonNull(PACKED.roles);
    for (int i = 0, t = 0; i < LENGTHS.length; i++) {
      for (int k = 0; k < LENGTHS[i]; k++) {
        tokens.roles[i * WIDTH + k] = roles[t++];
      }
    }
    return tokens;
  }

  private static float[] spread(float[] values) {
    float[] to = new float[PADDED];
    Arrays.fill(to, Float.NaN);
    for (int i = 0, t = 0; i < LENGTHS.length; i++) {
      for (int k = 0; k < LENGTHS[i]; k++) {
        to[i * WIDTH + k] = values[t++];
      }
    }
    return to;
  }

  private static TensorView paddedLogits() {
    TensorView to = TensorView.allocate(DType.FLOAT32, PADDED, V);
    float[] nan = new float[PADDED * V];
    Arrays.fill(nan, Float.NaN);
    to.copyFrom(nan);
    for (int i = 0, t = 0; i < LENGTHS.length; i++) {
      for (int k = 0; k < LENGTHS[i]; k++, t++) {
        int row = i * WIDTH + k;
        to.rows(row, row + 1).copyFrom(LOGITS.rows(t, t + 1).toFloats());
      }
    }
    return to;
  }

  private static Objective covariance(CovarianceKind kind) {
    Rule rule =
        Objective.ppo().rollout().toBuilder()
            .covariance(new Covariance(kind, 3, 0.3f, -9, 9, 0.5f))
            .build();
    return Objective.builder().rollout(rule).build();
  }

  private static float[] row(TensorView matrix, long row) {
    return matrix.rows(row, row + 1).toFloats();
  }

  private record Step(TensorView gradient, Metrics metrics) {}

  private static Step run(
      Tokens tokens, TensorView data, long @Nullable [] rows, Objective objective) {
    long[] targets = new long[tokens.count];
    Arrays.setAll(targets, t -> 4);
    Logits.Builder logits = Logits.builder(data, TensorView.copyOf(targets)).temperature(0.9f);
    if (rows != null) {
      logits.rowIndex(TensorView.copyOf(rows));
    }
    Logits built = logits.build();
    PolicyStep.Output out = PolicyStep.Output.allocate(built);
    TokenBatch batch = tokens.batch();
    Metrics metrics = new Metrics();
    PolicyStep.compute(
        Backend.cpu(),
        built,
        batch,
        objective,
        tokens.normalizers,
        out,
        metrics,
        TensorView.allocate(
            DType.UINT8, PolicyStep.workspaceBytes(tokens.count, batch.sequences())));
    return new Step(out.dLogits(), metrics);
  }
}
