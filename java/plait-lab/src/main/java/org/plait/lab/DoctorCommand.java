package org.plait.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code plait doctor}: exit code 1 if kernels cannot run on the CPU. */
@Command(
    name = "doctor",
    description = "Show what this machine has and which backends can be used, or why not.")
final class DoctorCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Override
  public Integer call() {
    if (spec == null) {
      throw new IllegalStateException("picocli injects the command specification");
    }
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode report = Doctor.examine();
    if (json) {
      out.println(report.toPrettyString());
    } else {
      print(report, out);
    }
    out.flush();
    return report.path("cpu").path("available").booleanValue() ? 0 : 1;
  }

  private static void print(ObjectNode report, PrintWriter out) {
    JsonNode cpu = report.path("cpu");
    line(
        out,
        "CPU",
        "%s, %d processors".formatted(text(cpu, "model"), cpu.path("processors").asInt()));
    line(out, "Features", text(cpu, "features"));
    line(
        out,
        "CPU backend",
        cpu.path("available").booleanValue()
            ? "%s kernels on %d threads".formatted(text(cpu, "target"), cpu.path("threads").asInt())
            : "unavailable: " + text(cpu, "reason"));
    JsonNode bandwidth = report.path("bandwidth");
    if (!bandwidth.isMissingNode()) {
      line(
          out,
          "Bandwidth",
          "%s GB/s reading, %s GB/s scaling in place"
              .formatted(text(bandwidth, "read_gb_per_s"), text(bandwidth, "scale_gb_per_s")));
    }
    JsonNode cuda = report.path("cuda");
    line(
        out,
        "CUDA backend",
        cuda.path("available").booleanValue()
            ? "available on " + text(cuda, "ordinals")
            : "unavailable: " + text(cuda, "reason"));
    line(out, "CUDA plugin", text(cuda, "plugin"));
    line(out, "CUDA driver", text(cuda, "driver"));
    line(out, "CUDA devices", text(cuda, "devices"));
    line(out, "CUDA from Java", text(cuda, "memory"));
    JsonNode versions = report.path("versions");
    line(out, "Plait", text(versions, "plait"));
    line(out, "JavaCPP", text(versions, "javacpp"));
    line(out, "PyTorch presets", text(versions, "pytorch"));
    line(out, "JDK", text(versions, "jdk"));
    line(out, "System", text(versions, "os"));
  }

  private static String text(JsonNode node, String field) {
    return node.path(field).asText();
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-16s %s%n", name, value);
  }
}
