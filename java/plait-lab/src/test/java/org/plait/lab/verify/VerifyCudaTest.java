package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.plait.Backend;
import org.plait.cuda.CudaRuntime;
import org.plait.lab.Main;
import picocli.CommandLine;

/** {@code plait verify --backend cuda:N}, without a device and with an emulated one. */
class VerifyCudaTest {
  private static final String PLUGIN = "plait.test.simt.plugin";

  @Test
  void aDeviceThatCannotBeUsedIsAnErrorOfTheUserWithTheReason() {
    Assumptions.assumeFalse(Backend.cuda(77).isAvailable());
    StringWriter err = new StringWriter();
    int code =
        new CommandLine(new VerifyCommand())
            .setOut(new PrintWriter(new StringWriter()))
            .setErr(new PrintWriter(err))
            .execute("--quick", "--backend", "cuda:77");
    assertEquals(2, code);
    String reason = Objects.requireNonNull(Backend.cuda(77).unavailableReason());
    assertTrue(err.toString().contains("the cuda:77 backend cannot be used here"), err::toString);
    assertTrue(err.toString().contains(reason), err::toString);
    assertEquals(1, err.toString().lines().count(), err::toString);
  }

  @Test
  void memoryOfADeviceThatCannotBeHadSaysWhy() {
    Assumptions.assumeFalse(CudaRuntime.isAvailable());
    Assumptions.assumeTrue(System.getenv(Memory.ANY_POINTER) == null);
    String message =
        Objects.requireNonNull(
            assertThrows(IllegalArgumentException.class, () -> Memory.of(Backend.cuda(0)))
                .getMessage());
    assertTrue(message.startsWith("memory of cuda:0 cannot be had: "), message);
    String reason = Objects.requireNonNull(CudaRuntime.unavailableReason());
    assertTrue(message.contains(reason), message);
  }

  @Test
  void valuesAreRefusedOnTheCpuAlone() {
    Plan cpu = new Plan(Backend.cpu(), true, List.of());
    assertTrue(cpu.refusesValues());
    Plan cuda = new Plan(Kernels.of(Backend.cuda(0), new HostMemory(0)), true, List.of());
    assertFalse(cuda.refusesValues());
    assertEquals(
        Suite.GROUPS.steps(cpu).size() - 1, Suite.GROUPS.steps(cuda).size(), "without the refusal");
  }

  @Test
  @EnabledIfSystemProperty(named = PLUGIN, matches = ".+")
  void theSweepPassesOnAnEmulatedDevice(@TempDir Path directory) throws Exception {
    Path output = directory.resolve("output.txt");
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.plait.cuda.plugin=" + System.getProperty(PLUGIN),
                "-cp",
                classPath,
                Main.class.getName(),
                "verify",
                "--quick",
                "--backend",
                "cuda:0")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    Map<String, String> environment = Objects.requireNonNull(builder.environment());
    environment.put(Memory.ANY_POINTER, "1");
    Process process = builder.start();
    boolean ended = process.waitFor(40, TimeUnit.MINUTES);
    process.destroyForcibly();
    String text = Files.readString(output);
    assertTrue(ended, text);
    assertEquals(0, process.exitValue(), text);
    assertTrue(text.contains(", cuda:0: "), text);
  }
}
