package org.plait.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.plait.DType;
import org.plait.Metrics;
import org.plait.PlaitException;
import org.plait.TensorView;

/**
 * The classes of this package on a runtime of two devices that is faked on the host, {@code
 * fake_cudart.c}, in a JVM of its own. It shows that calls reach the runtime with the right
 * addresses, sizes, streams and devices, and that everything is given back; not what a device does.
 */
class FakeRuntimeTest {
  @TempDir private Path directory;

  static boolean hasCompiler() {
    return Files.isExecutable(Path.of("/usr/bin/cc")) && Loader.getPlatform().startsWith("linux");
  }

  @Test
  @EnabledIf("hasCompiler")
  void everythingWorksOnARuntimeThatChecksItsCallers() throws Exception {
    Path source = directory.resolve("fake_cudart.c");
    try (InputStream in = FakeRuntimeTest.class.getResourceAsStream("/fake_cudart.c")) {
      Files.copy(Objects.requireNonNull(in), source);
    }
    Path versions = directory.resolve("versions");
    Files.writeString(versions, "libcudart.so.13 { global: *; };");
    compile("-o", "libcudart.so.13", "-Wl,-soname,libcudart.so.13", source.toString());
    Path empty = directory.resolve("empty.c");
    Files.writeString(empty, "");
    compile("-o", "libcuda.so.1", "-Wl,-soname,libcuda.so.1", empty.toString());

    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder =
        new ProcessBuilder(java, "-cp", classPath, FakeRuntimeTest.class.getName());
    Map<String, String> environment = Objects.requireNonNull(builder.environment());
    environment.put("LD_LIBRARY_PATH", directory.toString());
    // Before the libcudart that the presets find where a toolkit is installed.
    environment.put("LD_PRELOAD", directory.resolve("libcudart.so.13").toString());
    String output = run(builder);
    assertTrue(output.contains("passed"), output);
    assertTrue(output.contains("left: 0, current device: 0"), output);
  }

