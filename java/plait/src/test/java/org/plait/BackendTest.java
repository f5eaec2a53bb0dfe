package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.message;
import static org.plait.Refusals.refused;

import org.junit.jupiter.api.Test;

class BackendTest {
  @Test
  void theCpuIsAvailableAndSaysWhatItIs() {
    Backend cpu = Backend.cpu();
    assertSame(cpu, Backend.cpu());
    assertTrue(cpu.isAvailable(), cpu.unavailableReason());
    assertNull(cpu.unavailableReason());
    assertEquals(-1, cpu.device());
    assertEquals("cpu", cpu.toString());
    assertTrue(cpu.threads() >= 1);
    assertFalse(cpu.target().isBlank());
    assertTrue(Backend.nativeVersion().matches("\\d+\\.\\d+\\.\\d+"), Backend.nativeVersion());
  }

  @Test
  void aDeviceThatCannotBeUsedSaysWhyAndItsCallsSayTheSame() {
    Backend far = Backend.cuda(9999);
    assertFalse(far.isAvailable());
    String reason = far.unavailableReason();
    assertNotNull(reason);
    assertTrue(reason.contains("9999"), reason);
    assertEquals("cuda:9999", far.toString());
    StepFixture step = new StepFixture();
    step.backend = far;
    Runnable unwritten = step.guardOutputs();
    PlaitException e = assertThrows(PlaitException.class, step::run);
    assertEquals(PlaitException.Code.UNAVAILABLE, e.code());
    assertEquals(reason, e.getMessage());
    unwritten.run();
  }

  @Test
  void theBestBackendIsOneThatWorks() {
    assertTrue(Backend.best().isAvailable());
    refused("ordinal", () -> Backend.cuda(-1));
  }

  @Test
  void anUnknownTargetIsRefusedAndTheOldOneKept() {
    String before = Backend.cpu().target();
    String message =
        message(assertThrows(IllegalArgumentException.class, () -> Backend.selectTarget("abacus")));
    assertTrue(message.contains("abacus"), message);
    assertEquals(before, Backend.cpu().target());
    Backend.selectTarget(before);
    assertEquals(before, Backend.cpu().target());
  }
}
