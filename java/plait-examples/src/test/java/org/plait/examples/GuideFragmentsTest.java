package org.plait.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.HybridObjectives;
import org.plait.Logits;
import org.plait.LogitsGrad;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.Role;
import org.plait.RowStats;
import org.plait.SamplerCorrection;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.TokenObjective;
import org.plait.torch.TorchPlait;
import org.plait.torch.TorchStep;

/** What the guide shows beside the examples, and what it says of it. */
class GuideFragmentsTest {
  private static final int T = 6;
  private static final int V = 40;

  private final Backend cpu = Backend.cpu();
  private final Random random = new Random(1);

  private TensorView logits(DType dtype, int rows) {
    TensorView view = TensorView.allocate(dtype, rows, V);
    for (int i = 0; i < rows * V; i++) {
      view.setFloat(i, (float) random.nextGaussian());
    }
    return view;
  }

  private TensorView targets(int count) {
    return TensorView.copyOf(random.longs(count, 0, V).toArray());
  }

  private static TensorView vector() {
    return TensorView.allocate(DType.FLOAT32, T);
  }

  private static TensorView workspace(TokenBatch batch) {
    return TensorView.allocate(
        DType.UINT8, PolicyStep.workspaceBytes(batch.tokens(), batch.sequences()));
  }

  private Metrics step(
      Logits logits, TokenBatch batch, Objective objective, PolicyStep.Output out) {
    Metrics metrics = new Metrics();
    PolicyStep.compute(
        cpu, logits, batch, objective, Normalizers.NONE, out, metrics, workspace(batch));
    return metrics;
  }

