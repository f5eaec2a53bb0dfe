package org.plait.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.torch.Tensors.gaussian;
import static org.plait.torch.Tensors.tokens;

import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.plait.Backend;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PlaitException;
import org.plait.TokenBatch;

/** Steps on CUDA devices, as far as a machine shows that has none. */
class TorchCudaTest {
  @BeforeEach
  void pytorchHasNoDevice() {
    Assumptions.assumeFalse(torch.cuda_is_available());
  }

  @Test
  void aStepOnADeviceThatCannotBeUsedSaysWhy() {
    Backend cuda = Backend.cuda(0);
    Assumptions.assumeFalse(cuda.isAvailable());
    try (TorchStep step = new TorchStep(cuda, Objective.sft())) {
      assertEquals(0, step.metrics().tokens());
      Tensor logits = gaussian(1, 1, 3, 5);
      PlaitException e =
          assertThrows(
              PlaitException.class,
              () ->
                  step.step(
                      logits, tokens(2, 3, 5), TokenBatch.builder(3).build(), Normalizers.NONE));
      assertEquals(PlaitException.Code.UNAVAILABLE, e.code());
      assertEquals(cuda.unavailableReason(), e.getMessage());
      assertThrows(IllegalStateException.class, step::logProbs);
    }
  }

  @Test
  void whatNeedsADeviceOfPytorchSaysWhatIsMissing() {
    for (Runnable call :
        new Runnable[] {
          TorchStream::requireCuda, () -> TorchStream.current(0), () -> new StepMemory(0).close()
        }) {
      PlaitException e = assertThrows(PlaitException.class, call::run);
      assertEquals(PlaitException.Code.UNAVAILABLE, e.code());
      String message = Objects.requireNonNull(e.getMessage());
      assertTrue(message.startsWith("PyTorch "), message);
      assertTrue(message.contains("-gpu"), message);
      assertFalse(message.contains("\n"), message);
    }
  }

  @Test
  void theDefaultStreamIsZeroAndTheAddressOfAnotherNeedsThePresetsForCuda() {
    byte cuda = torch.DeviceType.CUDA.value;
    try (Stream byDefault = Stream.unpack3(0, (byte) 1, cuda);
        Stream other = Stream.unpack3(35, (byte) 1, cuda)) {
      assertEquals(0, TorchStream.handle(byDefault, 1));
      for (int i = 0; i < 2; i++) {
        PlaitException e = assertThrows(PlaitException.class, () -> TorchStream.handle(other, 1));
        assertEquals(PlaitException.Code.UNAVAILABLE, e.code());
        String message = Objects.requireNonNull(e.getMessage());
        assertTrue(message.contains("cuda:1") && message.contains("org.bytedeco:cuda"), message);
      }
    }
  }

  @Test
  @SuppressWarnings("try") // the scope must not free what the memory keeps
  void memoryIsKeptWhileItFitsAndSurvivesScopes() {
    StepMemory memory = new StepMemory(-1);
    StepMemory.Vectors five;
    long address;
    try (PointerScope scope = new PointerScope()) {
      five = memory.vectors(5);
      address = memory.workspace(64).address();
    }
    assertSame(five, memory.vectors(5));
    assertSame(five, memory.last());
    assertEquals(5, five.logProbs.numel());
    assertEquals(-1, five.entropyView.device());
    assertEquals(address, memory.workspace(48).address());
    assertTrue(memory.workspace(128).size(0) >= 128);
    assertEquals(0, memory.workspace(128).address() % 8);
    assertNotSame(five, memory.vectors(6));
    assertTrue(five.logProbs.isNull());
    StepMemory.Vectors six = memory.vectors(6);
    memory.readMetrics();
    assertEquals(0, memory.metrics().tokens());
    memory.close();
    memory.close();
    assertTrue(six.entropy.isNull());
    assertEquals(
        ScalarType.Byte.value, StepMemory.allocate(ScalarType.Byte, 3, -1).scalar_type().value);
  }
}