  private void compile(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of("/usr/bin/cc", "-shared", "-fPIC", "-O1", "-Wl,--version-script=versions"));
    command.addAll(Arrays.asList(arguments));
    run(new ProcessBuilder(command));
  }

  private String run(ProcessBuilder builder) throws IOException, InterruptedException {
    Path file = directory.resolve("output.txt");
    Process process =
        builder
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(file.toFile())
            .start();
    boolean ended = process.waitFor(2, TimeUnit.MINUTES);
    process.destroyForcibly();
    String output = Files.readString(file);
    assertTrue(ended, output);
    assertEquals(0, process.exitValue(), output);
    return output;
  }

  /** What the other JVM runs. */
  public static void main(String[] arguments) {
    assertNull(CudaRuntime.unavailableReason());
    assertEquals(2, CudaRuntime.deviceCount());
    assertEquals("13.1", CudaRuntime.driverVersion());
    unknownDevices();
    for (int device = 0; device < 2; device++) {
      copies(device);
      pinned(device);
      events(device);
    }
    outOfMemory();
    streamsOfOtherDevices();
    System.out.println("passed");
  }

  private static void unknownDevices() {
    refused("device", () -> DeviceMemory.allocate(2, 8));
    refused("device", () -> CudaStream.create(2));
    refused("device", () -> CudaStream.ofDefault(2));
    refused("device", () -> CudaEvent.create(2));
  }

  private static void copies(int device) {
    DeviceMemory memory = DeviceMemory.allocate(device, 64);
    assertEquals(64, memory.bytes());
    assertEquals(device, memory.device());
    TensorView all = memory.view(DType.FLOAT32, 4, 4);
    assertEquals(device, all.device());
    assertEquals(memory.address(), all.address());
    assertEquals(memory.address() + 16, memory.viewAt(16, DType.INT64, 6).address());
    refused("shape", () -> memory.view(DType.FLOAT32, 17));
    refused("shape", () -> memory.viewAt(8, DType.INT64, 8));
    refused("offset", () -> memory.viewAt(-8, DType.INT64, 1));
    refused("offset", () -> memory.viewAt(72, DType.INT64, 0));
    assertThrows(IllegalArgumentException.class, () -> memory.viewAt(2, DType.INT64, 1));

    TensorView host = TensorView.copyOf(1f, 2, 3, 4, 5, 6, 7, 8);
    TensorView back = TensorView.allocate(DType.FLOAT32, 8);
    for (CudaStream stream : List.of(CudaStream.create(device), CudaStream.ofDefault(device))) {
      stream.zero(memory.view(DType.FLOAT32, 16));
      stream.copy(host, memory.viewAt(16, DType.FLOAT32, 2, 4));
      stream.copy(memory.view(DType.FLOAT32, 8), back);
      stream.synchronize();
      assertArrayEquals(new float[] {0, 0, 0, 0, 1, 2, 3, 4}, back.toFloats());
      stream.copy(TensorView.allocate(DType.FLOAT32, 0), memory.view(DType.FLOAT32, 0));
      refused("to", () -> stream.copy(host, memory.view(DType.FLOAT32, 4)));
      refused("to", () -> stream.copy(host, memory.view(DType.INT32, 8)));
      refused("from", () -> stream.copy(strided(memory), back));
      refused("view", () -> stream.zero(host));
      stream.close();
      stream.close();
      assertThrows(IllegalStateException.class, stream::handle);
      assertThrows(IllegalStateException.class, stream::synchronize);
      assertThrows(IllegalStateException.class, () -> stream.copy(host, back));
    }
    memory.close();
    memory.close();
    assertThrows(IllegalStateException.class, memory::address);
    assertThrows(IllegalStateException.class, all::address);
    assertThrows(IllegalStateException.class, () -> memory.view(DType.FLOAT32, 1));
    try (CudaStream stream = CudaStream.create(device)) {
      assertNotEquals(0, stream.handle());
      assertThrows(IllegalStateException.class, () -> stream.zero(all));
    }
    DeviceMemory.allocate(device, 0).close();
  }

  private static TensorView strided(DeviceMemory memory) {
    long[] shape = {2, 4};
    return TensorView.ofAddress(memory.address(), DType.FLOAT32, shape, 5, 0, memory);
  }

  private static void pinned(int device) {
    PinnedMemory memory = PinnedMemory.allocate(Metrics.BYTES);
    TensorView host = memory.view(DType.UINT8, Metrics.BYTES);
    TensorView there = memory.viewFor(device, DType.UINT8, Metrics.BYTES);
    assertEquals(-1, host.device());
    assertEquals(device, there.device());
    assertEquals(host.address(), there.address());
    for (long i = 0; i < host.elements(); i++) {
      host.setLong(i, 0);
    }
    Metrics metrics = Metrics.at(there);
    metrics.read(host);
    refused("shape", () -> memory.view(DType.UINT8, Metrics.BYTES + 1));
    refused("device", () -> memory.viewFor(2, DType.UINT8, 1));
    memory.close();
    memory.close();
    assertThrows(IllegalStateException.class, host::address);
    assertThrows(IllegalStateException.class, there::address);
  }

  private static void events(int device) {
    CudaStream stream = CudaStream.create(device);
    CudaEvent start = CudaEvent.create(device);
    CudaEvent end = CudaEvent.create(device);
    start.record(stream);
    end.record(stream);
    assertEquals(0.5f, end.millisSince(start));
    end.synchronize();
    CudaEvent other = CudaEvent.create(1 - device);
    refused("stream", () -> other.record(stream));
    refused("start", () -> end.millisSince(other));
    CudaEvent never = CudaEvent.create(device);
    PlaitException e = assertThrows(PlaitException.class, () -> never.millisSince(start));
    assertEquals(PlaitException.Code.INTERNAL, e.code());
    assertEquals(
        "cudaEventElapsedTime: cudaErrorInvalidResourceHandle (invalid resource handle)",
        e.getMessage());
    for (CudaEvent event : List.of(start, end, other, never, start)) {
      event.close();
    }
    assertThrows(IllegalStateException.class, () -> start.record(stream));
    assertThrows(IllegalStateException.class, () -> end.millisSince(start));
    stream.close();
  }

  private static void outOfMemory() {
    long bytes = 1L << 40;
    PlaitException e =
        assertThrows(PlaitException.class, () -> DeviceMemory.allocate(1, bytes).close());
    assertEquals(PlaitException.Code.OUT_OF_MEMORY, e.code());
    String message = Objects.requireNonNull(e.getMessage());
    assertTrue(message.contains(Long.toString(bytes)) && message.contains("cuda:1"), message);
    e = assertThrows(PlaitException.class, () -> PinnedMemory.allocate(bytes).close());
    assertEquals(PlaitException.Code.OUT_OF_MEMORY, e.code());
  }

  private static void streamsOfOtherDevices() {
    try (DeviceMemory memory = DeviceMemory.allocate(0, 8);
        CudaStream stream = CudaStream.create(1)) {
      refused("view", () -> stream.zero(memory.view(DType.UINT8, 8)));
      stream.copy(TensorView.copyOf(7L), memory.view(DType.INT64, 1));
    }
  }

  private static void refused(String argument, Runnable call) {
    String message =
        Objects.requireNonNull(
            assertThrows(IllegalArgumentException.class, call::run).getMessage());
    assertTrue(message.startsWith(argument + ": expected "), message);
  }
}
