package org.plait.lab;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.javacpp.Loader;
import org.plait.Backend;
import org.plait.Bandwidth;
import org.plait.DType;
import org.plait.TensorView;
import org.plait.lab.model.TorchRuntime;

/** What this machine has and what Plait makes of it. */
final class Doctor {

  /** Far more than any cache holds. */
  private static final long BANDWIDTH_BYTES = 256L << 20;

  private static final int BANDWIDTH_REPEATS = 5;

  /** CPU features that decide how fast the kernels are, by their names in /proc/cpuinfo. */
  private static final Set<String> FEATURES =
      new TreeSet<>(
          Set.of(
              "sse4_1",
              "sse4_2",
              "avx",
              "avx2",
              "fma",
              "f16c",
              "avx512f",
              "avx512bw",
              "avx512dq",
              "avx512vl",
              "avx512_bf16",
              "avx512_fp16",
              "amx_bf16",
              "asimd",
              "asimdhp",
              "bf16",
              "sve",
              "sve2"));

  private Doctor() {}

  /** A report; bandwidth takes a second to measure. */
  static ObjectNode examine() {
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    Backend cpu = Backend.cpu();
    cpu(report.putObject("cpu"), cpu);
    if (cpu.isAvailable()) {
      bandwidth(report.putObject("bandwidth"));
    }
    DoctorCuda.examine(report.putObject("cuda"));
    versions(report.putObject("versions"));
    return report;
  }

  private static void cpu(ObjectNode json, Backend backend) {
    json.put("model", cpuInfo("model name"));
    json.put("processors", Runtime.getRuntime().availableProcessors());
    List<String> flags = Arrays.asList(cpuInfo("flags").split("\\s+"));
    json.put("features", String.join(" ", FEATURES.stream().filter(flags::contains).toList()));
    backend(json, backend);
    if (backend.isAvailable()) {
      json.put("target", backend.target());
      json.put("threads", backend.threads());
    }
  }

  static void backend(ObjectNode json, Backend backend) {
    json.put("available", backend.isAvailable());
    String reason = backend.unavailableReason();
    if (reason != null) {
      json.put("reason", reason);
    }
  }

  private static void bandwidth(ObjectNode json) {
    TensorView data = TensorView.allocate(DType.FLOAT32, BANDWIDTH_BYTES / Float.BYTES);
    json.put("read_gb_per_s", gigabytesPerSecond(BANDWIDTH_BYTES, () -> Bandwidth.read(data)));
    json.put(
        "scale_gb_per_s",
        gigabytesPerSecond(2 * BANDWIDTH_BYTES, () -> Bandwidth.scale(data, 1.5f)));
  }

  private static double gigabytesPerSecond(long bytes, Runnable pass) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < BANDWIDTH_REPEATS; i++) {
      long start = System.nanoTime();
      pass.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return Math.round(10.0 * bytes / best) / 10.0;
  }

  private static void versions(ObjectNode json) {
    json.put("plait", Backend.cpu().isAvailable() ? Backend.nativeVersion() : "unknown");
    json.put("javacpp", javacppVersion());
    json.put("pytorch", TorchRuntime.version());
    json.put("jdk", System.getProperty("java.vm.name") + " " + Runtime.version());
    json.put(
        "os",
        String.join(
            " ",
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch")));
  }

  private static String javacppVersion() {
    try {
      return Loader.getVersion();
    } catch (IOException e) {
      return "unknown";
    }
  }

  /** The first value of a field of /proc/cpuinfo, or "unknown". */
  private static String cpuInfo(String field) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        if (line.startsWith(field)) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
    } catch (IOException e) {
      // not Linux
    }
    return "unknown";
  }
}
