package org.plait.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.plait.Backend;

class DoctorCudaTest {
  @Test
  void aMachineWithoutADeviceIsToldWhatIsMissing() {
    Assumptions.assumeFalse(Backend.cuda(0).isAvailable());
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    DoctorCuda.examine(json);
    assertFalse(json.path("available").booleanValue());
    assertEquals(Backend.cuda(0).unavailableReason(), json.path("reason").asText());
    assertEquals("none", json.path("ordinals").asText());
    if (json.path("reason").asText().contains("class path")) {
      assertEquals("not found", json.path("plugin").asText());
    }
  }

  @Test
  void theDriverIsAskedWhatItIsAndHas(@TempDir Path directory) throws IOException {
    assertEquals("not found", DoctorCuda.driver(directory));
    assertEquals("none found", DoctorCuda.devices(directory));
    Files.writeString(
        directory.resolve("version"), "NVRM version: NVIDIA 580.65.06  Release Build\nGCC 12\n");
    for (String bus : new String[] {"0000:19:00.0", "0000:3b:00.0"}) {
      Path gpu = Files.createDirectories(directory.resolve("gpus").resolve(bus));
      Files.writeString(gpu.resolve("information"), "Model: \t\t NVIDIA H200\nIRQ:   \t\t 18\n");
    }
    assertTrue(DoctorCuda.driver(directory).startsWith("NVIDIA 580.65.06"));
    assertEquals("NVIDIA H200, NVIDIA H200", DoctorCuda.devices(directory));
  }
}
