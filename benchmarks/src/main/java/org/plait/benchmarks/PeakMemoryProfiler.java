package org.plait.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * By how much the resident memory of the process rises above what it was before an iteration, at
 * its highest: what calls allocate, counting a gradient that a call returns. On Linux.
 */
public final class PeakMemoryProfiler implements InternalProfiler {
  /** The name of the result, in bytes. */
  static final String LABEL = "memory.peak";

  private static final Path STATUS = Path.of("/proc/self/status");

  private long before;

  /** Starts the kernel's high-water mark over. */
  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    // Freed blocks that the C library still holds would hide allocations of their size.
    Pointer.trimMemory();
    try {
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the peak of resident memory over", e);
    }
    before = statusBytes("VmRSS");
  }

  /** Reads it. */
  @Override
  public Collection<? extends Result<?>> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    double peak = Math.max(0, statusBytes("VmHWM") - before);
    return List.of(new ScalarResult(LABEL, peak, "B", AggregationPolicy.AVG));
  }

  @Override
  public String getDescription() {
    return "Peak of resident memory over that before the iteration";
  }

  private static long statusBytes(String key) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(key + ":")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException(STATUS + ": expected a line " + key);
  }
}
