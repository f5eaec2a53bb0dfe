package org.plait.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.plait.Backend;
import org.plait.DType;
import org.plait.Logits;
import org.plait.PlaitException;
import org.plait.RowStats;
import org.plait.TensorView;

/** Every entry point on a machine without a driver: a reason, and a JVM that goes on. */
class WithoutDeviceTest {
  @BeforeAll
  static void thisMachineHasNoDevice() {
    Assumptions.assumeFalse(CudaRuntime.isAvailable(), "this machine has a device");
  }

  @Test
  void theReasonSaysWhatIsNeededAndStaysTheSame() {
    String reason = Objects.requireNonNull(CudaRuntime.unavailableReason());
    assertTrue(reason.startsWith("CUDA cannot be used"), reason);
    assertFalse(reason.contains("\n"), reason);
    assertFalse(reason.contains("null"), reason);
    assertEquals(reason, CudaRuntime.unavailableReason());
    assertFalse(CudaRuntime.isAvailable());
    assertEquals(0, CudaRuntime.deviceCount());
  }

  @TestFactory
  Stream<DynamicTest> everyEntryPointThrowsTheReason() {
    return Stream.of(
        unavailable("driverVersion", CudaRuntime::driverVersion),
        unavailable("DeviceMemory", () -> DeviceMemory.allocate(0, 64)),
        unavailable("DeviceMemory of nothing", () -> DeviceMemory.allocate(0, 0)),
        unavailable("DeviceMemory far away", () -> DeviceMemory.allocate(4711, 64)),
        unavailable("PinnedMemory", () -> PinnedMemory.allocate(64)),
        unavailable("CudaStream", () -> CudaStream.create(0)),
        unavailable("the default CudaStream", () -> CudaStream.ofDefault(0)),
        unavailable("CudaEvent", () -> CudaEvent.create(0)));
  }

  private static DynamicTest unavailable(String name, Runnable call) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          // Twice: a class that failed to initialise fails in another way the second time.
          for (int i = 0; i < 2; i++) {
            PlaitException e = assertThrows(PlaitException.class, call::run);
            assertEquals(PlaitException.Code.UNAVAILABLE, e.code());
            assertEquals(CudaRuntime.unavailableReason(), e.getMessage());
          }
        });
  }

  @Test
  void argumentsThatNoDeviceCouldTakeAreRefusedFirst() {
    refused("device", () -> DeviceMemory.allocate(-1, 64));
    refused("bytes", () -> DeviceMemory.allocate(0, -1));
    refused("bytes", () -> PinnedMemory.allocate(-1));
    refused("device", () -> CudaStream.create(-1));
    refused("device", () -> CudaStream.ofDefault(-2));
    refused("device", () -> CudaEvent.create(-1));
  }

  @Test
  void theCpuWorksBesideIt() {
    assertNotNull(CudaRuntime.unavailableReason());
    TensorView data = TensorView.allocate(DType.FLOAT32, 2, 4);
    RowStats.Output out = RowStats.Output.allocate(2);
    RowStats.compute(Backend.cpu(), Logits.of(data, TensorView.copyOf(0L, 1)), out);
    assertEquals((float) Math.log(4), Objects.requireNonNull(out.entropy()).getFloat(1), 1e-6f);
  }

  private static void refused(String argument, Runnable call) {
    String message =
        Objects.requireNonNull(
            assertThrows(IllegalArgumentException.class, call::run).getMessage());
    assertTrue(message.startsWith(argument + ": expected "), message);
    assertTrue(message.contains(", got "), message);
  }
}
