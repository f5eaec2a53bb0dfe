package org.plait.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.plait.Bandwidth;
import org.plait.ImportanceRatio;
import org.plait.TensorView;
import org.plait.torch.TorchPlait;

/** What Plait and PyTorch are timed on gives the same values. */
class SameWorkTest {
  private final LogitsState logits = new LogitsState();
  private final RestoredLogits restored = new RestoredLogits();

  @AfterEach
  void free() {
    if (logits.dtype != null) {
      restored.free();
      logits.free();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void rowStatistics(String dtype) {
    fill(dtype);
    RowStatsBenchmark.Outputs outputs = new RowStatsBenchmark.Outputs();
    outputs.allocate(logits);
    assertEquals(0, new RowStatsBenchmark().plait(logits, outputs));
    try (TorchEager.RowStats torch = TorchEager.rowStats(logits.tensor, logits.targets)) {
      assertArrayEquals(floats(torch.logProbs()), floats(outputs.out.logProbs()), 1e-4f);
      assertArrayEquals(floats(torch.entropy()), floats(outputs.out.entropy()), 1e-4f);
    }
  }

  @ParameterizedTest
  @CsvSource({"f32, 1e-5", "bf16, 0.01"})
  void logitsGradient(String dtype, float tolerance) {
    fill(dtype);
    LogitsGradBenchmark.Derivatives derivatives = new LogitsGradBenchmark.Derivatives();
    derivatives.fill(logits);
    LogitsGradBenchmark.Forward forward = new LogitsGradBenchmark.Forward();
    forward.build(logits, derivatives);
    new LogitsGradBenchmark().torchEager(forward);
    float[] expected = floats(forward.graph.leaf().grad());
    forward.free();

    LogitsGradBenchmark.Statistics statistics = new LogitsGradBenchmark.Statistics();
    statistics.compute(logits, derivatives);
    assertEquals(0, new LogitsGradBenchmark().plait(logits, restored, statistics));
    assertClose(expected, logits.logits.data().toFloats(), tolerance);
    derivatives.free();
  }

  @ParameterizedTest
  @CsvSource({"f32, 1e-5", "bf16, 0.01"})
  void policyStep(String dtype, float tolerance) {
    for (String objective : List.of("sft", "grpo", "grpo_entropy", "dapo", "luffy", "srft")) {
      fill(dtype);
      PolicyStepBenchmark.Batch batch = new PolicyStepBenchmark.Batch();
      batch.objective = objective;
      batch.fill(logits);
      float[] expected;
      float loss;
      try (TorchEager.Graph graph =
          TorchEager.policyLoss(logits.tensor, logits.targets, batch.batch.inputs(), batch.step)) {
        graph.backward();
        expected = floats(graph.leaf().grad());
        loss = graph.loss().item_float();
      }
      new PolicyStepBenchmark().plait(logits, restored, batch);
      assertEquals(loss, batch.metrics.loss(), 1e-5 * Math.max(1, Math.abs(loss)), objective);
      if (batch.step != StepObjective.SFT) {
        assertEquals(0, batch.metrics.clipFractionLow() + batch.metrics.clipFractionHigh());
      }
      assertEquals("", batch.step.plait.secondPass());
      assertClose(expected, logits.logits.data().toFloats(), tolerance);
      batch.free();
    }
  }

  @ParameterizedTest
  @EnumSource(StepObjective.class)
  void tokenObjective(StepObjective objective) {
    TokenObjectiveBenchmark.Batch batch = new TokenObjectiveBenchmark.Batch();
    batch.objective = objective.name();
    batch.fill();
    new TokenObjectiveBenchmark().plait(batch);
    TokenObjectiveBenchmark.Gradients torch = TokenObjectiveBenchmark.backward(batch);
    float loss = torch.loss().item_float();
    assertEquals(loss, batch.metrics.loss(), 1e-5 * Math.max(1, Math.abs(loss)));
    assertClose(floats(torch.logProbs().grad()), floats(batch.out.c()), 1e-5f);
    if (objective == StepObjective.GRPO_ENTROPY) {
      assertClose(floats(torch.entropy().grad()), floats(batch.out.h()), 1e-5f);
    }
    batch.free();
  }

  @ParameterizedTest
  @ValueSource(strings = {"token", "sequence_mean"})
  void importanceRatio(String level) {
    ImportanceRatioBenchmark.Batch batch = new ImportanceRatioBenchmark.Batch();
    batch.objective = level;
    batch.fill();
    new ImportanceRatioBenchmark().plait(batch);
    ImportanceRatioBenchmark.Ratios torch = ImportanceRatioBenchmark.ratios(batch);
    float[] ratio = floats(torch.ratio().contiguous());
    assertArrayEquals(ratio, floats(batch.out.ratio()), 1e-5f);
    float[] above = floats(torch.above().contiguous().to(ScalarType.Float));
    long[] flags = Objects.requireNonNull(batch.out.flags()).toLongs();
    int clipped = 0;
    for (int t = 0; t < flags.length; t++) {
      clipped += flags[t] == 0 ? 0 : 1;
      // PyTorch's exponential and Plait's may round to either side of the bound.
      assertTrue(
          (above[t] == 1) == (flags[t] == ImportanceRatio.ABOVE)
              || Math.abs(ratio[t] - 1.05f) < 1e-6);
    }
    assertEquals(level.equals("token"), clipped > 0);
    batch.free();
  }

  @Test
  void restoringUndoesAKernelInPlace() {
    fill("f32");
    float[] before = logits.logits.data().toFloats();
    BandwidthBenchmark.Floats floats = new BandwidthBenchmark.Floats();
    floats.view(logits);
    assertTrue(Double.isFinite(new BandwidthBenchmark().read(floats)));
    Bandwidth.scale(floats.view, 2);
    assertTrue(before[0] != logits.logits.data().getFloat(0));
    restored.restore();
    assertArrayEquals(before, logits.logits.data().toFloats());
  }

  @Test
  void groupAdvantage() {
    GroupAdvantageBenchmark.Batch batch = new GroupAdvantageBenchmark.Batch();
    batch.count = 5;
    batch.fill();
    new GroupAdvantageBenchmark().plait(batch);
    try (Tensor torch =
        TorchEager.groupAdvantage(batch.rewards, batch.count, batch.grpo.epsilon())) {
      assertArrayEquals(floats(torch), batch.out.advantages().toFloats(), 1e-5f);
    }
    batch.free();
  }

  @Test
  void rawCallsGiveWhatTheApiGives() {
    CallOverheadBenchmark benchmark = new CallOverheadBenchmark();
    CallOverheadBenchmark.NoTokens none = new CallOverheadBenchmark.NoTokens();
    none.pack();
    assertEquals(0, benchmark.rowStats(none));
    assertEquals(0, benchmark.rowStatsRaw(none));
    CallOverheadBenchmark.OneGroup group = new CallOverheadBenchmark.OneGroup();
    group.pack();
    benchmark.groupAdvantage(group);
    float[] expected = group.out.advantages().toFloats();
    group.out.advantages().copyFrom(new float[expected.length]);
    assertEquals(0, benchmark.groupAdvantageRaw(group));
    assertArrayEquals(expected, group.out.advantages().toFloats());
  }

  @Test
  void kernelsAllocateNoHeap() {
    HeapPerCall.ofKernels().forEach((kernel, bytes) -> assertEquals(0, bytes, kernel));
  }

  private void fill(String dtype) {
    logits.vocab = 2048;
    logits.dtype = dtype;
    logits.tokens = 16;
    logits.fill();
    restored.save(logits);
  }

  private static void assertClose(float[] expected, float[] actual, float tolerance) {
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertTrue(largest > 0);
    assertArrayEquals(expected, actual, tolerance * largest);
  }

  private static float[] floats(Tensor tensor) {
    return TorchPlait.view(tensor).toFloats();
  }

  private static float[] floats(@Nullable TensorView view) {
    return Objects.requireNonNull(view).toFloats();
  }
}
