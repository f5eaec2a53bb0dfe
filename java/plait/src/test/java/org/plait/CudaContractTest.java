package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.message;
import static org.plait.Refusals.refused;

import java.util.Objects;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** What of the contract of CUDA devices holds on a machine without one. */
class CudaContractTest {
  @Test
  void aStreamIsPartOfTheBackendAndTheCpuHasNone() {
    Backend cpu = Backend.cpu();
    assertEquals(0, cpu.stream());
    assertSame(cpu, cpu.onStream(0));
    refused("cudaStream", () -> cpu.onStream(0x1234));

    Backend cuda = Backend.cuda(3);
    Backend streamed = cuda.onStream(0x1234);
    assertEquals(0, cuda.stream());
    assertEquals(0x1234, streamed.stream());
    assertNotSame(cuda, streamed);
    assertEquals(cuda.device(), streamed.device());
    assertEquals(cuda.unavailableReason(), streamed.unavailableReason());
    assertEquals(cuda.toString(), streamed.toString());
    assertEquals(0, streamed.onStream(0).stream());
  }

  @Test
  void everyCallRefusesAViewOnAnotherDevice() {
    StepFixture step = new StepFixture();
    step.data = elsewhere(step.data);
    step.targets = elsewhere(step.targets);
    refused("logits", step::run);

    step = new StepFixture();
    step.workspace = elsewhere(step.workspace);
    Runnable unwritten = step.guardOutputs();
    refused("workspace", step::run);
    unwritten.run();

    step = new StepFixture();
    step.offsets = elsewhere(step.offsets);
    String mixed = message(assertThrows(IllegalArgumentException.class, step::run));
    assertTrue(mixed.contains("cuda:0") && mixed.contains("cpu"), mixed);
  }

  @Test
  void metricsAreWrittenWhereTheCallRuns() {
    TensorView memory = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    StepFixture onDevice = new StepFixture();
    onDevice.metrics = Metrics.at(elsewhere(memory));
    Runnable unwritten = onDevice.guardOutputs();
    refused("metrics", onDevice::run);
    unwritten.run();

    StepFixture step = new StepFixture();
    step.run();
    StepFixture apart = new StepFixture();
    apart.metrics = Metrics.at(memory);
    apart.run();
    assertEquals(0, apart.metrics.tokens(), "nothing has been read yet");
    apart.metrics.read(memory);
    assertEquals(4, apart.metrics.tokens());
    assertEquals(step.metrics.toMap(), apart.metrics.toMap());
    apart.metrics.reset();
    assertEquals(new Metrics().toMap(), apart.metrics.toMap());
  }

  @Test
  void memoryOfMetricsIsChecked() {
    TensorView memory = TensorView.allocate(DType.UINT8, Metrics.BYTES + 8);
    refused("memory", () -> Metrics.at(memory));
    refused("memory", () -> Metrics.at(Refusals.missing()));
    refused("memory", () -> Metrics.at(memory.rows(1, Metrics.BYTES + 1L)));
    refused("memory", () -> Metrics.at(TensorView.allocate(DType.INT64, Metrics.BYTES / 8)));
    Metrics metrics = Metrics.at(memory.rows(8, Metrics.BYTES + 8L));
    refused("copy", () -> metrics.read(memory));
    refused("copy", () -> metrics.read(elsewhere(memory.rows(0, Metrics.BYTES))));
  }

  @Test
  void badTargetsAreCountedIntoAViewOrReturned() {
    TensorView data = StepFixture.gaussian(1, 3, 5);
    Logits logits = Logits.of(data, TensorView.copyOf(5L, 1, -1));
    RowStats.Output out = RowStats.Output.allocate(3);
    TensorView count = TensorView.copyOf(77L);
    RowStats.compute(Backend.cpu(), logits, out, count);
    assertEquals(2, count.getLong(0));
    assertEquals(2, RowStats.compute(Backend.cpu(), logits, out));
    RowStats.compute(Backend.cpu(), logits, out, null);

    TensorView c = TensorView.copyOf(1f, 1, 1);
    TensorView state = Objects.requireNonNull(out.state());
    TensorView gradient = TensorView.allocate(DType.FLOAT32, 3, 5);
    count.setLong(0, 77);
    LogitsGrad.compute(Backend.cpu(), logits, state, c, null, gradient, count);
    assertEquals(2, count.getLong(0));
    assertEquals(2, LogitsGrad.compute(Backend.cpu(), logits, state, c, null, gradient));

    refused("badTargets", () -> RowStats.compute(Backend.cpu(), logits, out, elsewhere(count)));
    refused(
        "badTargets",
        () ->
            LogitsGrad.compute(
                Backend.cpu(), logits, state, c, null, gradient, TensorView.copyOf(1L, 2)));
  }

  @Test
  void aPointerOfAClosedOwnerIsNotGivenToADevice() {
    TensorView memory = TensorView.allocate(DType.UINT8, Metrics.BYTES);
    StepFixture step = new StepFixture();
    step.metrics = Metrics.at(memory);
    ((Pointer) memory.owner()).close();
    Runnable unwritten = step.guardOutputs();
    assertThrows(IllegalStateException.class, step::run);
    unwritten.run();
  }

  /** The same memory, said to be on a device. */
  private static TensorView elsewhere(TensorView view) {
    long[] shape =
        view.rank() == 1 ? new long[] {view.size(0)} : new long[] {view.size(0), view.size(1)};
    return TensorView.ofAddress(
        view.address(), view.dtype(), shape, view.rowStride(), 0, view.owner());
  }
}
