package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.StepFixture.T;
import static org.plait.StepFixture.V;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class PolicyStepTest {
  private static final Backend CPU = Backend.cpu();

  static Stream<Arguments> steps() {
    Objective base = new StepFixture().objective;
    Objective[] objectives = {
      base,
      base.toBuilder().ratioLevel(RatioLevel.SEQUENCE_MEAN).build(),
      base.toBuilder().correction(SamplerCorrection.tis(1.1f)).build(),
      HybridObjectives.srft(),
      HybridObjectives.prefixRft(),
      HybridObjectives.luffy(),
      Objective.gmpo(),
      Objective.klCov()
    };
    return Stream.of(objectives)
        .flatMap(
            objective ->
                Stream.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)
                    .map(dtype -> Arguments.of(objective.secondPass(), dtype, objective)));
  }

  @ParameterizedTest(name = "{1}, second pass: {0}")
  @MethodSource("steps")
  void oneCallEqualsTheThreeStages(String pass, DType dtype, Objective objective) {
    StepFixture step = fixture(dtype);
    step.objective = objective;
    step.normalizers = Normalizers.NONE.withLength(8);
    step.run();

    RowStats.Output stats = RowStats.Output.allocate(T);
    RowStats.compute(CPU, step.logits.get(), stats);
    TokenObjective.Output terms = TokenObjective.Output.allocate(T);
    Metrics metrics = new Metrics();
    TokenObjective.compute(
        CPU,
        step.batch.get(),
        step.objective,
        step.normalizers,
        requireNonNull(stats.logProbs()),
        stats.entropy(),
        terms,
        metrics,
        step.workspace);
    TensorView gradient = TensorView.allocate(dtype, T, V);
    LogitsGrad.compute(
        CPU,
        step.logits.get(),
        requireNonNull(stats.state()),
        requireNonNull(terms.c()),
        terms.h(),
        gradient);

    float[] expected = gradient.toFloats();
    // One exponential for both passes over a row is relative to another maximum than two are.
    boolean keeps = dtype == DType.FLOAT32 && objective.isOnePass();
    for (int i = 0; i < expected.length; i++) {
      float rounding = keeps ? 0x1p-21f * Math.abs(expected[i]) : 0;
      float difference = Math.abs(step.dLogits.getFloat(i) - expected[i]);
      assertTrue(difference <= rounding, "element " + i + " is off by " + difference);
    }
    assertArrayEquals(requireNonNull(terms.tokenLoss()).toFloats(), step.tokenLoss.toFloats());
    assertEquals(metrics.toMap(), step.metrics.toMap());
    assertArrayEquals(
        requireNonNull(stats.logProbs()).rows(0, T - 1).toFloats(),
        step.logProbs.rows(0, T - 1).toFloats());
    assertEquals(0, step.logProbs.getFloat(T - 1), "the ignored token");
    assertNotEquals(0, step.dLogits.getFloat(0));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void inPlaceGivesTheBitsOfOutOfPlace(DType dtype) {
    StepFixture step = fixture(dtype);
    step.run();
    float[] expected = step.dLogits.toFloats();
    step.dLogits = step.data;
    step.run();
    assertArrayEquals(expected, step.data.toFloats());
  }

  @Test
  void theGradientIsThatOfTheLoss() {
    StepFixture step = new StepFixture();
    step.run();
    float[] gradient = step.dLogits.toFloats();
    double largest = 0;
    for (int i = 0; i < T * V; i++) {
      float value = step.data.getFloat(i);
      float delta = 1f / 64;
      step.data.setFloat(i, value + delta);
      step.run();
      double above = step.metrics.loss();
      step.data.setFloat(i, value - delta);
      step.run();
      double below = step.metrics.loss();
      step.data.setFloat(i, value);
      assertEquals((above - below) / (2 * delta), gradient[i], 2e-4, "element " + i);
      largest = Math.max(largest, Math.abs(gradient[i]));
    }
    assertTrue(largest > 0.05, "largest " + largest);
  }

  @Test
  void rowsThatTheIndexLeavesOutAreNeitherReadNorWritten() {
    StepFixture step = new StepFixture();
    step.run();
    float[] expected = step.dLogits.toFloats();

    TensorView spread = StepFixture.filled(8 * V, Float.NaN);
    TensorView data =
        TensorView.ofAddress(spread.address(), DType.FLOAT32, new long[] {8, V}, V, -1, spread);
    long[] rows = {1, 2, 4, 5, 7};
    for (int t = 0; t < T; t++) {
      data.rows(rows[t], rows[t] + 1).copyFrom(step.data.rows(t, t + 1).toFloats());
    }
    TensorView gradient = TensorView.allocate(DType.FLOAT32, 8, V);
    Runnable others =
        StepFixture.guard(gradient.rows(0, 1), gradient.rows(3, 4), gradient.rows(6, 7));
    step.dLogits = gradient;
    step.logits =
        () ->
            Logits.builder(data, step.targets)
                .temperature(step.temperature)
                .rowIndex(TensorView.copyOf(rows))
                .build();
    step.run();
    others.run();
    for (int t = 0; t < T; t++) {
      assertArrayEquals(
          java.util.Arrays.copyOfRange(expected, t * V, (t + 1) * V),
          gradient.rows(rows[t], rows[t] + 1).toFloats());
    }
  }

  @Test
  void stridedRowsGiveTheSameAndTheirGapsAreLeftAlone() {
    StepFixture step = new StepFixture();
    step.run();
    float[] expected = step.dLogits.toFloats();
    TensorView wideLogits = StepFixture.gaussian(2, T, V + 3);
    TensorView wideGradient = TensorView.allocate(DType.FLOAT32, T, V + 2);
    StepFixture.guard(wideGradient);
    TensorView logits = firstColumns(wideLogits);
    logits.copyFrom(step.data.toFloats());
    step.data = logits;
    step.dLogits = firstColumns(wideGradient);
    step.run();
    assertArrayEquals(expected, step.dLogits.toFloats());
    gapsAreLeftAlone(wideGradient);

    RowStats.Output stats = RowStats.Output.allocate(T);
    RowStats.compute(CPU, step.logits.get(), stats);
    TensorView c = StepFixture.filled(T, 0.5f);
    TensorView dense = TensorView.allocate(DType.FLOAT32, T, V);
    TensorView state = requireNonNull(stats.state());
    LogitsGrad.compute(CPU, step.logits.get(), state, c, null, dense);
    LogitsGrad.compute(CPU, step.logits.get(), state, c, null, step.dLogits);
    assertArrayEquals(dense.toFloats(), step.dLogits.toFloats());
    assertNotEquals(expected[0], dense.getFloat(0));
    gapsAreLeftAlone(wideGradient);
  }

  private static void gapsAreLeftAlone(TensorView wideGradient) {
    long[] bytes = StepFixture.bytes(wideGradient).toLongs();
    for (int t = 0; t < T; t++) {
      for (int i = 4 * V; i < 4 * (V + 2); i++) {
        assertEquals(0x5a, bytes[4 * t * (V + 2) + i]);
      }
    }
  }

  private static TensorView firstColumns(TensorView view) {
    long[] shape = {T, V};
    return TensorView.ofAddress(view.address(), DType.FLOAT32, shape, view.size(1), -1, view);
  }

  @Test
  void int32TargetsAndTemperaturesPerTokenGiveTheSame() {
    StepFixture step = new StepFixture();
    step.run();
    float[] expected = step.dLogits.toFloats();
    TensorView targets = TensorView.allocate(DType.INT32, T);
    targets.copyFrom(step.targets.toLongs());
    TensorView temperatures = StepFixture.filled(T, step.temperature);
    step.logits = () -> Logits.builder(step.data, targets).temperatures(temperatures).build();
    step.run();
    assertArrayEquals(expected, step.dLogits.toFloats());
  }

  @Test
  void aBadTargetIsCountedItsRowZeroAndTheOthersUntouched() {
    StepFixture step = new StepFixture();
    step.run();
    float[] expected = step.dLogits.toFloats();
    step.normalizers = Normalizers.count(step.batch.get());
    step.targets.setLong(1, V);
    step.run();
    java.util.Arrays.fill(expected, V, 2 * V, 0);
    assertArrayEquals(expected, step.dLogits.toFloats());
    assertTrue(Float.isNaN(step.logProbs.getFloat(1)));
    assertEquals(1, step.metrics.badTargets());
    assertTrue(Double.isFinite(step.metrics.loss()));
  }

  @Test
  void anEmptyBatchWorksAndSoDoesOneThatIsIgnoredAltogether() {
    Metrics metrics = new Metrics();
    Logits none =
        Logits.of(TensorView.allocate(DType.FLOAT32, 0, V), TensorView.allocate(DType.INT64, 0));
    TensorView workspace = TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(0, 0));
    PolicyStep.compute(
        CPU,
        none,
        TokenBatch.builder(0).advantages(TensorView.allocate(DType.FLOAT32, 0)).build(),
        Objective.grpo(),
        Normalizers.NONE,
        PolicyStep.Output.inPlace(none),
        metrics,
        workspace);
    assertEquals(0, metrics.loss());
    assertEquals(0, metrics.tokens());

    StepFixture step = new StepFixture();
    step.roles = TensorView.allocate(DType.UINT8, T);
    step.dLogits.copyFrom(step.data.toFloats());
    step.run();
    assertArrayEquals(new float[T * V], step.dLogits.toFloats());
    assertEquals(0, step.metrics.tokens());
  }

  @Test
  void aStepChangesItsOutputsAndNothingElse() {
    StepFixture step = new StepFixture();
    TensorView[] inputs = {
      step.data, step.targets, step.offsets, step.roles, step.advantages, step.oldLogProbs
    };
    long[][] before = new long[inputs.length][];
    for (int i = 0; i < inputs.length; i++) {
      before[i] = StepFixture.bytes(inputs[i]).toLongs();
    }
    step.run();
    for (int i = 0; i < inputs.length; i++) {
      assertArrayEquals(before[i], StepFixture.bytes(inputs[i]).toLongs());
    }
  }

  private static StepFixture fixture(DType dtype) {
    StepFixture step = new StepFixture();
    step.data = StepFixture.as(dtype, step.data);
    step.dLogits = TensorView.allocate(dtype, T, V);
    return step;
  }

  /** An annealed coefficient reaches 0 one day, and what it needed may be gone by then. */
  @Test
  void aTermWithCoefficientZeroNeedsNoInputAndNoSecondPass() {
    StepFixture step = new StepFixture();
    Rule nll = Rule.builder().nll(Term.of(1)).build();
    Rule annealed =
        nll.toBuilder()
            .policy(PolicyLoss.GMPO, Term.of(0))
            .covariance(Covariance.kl(1, 1))
            .kl(KlEstimator.K3, Term.of(0))
            .samplerCorrection(true)
            .build();
    step.batch = () -> TokenBatch.builder(StepFixture.T).build();
    step.objective = new Objective(nll, nll, nll);
    step.run();
    float[] expected = step.dLogits.toFloats();
    step.objective = new Objective(annealed, annealed, annealed, SamplerCorrection.tis(2));
    assertEquals("", step.objective.secondPass());
    step.run();
    assertArrayEquals(expected, step.dLogits.toFloats());
    assertEquals(0, step.metrics.policyTokens());
  }
}