  private static float largest(TensorView view) {
    float largest = 0;
    for (float value : view.toFloats()) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @Test
  void paddingIsIgnoredWhateverItHolds() {
    int sequences = 2;
    int length = 3;
    boolean[][] mask = {{true, true, false}, {true, false, false}};
    long[] offsets = new long[sequences + 1];
    Role[] roles = new Role[sequences * length];
    for (int i = 0; i < sequences; i++) {
      offsets[i + 1] = offsets[i] + length;
      for (int t = 0; t < length; t++) {
        roles[i * length + t] = mask[i][t] ? Role.ROLLOUT : Role.IGNORED;
      }
    }
    TensorView data = logits(DType.FLOAT32, T);
    for (int i = 0; i < T * V; i++) {
      if (roles[i / V] == Role.IGNORED) {
        data.setFloat(i, Float.NaN);
      }
    }
    TokenBatch batch =
        TokenBatch.builder(T)
            .offsets(TensorView.copyOf(offsets))
            .roles(TensorView.copyOf(roles))
            .build();
    Logits logits = Logits.of(data, targets(T));
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    Metrics metrics = step(logits, batch, Objective.sft(), out);
    assertEquals(3, metrics.tokens());
    for (int i = 0; i < T * V; i++) {
      float gradient = out.dLogits().getFloat(i);
      assertEquals(roles[i / V] == Role.IGNORED, gradient == 0, "element " + i);
    }
  }

  @Test
  void aRowIndexLeavesOtherRowsAlone() {
    TensorView data = logits(DType.FLOAT32, T);
    TensorView targets = targets(2);
    // tag::rows[]
    Logits some =
        Logits.builder(data, targets) // as many targets as rows in the index
            .rowIndex(TensorView.copyOf(1L, 4L))
            .temperature(0.7f) // of the sampler; the kernel divides by it
            .build();
    // end::rows[]
    PolicyStep.Output out = PolicyStep.Output.allocate(some);
    step(some, TokenBatch.builder(2).build(), Objective.sft(), out);
    for (int row = 0; row < T; row++) {
      boolean touched = row == 1 || row == 4;
      assertEquals(touched, largest(out.dLogits().rows(row, row + 1)) > 0, "row " + row);
    }
  }

  @Test
  void theSamplersMismatchIsMeasuredAndWeighted() {
    Logits logits = Logits.of(logits(DType.FLOAT32, T), targets(T));
    TensorView oldLogProbs = vector();
    RowStats.compute(cpu, logits, new RowStats.Output(oldLogProbs, null, null, null));
    float[] other = oldLogProbs.toFloats();
    other[2] -= 2; // the sampler found this token less likely by a factor of 7
    TensorView samplerLogProbs = TensorView.copyOf(other);
    TensorView advantages = TensorView.copyOf(1f);
    // tag::sampler[]
    Objective objective = Objective.grpo().toBuilder().correction(SamplerCorrection.tis(2)).build();
    TokenBatch batch =
        TokenBatch.builder(T)
            .sequenceAdvantages(advantages)
            .oldLogProbs(oldLogProbs) // by the trainer's own forward pass
            .samplerLogProbs(samplerLogProbs) // as the inference engine returned them
            .build();
    // end::sampler[]
    Metrics metrics = step(logits, batch, objective, PolicyStep.Output.allocate(logits));
    assertEquals(2, metrics.sampler().absMax(), 1e-5);
    assertEquals((5 + 2) / 6.0, metrics.sampler().weightMean(), 1e-5);
  }

  @Test
  void countsOfRanksAreAddedByTheTrainer() {
    double[] summed = {100, 8, 30, 4};
    // tag::ranks[]
    Normalizers global =
        Normalizers.NONE
            .withTokens(summed[0] + summed[2]) // after an all-reduce of each rank's counts
            .withTokens(Role.ROLLOUT, summed[0])
            .withTokens(Role.DEMONSTRATION, summed[2])
            .withSequences(summed[1] + summed[3])
            .withSequences(Role.ROLLOUT, summed[1])
            .withSequences(Role.DEMONSTRATION, summed[3])
            .withLength(8192); // for aggregations by a constant length
    // end::ranks[]
    assertEquals(130, global.tokens());
    assertEquals(4, global.sequences(Role.DEMONSTRATION));
  }

  @Test
  void metricsOfRanksAreGatheredAsBytesAndAdded() {
    TensorView data = logits(DType.FLOAT32, T);
    TensorView targets = targets(T);
    Metrics sum = new Metrics();
    for (int rank = 0; rank < 2; rank++) {
      TensorView bytes = TensorView.allocate(DType.UINT8, Metrics.BYTES);
      Metrics own = Metrics.at(bytes); // what a call writes goes to bytes, which can be sent
      Logits logits = Logits.of(data.rows(0, T), targets);
      TokenBatch batch = TokenBatch.builder(T).build();
      PolicyStep.Output out = PolicyStep.Output.allocate(logits);
      PolicyStep.compute(
          cpu, logits, batch, Objective.sft(), Normalizers.NONE, out, own, workspace(batch));
      TensorView received = bytes;
      Metrics theirs = new Metrics();
      theirs.read(received);
      sum.add(theirs);
      assertEquals(rank + 1, sum.tokens() / T);
    }
    assertEquals(-2 * sum.logProbMean(), sum.loss(), 1e-5);
  }

  @Test
  void objectivesSayWhyTheyNeedASecondPass() {
    String reason = Objective.gspo().secondPass(); // "rollout.ratio_level"
    boolean once = Objective.grpo().isOnePass(); // true
    assertEquals("rollout.ratio_level", reason);
    assertTrue(once);
  }

  @Test
  void inPlaceNeedsDetachedLogits() {
    torch.manual_seed(1);
    TinyModel model = new TinyModel(V);
    Tensor tokens = TinyModel.tokens(1, 2, 3);
    Tensor targets = TinyModel.tokens(2, 3, 4);
    TokenBatch batch = TokenBatch.builder(3).build();
    Normalizers normalizers = Normalizers.NONE;
    try (TorchStep step = new TorchStep(cpu, Objective.sft())) {
      // tag::inplace[]
      Tensor logits = model.forward(tokens);
      Tensor dLogits = step.stepInPlace(logits.detach(), targets, batch, normalizers);
      TorchPlait.backward(logits, dLogits); // logits hold the gradient now
      // end::inplace[]
      assertTrue(model.parameters().get(0).grad().norm().item_double() > 1e-3);
      assertThrows(
          IllegalArgumentException.class,
          () -> step.stepInPlace(logits, targets, batch, normalizers));
    }
  }

  @Test
  void aGroupOfOneHasNothingToCompareWith() {
    // tag::groups[]
    TensorView rewards = TensorView.copyOf(1f, 0f, Float.NaN, 1f); // NaN: could not be scored
    Groups groups = Groups.ids(TensorView.copyOf(0L, 0L, 0L, 1L), 2); // prompt of each response
    TensorView advantages = GroupAdvantage.grpo().of(rewards, groups);
    // end::groups[]
    float[] values = advantages.toFloats();
    assertTrue(values[0] > 0.7f && values[1] < -0.7f, "one over the square root of 2");
    assertEquals(0, values[2]);
    assertEquals(0, values[3]);
    assertEquals(1, GroupAdvantage.verlGrpo().of(rewards, groups).getFloat(3), 1e-5);
  }

  @Test
  void aSplitVocabularyGivesTheGradientOfTheWhole() {
    TensorView data = logits(DType.FLOAT32, T);
    TensorView targets = targets(T);
    Objective objective = Objective.sft();
    TokenBatch batch = TokenBatch.builder(T).build();
    TensorView workspace = workspace(batch);
    int half = V / 2;
    long columns = half;
    TensorView[] shards = new TensorView[2];
    for (int rank = 0; rank < 2; rank++) {
      shards[rank] = TensorView.allocate(DType.FLOAT32, T, half);
      for (int i = 0; i < T * half; i++) {
        shards[rank].setFloat(i, data.getFloat(i / half * V + rank * half + i % half));
      }
    }
    TensorView states = TensorView.allocate(DType.FLOAT32, 2 * T, RowStats.STATE_FLOATS);
    // Each rank computes its state; then an all-gather brings them together.
    for (int rank = 0; rank < 2; rank++) {
      // tag::shard[]
      Logits shard = Logits.builder(shards[rank], targets).shard(rank * columns, V).build();
      TensorView own = states.rows((long) rank * T, (rank + 1L) * T);
      RowStats.compute(cpu, shard, new RowStats.Output(null, null, null, own));
      // end::shard[]
    }
    Metrics metrics = new Metrics();
    Normalizers normalizers = Normalizers.NONE;
    TensorView[] gradients = new TensorView[2];
    TensorView logProbs = vector();
    TensorView entropy = vector();
    TensorView c = vector();
    TensorView h = vector();
    TensorView state = TensorView.allocate(DType.FLOAT32, T, RowStats.STATE_FLOATS);
    for (int rank = 0; rank < 2; rank++) {
      Logits shard = Logits.builder(shards[rank], targets).shard(rank * columns, V).build();
      TensorView dShard = TensorView.allocate(DType.FLOAT32, T, half);
      // tag::merge[]
      RowStats.Output whole = new RowStats.Output(logProbs, entropy, null, state);
      RowStats.merge(cpu, states, 2, 1, whole); // two parts, temperature 1
      TokenObjective.Output gradient = new TokenObjective.Output(c, h, null);
      TokenObjective.compute(
          cpu, batch, objective, normalizers, logProbs, entropy, gradient, metrics, workspace);
      LogitsGrad.compute(cpu, shard, state, c, h, dShard); // this rank's columns
      // end::merge[]
      gradients[rank] = dShard;
    }
    Logits logits = Logits.of(data, targets);
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    assertEquals(step(logits, batch, objective, out).loss(), metrics.loss(), 1e-6);
    assertTrue(largest(out.dLogits()) > 0.1);
    for (int i = 0; i < T * V; i++) {
      float part = gradients[i % V / half].getFloat(i / V * half + i % half);
      assertEquals(out.dLogits().getFloat(i), part, 1e-7);
    }
  }

  @Test
  void smallGradientsInHalfPrecisionNeedAScale() {
    Logits logits = Logits.of(logits(DType.FLOAT16, T), targets(T));
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    TokenBatch batch = TokenBatch.builder(T).build();
    double tokens = 1e8;
    Metrics metrics = new Metrics();
    PolicyStep.compute(
        cpu,
        logits,
        batch,
        Objective.sft(),
        Normalizers.NONE.withTokens(tokens),
        out,
        metrics,
        workspace(batch));
    assertEquals(0, largest(out.dLogits()), "lost to underflow");
    double scale = 65536;
    Normalizers scaled = Normalizers.NONE.withTokens(tokens / scale); // dLogits times scale
    PolicyStep.compute(cpu, logits, batch, Objective.sft(), scaled, out, metrics, workspace(batch));
    assertEquals(scale / tokens, largest(out.dLogits()), 0.2 * scale / tokens);
  }

  @Test
  void maskedEntriesTakeNoPart() {
    TensorView data = logits(DType.FLOAT32, T);
    TensorView targets = TensorView.copyOf(0L, 0L, 0L, 0L, 0L, 0L);
    for (int row = 0; row < T; row++) {
      data.setFloat((long) row * V + 7, Float.NEGATIVE_INFINITY);
    }
    Logits logits = Logits.of(data, targets);
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    Metrics metrics = step(logits, TokenBatch.builder(T).build(), Objective.sft(), out);
    assertTrue(Double.isFinite(metrics.loss()));
    assertEquals(0, out.dLogits().getFloat(7));
    data.setFloat(0, Float.NEGATIVE_INFINITY); // the realised token itself
    metrics = step(logits, TokenBatch.builder(T).build(), Objective.sft(), out);
    assertEquals(Double.POSITIVE_INFINITY, metrics.loss());
  }

  @Test
  void oldLogProbsOfDemonstrationsAreNotReadForTheLossOfACertainExpert() {
    Logits logits = Logits.of(logits(DType.FLOAT32, 2), targets(2));
    Objective luffy = HybridObjectives.luffy();
    Normalizers byLength = Normalizers.NONE.withLength(8);
    float[][] gradients = new float[2][];
    for (int i = 0; i < 2; i++) {
      TokenBatch batch =
          TokenBatch.builder(2)
              .roles(TensorView.copyOf(Role.ROLLOUT, Role.DEMONSTRATION))
              .advantages(TensorView.copyOf(-1f, 1f))
              .oldLogProbs(TensorView.copyOf(-3f, i == 0 ? 0 : Float.NaN))
              .build();
      PolicyStep.Output out = PolicyStep.Output.allocate(logits);
      Metrics metrics = new Metrics();
      PolicyStep.compute(cpu, logits, batch, luffy, byLength, out, metrics, workspace(batch));
      gradients[i] = out.dLogits().toFloats();
      assertTrue(Double.isFinite(metrics.loss()));
    }
    assertArrayEquals(gradients[0], gradients[1]);
    assertFalse(gradients[0][V] == 0);
  }

  /** Compiled only: it needs a device. */
  static Metrics onDevice(
      Backend device,
      long stream,
      Logits logits,
      TokenBatch batch,
      PolicyStep.Output out,
      TensorView deviceMetrics,
      TensorView hostMetrics,
      TensorView workspace,
      Runnable copyAndSynchronize) {
    Objective objective = Objective.sft();
    Normalizers normalizers = Normalizers.NONE;
    // tag::cuda[]
    Backend cuda = device.onStream(stream); // a cudaStream_t of that device
    Metrics metrics = Metrics.at(deviceMetrics); // UINT8 [Metrics.BYTES] on the device
    PolicyStep.compute(cuda, logits, batch, objective, normalizers, out, metrics, workspace);
    // The call has been enqueued. Nothing it was given may be freed yet.
    copyAndSynchronize.run(); // deviceMetrics to hostMetrics, on the same stream
    metrics.read(hostMetrics);
    // end::cuda[]
    return metrics;
  }
}
