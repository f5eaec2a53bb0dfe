package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.message;
import static org.plait.Refusals.missing;
import static org.plait.StepFixture.T;
import static org.plait.StepFixture.V;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One bad argument at a time: the message names it, and no output has been written. */
class PolicyStepBadInputTest {
  @Test
  void theFixtureItselfWorksAndWritesEveryOutput() {
    StepFixture step = new StepFixture();
    Runnable unwritten = step.guardOutputs();
    step.run();
    assertThrows(AssertionError.class, unwritten::run);
    for (TensorView out :
        new TensorView[] {step.dLogits, step.logProbs, step.entropy, step.tokenLoss}) {
      float largest = 0;
      for (float value : out.toFloats()) {
        assertTrue(Float.isFinite(value));
        largest = Math.max(largest, Math.abs(value));
      }
      assertTrue(largest > 0.01f && largest < 100, "largest " + largest);
    }
    assertNotEquals(0, step.metrics.loss());
    assertEquals(4, step.metrics.tokens());
  }

  static Stream<Arguments> badArguments() {
    return Stream.of(
        bad("logits of integers", "logits", s -> s.data = TensorView.allocate(DType.INT64, T, V)),
        bad("logits of one dimension", "logits", s -> s.data = vector(T)),
        bad("no vocabulary", "logits", s -> s.data = matrix(T, 0)),
        bad("no logits", "logits", s -> s.data = missing()),
        bad("no logits object", "logits", s -> s.logits = () -> missing()),
        bad("logits on a device", "logits", s -> onDevice(s)),
        bad("targets of floats", "targets", s -> s.targets = vector(T)),
        bad("targets in two dimensions", "targets", s -> s.targets = longs(T, 1)),
        bad("too few targets", "targets", s -> s.targets = longs(T - 1)),
        bad("no targets", "targets", s -> s.targets = missing()),
        bad("targets on another device", "targets", s -> s.targets = cuda(DType.INT64, T)),
        bad("temperature 0", "temperature", s -> s.temperature = 0),
        bad("temperature NaN", "temperature", s -> s.temperature = Float.NaN),
        bad("temperature infinite", "temperature", s -> s.temperature = Float.POSITIVE_INFINITY),
        bad("temperature negative", "temperature", s -> s.temperature = -1),
        bad("too many temperatures", "temperatures", s -> temperatures(s, vector(T + 1))),
        bad("temperatures of integers", "temperatures", s -> temperatures(s, longs(T))),
        bad("a temperature of 0", "temperatures[1]", s -> temperatures(s, 1, 0, 1, 1, 1)),
        bad("a NaN temperature", "temperatures[4]", s -> temperatures(s, 1, 1, 1, 1, Float.NaN)),
        bad("a negative temperature", "temperatures[0]", s -> temperatures(s, -1, 1, 1, 1, 1)),
        bad("row index of floats", "rowIndex", s -> rowIndex(s, vector(T))),
        bad("row index too long", "rowIndex", s -> rowIndex(s, longs(T + 1))),
        bad("rows not increasing", "logits.row_index[2]", s -> rowIndex(s, 0, 1, 1, 3, 4)),
        bad("a row beyond the last", "logits.row_index[4]", s -> rowIndex(s, 0, 1, 2, 3, 5)),
        bad("a negative row", "logits.row_index[0]", s -> rowIndex(s, -1, 1, 2, 3, 4)),
        bad("a shard of the vocabulary", "logits.vocab_total", s -> shard(s, 0, V + 1)),
        bad("a shard beyond the vocabulary", "vocabBegin", s -> shard(s, 2, V + 1)),
        bad(
            "another number of tokens",
            "batch",
            s -> s.batch = () -> TokenBatch.builder(4).build()),
        bad("no batch", "batch", s -> s.batch = () -> missing()),
        bad("offsets of floats", "offsets", s -> s.offsets = vector(4)),
        bad("no offset at all", "offsets", s -> s.offsets = longs(0)),
        bad("offsets not from 0", "offsets[0]", s -> s.offsets = TensorView.copyOf(1L, 3, 5)),
        bad("offsets decreasing", "offsets[2]", s -> s.offsets = TensorView.copyOf(0L, 3, 2, 5)),
        bad("offsets not to T", "offsets[2]", s -> s.offsets = TensorView.copyOf(0L, 3, 4)),
        bad("roles of the wrong type", "roles", s -> s.roles = longs(T)),
        bad("too few roles", "roles", s -> s.roles = TensorView.allocate(DType.UINT8, T - 1)),
        bad("an unknown role", "roles[2]", s -> s.roles.setLong(2, 4)),
        bad("too few advantages", "advantages", s -> s.advantages = vector(T - 1)),
        bad(
            "advantages in bfloat16",
            "advantages",
            s -> s.advantages = TensorView.allocate(DType.BFLOAT16, T)),
        bad("advantages on a device", "advantages", s -> s.advantages = cuda(DType.FLOAT32, T)),
        bad("no advantages", "batch.advantages", s -> withoutAdvantages(s)),
        bad("advantages of other sequences", "sequenceAdvantages", s -> sequenceAdvantages(s, 2)),
        bad("too few old log-probs", "oldLogProbs", s -> s.oldLogProbs = vector(T - 1)),
        bad(
            "too few reference log-probs",
            "referenceLogProbs",
            s -> s.referenceLogProbs = vector(1)),
        bad("no reference log-probs", "batch.ref_logp", s -> withoutReference(s)),
        bad("too few sampler log-probs", "samplerLogProbs", s -> s.samplerLogProbs = vector(T + 1)),
        bad("no sampler log-probs", "batch.sampler_logp", s -> correctedWithout(s, true)),
        bad("no old log-probs to correct", "batch.old_logp", s -> correctedWithout(s, false)),
        bad("log-probs over the sampler's", "logp", s -> s.logProbs = s.samplerLogProbs),
        bad("no objective", "objective", s -> s.objective = missing()),
        bad("no normalizers", "normalizers", s -> s.normalizers = missing()),
        bad("no constant length", "normalizers.length", s -> constantLength(s)),
        bad(
            "gradient of another type",
            "dLogits",
            s -> s.dLogits = TensorView.allocate(DType.FLOAT16, T, V)),
        bad("gradient of another shape", "dLogits", s -> s.dLogits = matrix(T, V + 1)),
        bad("gradient of one dimension", "dLogits", s -> s.dLogits = vector(T * V)),
        bad("no gradient", "dLogits", s -> s.dLogits = missing()),
        bad("read-only gradient", "dLogits", s -> s.dLogits = readOnly(T, V)),
        bad("gradient over part of the logits", "dlogits", s -> shifted(s)),
        bad("gradient in place with other rows", "dlogits_stride", s -> otherStride(s)),
        bad("too few log-probs", "logProbs", s -> s.logProbs = vector(T - 1)),
        bad("no log-probs", "logProbs", s -> s.logProbs = missing()),
        bad("log-probs over the old ones", "logp", s -> s.logProbs = s.oldLogProbs),
        bad("entropy of another type", "entropy", s -> s.entropy = longs(T)),
        bad("no entropy", "entropy", s -> s.entropy = missing()),
        bad("entropy over the log-probs", "logp", s -> s.entropy = s.logProbs),
        bad("token loss too short", "tokenLoss", s -> s.tokenLoss = vector(T - 1)),
        bad("token loss over the gradient", "dlogits", s -> s.tokenLoss = firstFloats(s.dLogits)),
        bad("workspace too small", "workspace_bytes", s -> s.workspace = bytes(8)),
        bad("workspace of floats", "workspace", s -> s.workspace = vector(4096)),
        bad("unaligned workspace", "workspace", s -> s.workspace = bytes(8192).rows(4, 8192)),
        bad("no workspace", "workspace", s -> s.workspace = missing()),
        bad("no backend", "backend", s -> s.backend = missing()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badArguments")
  void isRefusedByNameWithNothingWritten(
      String description, String argument, Consumer<StepFixture> change) {
    StepFixture step = new StepFixture();
    double loss = step.metrics.loss();
    change.accept(step);
    Runnable unwritten = step.guardOutputs();
    String message = message(assertThrows(IllegalArgumentException.class, step::run, description));
    assertTrue(message.startsWith(argument + ": expected "), message);
    assertTrue(message.contains(" got "), message);
    unwritten.run();
    assertEquals(loss, step.metrics.loss());
  }

  @Test
  void messagesSayWhatWasExpectedAndWhatCame() {
    StepFixture step = new StepFixture();
    step.data = TensorView.allocate(DType.INT64, 4);
    assertEquals(
        "logits: expected FLOAT32, BFLOAT16 or FLOAT16 [rows, vocab], got INT64 [4]",
        message(assertThrows(IllegalArgumentException.class, step::run)));
  }

  @Test
  void closedMemoryIsRefusedWithNothingWritten() {
    freed("logits", s -> close(s.data));
    freed("targets", s -> close(s.targets));
    freed("advantages", s -> close(s.advantages));
    freed("referenceLogProbs", s -> close(s.referenceLogProbs));
    freed("workspace", s -> close(s.workspace));
  }

  @Test
  void memoryClosedAfterTheArgumentsWereBuiltIsNoticedToo() {
    freedLater("logits", s -> close(s.data));
    freedLater("targets", s -> close(s.targets));
    freedLater("offsets", s -> close(s.offsets));
    freedLater("roles", s -> close(s.roles));
    freedLater("advantages", s -> close(s.advantages));
    freedLater("oldLogProbs", s -> close(s.oldLogProbs));
    freedLater("referenceLogProbs", s -> close(s.referenceLogProbs));
    TensorView temperatures = StepFixture.filled(T, 1);
    freedLater("temperatures", s -> temperatures(s, temperatures), s -> close(temperatures));
    TensorView rows = TensorView.copyOf(0L, 1, 2, 3, 4);
    freedLater("rowIndex", s -> rowIndex(s, rows), s -> close(rows));
  }

  private static void freedLater(String argument, Consumer<StepFixture> free) {
    freedLater(argument, s -> {}, free);
  }

  private static void freedLater(
      String argument, Consumer<StepFixture> change, Consumer<StepFixture> free) {
    StepFixture step = new StepFixture();
    change.accept(step);
    Logits logits = step.logits.get();
    TokenBatch batch = step.batch.get();
    step.logits = () -> logits;
    step.batch = () -> batch;
    step.run();
    free.accept(step);
    Runnable unwritten = step.guardOutputs();
    closed(argument, step::run);
    unwritten.run();
  }

  private static void freed(String argument, Consumer<StepFixture> change) {
    StepFixture step = new StepFixture();
    Runnable unwritten = step.guardOutputs();
    change.accept(step);
    closed(argument, step::run);
    unwritten.run();
  }

  private static void closed(String argument, Executable run) {
    String message = message(assertThrows(IllegalStateException.class, run));
    assertTrue(message.startsWith(argument + ": expected open memory, got "), message);
  }

  private static void close(TensorView view) {
    ((Pointer) view.owner()).close();
  }

  private static Arguments bad(String description, String argument, Consumer<StepFixture> change) {
    return Arguments.of(description, argument, change);
  }

  private static TensorView vector(long length) {
    return TensorView.allocate(DType.FLOAT32, length);
  }

  private static TensorView matrix(long rows, long columns) {
    return TensorView.allocate(DType.FLOAT32, rows, columns);
  }

  private static TensorView longs(long... shape) {
    return TensorView.allocate(DType.INT64, shape);
  }

  private static TensorView bytes(long length) {
    return TensorView.allocate(DType.UINT8, length);
  }

  /** A view that claims to be on a CUDA device; nothing reads it. */
  private static TensorView cuda(DType dtype, long... shape) {
    return TensorView.ofAddress(4096, dtype, shape, shape[shape.length - 1], 0, "device");
  }

  private static TensorView readOnly(int rows, int columns) {
    ByteBuffer memory = ByteBuffer.allocateDirect(4 * rows * columns);
    ByteBuffer view = memory.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    return TensorView.of(view, DType.FLOAT32, rows, columns);
  }

  private static TensorView firstFloats(TensorView matrix) {
    return TensorView.ofAddress(
        matrix.address(), DType.FLOAT32, new long[] {T}, 1, -1, matrix.owner());
  }

  private static void onDevice(StepFixture s) {
    s.data = cuda(DType.FLOAT32, T, V);
    s.targets = cuda(DType.INT64, T);
  }

  private static void temperatures(StepFixture s, float... values) {
    temperatures(s, TensorView.copyOf(values));
  }

  private static void temperatures(StepFixture s, TensorView values) {
    s.logits = () -> Logits.builder(s.data, s.targets).temperatures(values).build();
  }

  private static void rowIndex(StepFixture s, long... rows) {
    rowIndex(s, TensorView.copyOf(rows));
  }

  private static void rowIndex(StepFixture s, TensorView rows) {
    s.logits = () -> Logits.builder(s.data, s.targets).rowIndex(rows).build();
  }

  private static void shard(StepFixture s, long begin, long total) {
    s.logits = () -> Logits.builder(s.data, s.targets).shard(begin, total).build();
  }

  private static void withoutAdvantages(StepFixture s) {
    s.batch = () -> TokenBatch.builder(T).referenceLogProbs(s.referenceLogProbs).build();
  }

  private static void withoutReference(StepFixture s) {
    s.batch = () -> TokenBatch.builder(T).advantages(s.advantages).build();
  }

  private static void correctedWithout(StepFixture s, boolean sampler) {
    s.objective = s.objective.toBuilder().correction(SamplerCorrection.tis(2)).build();
    TokenBatch.Builder batch =
        TokenBatch.builder(T).advantages(s.advantages).referenceLogProbs(s.referenceLogProbs);
    if (sampler) {
      batch.oldLogProbs(s.oldLogProbs);
    } else {
      batch.samplerLogProbs(s.samplerLogProbs);
    }
    s.batch = batch::build;
  }

  private static void sequenceAdvantages(StepFixture s, long count) {
    s.batch =
        () -> TokenBatch.builder(T).offsets(s.offsets).sequenceAdvantages(vector(count)).build();
  }

  private static void constantLength(StepFixture s) {
    s.objective = s.objective.toBuilder().aggregation(Aggregation.CONSTANT_LENGTH).build();
  }

  private static void shifted(StepFixture s) {
    TensorView memory = matrix(T + 1, V);
    s.data = memory.rows(0, T);
    s.dLogits = memory.rows(1, T + 1);
  }

  private static void otherStride(StepFixture s) {
    TensorView memory = vector(T * (V + 1));
    s.data =
        TensorView.ofAddress(memory.address(), DType.FLOAT32, new long[] {T, V}, V, -1, memory);
    s.dLogits =
        TensorView.ofAddress(memory.address(), DType.FLOAT32, new long[] {T, V}, V + 1, -1, memory);
  }
}
