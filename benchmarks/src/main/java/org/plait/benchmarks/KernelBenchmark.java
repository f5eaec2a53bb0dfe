package org.plait.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;
import org.plait.Backend;

/**
 * How kernels that take milliseconds are timed: every call on its own, for the median, in a JVM of
 * its own, whose heap is small, fixed and resident, so that resident memory that grows is native.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgs = {
      "-Xms256m",
      "-Xmx256m",
      "-XX:+AlwaysPreTouch",
      "-XX:+UseSerialGC",
      "--enable-native-access=ALL-UNNAMED",
      // JavaCPP's limits count the whole process, which owns more native memory than heap.
      "-Dorg.bytedeco.javacpp.maxBytes=0",
      "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"
    })
public abstract class KernelBenchmark {
  /** Property that names the SIMD target of Plait's kernels in a JVM; the best one without it. */
  static final String TARGET = "plait.benchmarks.target";

  static {
    String target = System.getProperty(TARGET);
    if (target != null) {
      Backend.selectTarget(target);
    }
  }
}
