package org.plait.torture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory of the process outside of the Java heap, once the garbage collector has been through.
 *
 * @param pointers JavaCPP pointers that own memory
 * @param pointerBytes what they own
 * @param buffers direct buffers
 * @param bufferBytes what they hold
 * @param residentKilobytes of the process, the Java heap too
 * @param heapKilobytes that the Java heap may have
 */
record NativeMemory(
    long pointers,
    long pointerBytes,
    long buffers,
    long bufferBytes,
    long residentKilobytes,
    long heapKilobytes) {

  /** Collects until two looks in a row find the same, and looks. */
  static NativeMemory settled() {
    NativeMemory last = now();
    for (int look = 0; look < 40; look++) {
      System.gc();
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return last;
      }
      NativeMemory next = now();
      boolean same = next.pointers == last.pointers && next.buffers == last.buffers;
      last = next;
      if (same && look > 2) {
        break;
      }
    }
    return last;
  }

  private static NativeMemory now() {
    return new NativeMemory(
        Pointer.totalCount(),
        Pointer.totalBytes(),
        ofDirectBuffers("getCount"),
        ofDirectBuffers("getMemoryUsed"),
        resident(),
        Runtime.getRuntime().totalMemory() >> 10);
  }

  /** By reflection, since the module does not read {@code java.management}. */
  private static long ofDirectBuffers(String getter) {
    try {
      Class<?> type = Class.forName("java.lang.management.BufferPoolMXBean");
      Object pools =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getPlatformMXBeans", Class.class)
              .invoke(null, type);
      for (Object pool : (Iterable<?>) Objects.requireNonNull(pools)) {
        if ("direct".equals(type.getMethod("getName").invoke(pool))) {
          return (long) Objects.requireNonNull(type.getMethod(getter).invoke(pool));
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
    throw new IllegalStateException("the JVM does not count its direct buffers");
  }

  private static long resident() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
