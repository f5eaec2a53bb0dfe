package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Makes Markdown tables of what {@link Suite} measured. */
public final class Report {
  private static final double MIB = 0x1p20;

  /** In the order of the table. */
  private static final List<String> KERNELS =
      List.of(
          "RowStats",
          "LogitsGrad",
          "PolicyStep",
          "TokenObjective",
          "ImportanceRatio",
          "GroupAdvantage");

  private static final String STEP = "PolicyStep";

  private final JsonNode document;
  private final List<Measurement> measurements = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  private Report(JsonNode document) {
    this.document = document;
    for (JsonNode entry : document.path("jmh")) {
      measurements.add(Measurement.of(entry));
    }
  }

  /**
   * Prints the tables, and writes them beside the JSON.
   *
   * @param args path of the JSON
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 1 || !args[0].endsWith(".json")) {
      throw new IllegalArgumentException("expected RESULTS.json");
    }
    String markdown = of(new ObjectMapper().readTree(Path.of(args[0]).toFile()));
    Files.writeString(Path.of(args[0].replaceFirst("\\.json$", ".md")), markdown);
    System.out.print(markdown);
  }

  static String of(JsonNode document) {
    Report report = new Report(document);
    report.machine();
    report.kernels();
    report.objectives();
    report.bandwidth();
    report.calls();
    return report.text.toString();
  }

  private void machine() {
    JsonNode m = document.path("machine");
    line("# Benchmarks of %s, commit %s", s(m, "date"), s(m, "commit"));
    line("");
    line(
        "%s, %s cores, %s GiB, %s, huge pages: %s, load before the run: %s. %s.",
        s(m, "cpu"),
        s(m, "cores"),
        s(m, "memoryGib"),
        s(m, "kernel"),
        s(m, "hugePages"),
        s(m, "load"),
        s(m, "jdk"));
    line(
        "Plait %s on %s, %s threads; PyTorch %s, %s threads; JavaCPP %s.",
        s(m, "plait"),
        s(m, "simd"),
        s(m, "plaitThreads"),
        s(m, "pytorch"),
        s(m, "pytorchThreads"),
        s(m, "javacpp"));
  }

  private void kernels() {
    line("");
    line("## Kernels");
    line("");
    line(
        "Time: median ± half the 99.9% confidence interval of the mean. Memory: peak beyond inputs"
            + " and outputs, in MiB and in sizes of the logits. Roof: bandwidth of reading for row"
            + " statistics, of scaling in place for the others.");
    line("");
    line(
        "| kernel | shape | dtype | time, ms | GB/s | share of roof | PyTorch eager, ms | ratio |"
            + " heap, B/op | memory | PyTorch's memory |");
    line("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    measurements.stream()
        .filter(plait -> plait.method().equals("plait"))
        .sorted(
            Comparator.comparingInt((Measurement m) -> KERNELS.indexOf(m.benchmark()))
                .thenComparing(Measurement::objective)
                .thenComparing(Measurement::vocab)
                .thenComparing(Measurement::dtype, Comparator.reverseOrder()))
        .forEach(plait -> peer(plait).ifPresent(torch -> kernel(plait, torch)));
  }

  private void kernel(Measurement plait, Measurement torch) {
    boolean onLogits = plait.vocab() > 0;
    boolean gradient = onLogits && !plait.benchmark().equals("RowStats");
    // Plait's gradient replaces the logits; PyTorch's is an output that it allocates in the call.
    double output = gradient ? plait.logitsBytes() : 0;
    line(
        "| %s | %s | %s | %s | %s | %s | %s | %.1f | %s | %s | %s |",
        name(plait),
        shape(plait),
        onLogits ? plait.dtype() : "f32",
        time(plait),
        onLogits ? format("%.1f", gigabytesPerSecond(plait)) : "",
        onLogits ? roof(plait, gradient ? "scale" : "read") : "",
        time(torch),
        torch.time() / plait.time(),
        bytes(document.path("heap").path(plait.benchmark()).asDouble(Double.NaN)),
        onLogits ? memory(plait, plait.peakBytes()) : "",
        onLogits ? memory(torch, Math.max(0, torch.peakBytes() - output)) : "");
  }

  /**
   * Stage two is a few floats per token, so that every objective of one pass costs what SFT does.
   */
  private void objectives() {
    line("");
    line("## Objectives of policy_step");
    line("");
    line("| objective | shape | dtype | time, ms | fastest call, ms | beside SFT's fastest |");
    line("| --- | --- | --- | ---: | ---: | ---: |");
    for (Measurement step : measurements) {
      if (step.benchmark().equals(STEP) && step.method().equals("plait")) {
        line(
            "| %s | %s | %s | %s | %.1f | %s |",
            objective(step),
            shape(step),
            step.dtype(),
            time(step),
            step.fastest(),
            measurements.stream()
                .filter(m -> m.benchmark().equals(STEP) && m.method().equals("plait"))
                .filter(m -> m.sameLogits(step) && m.objective().equals("sft"))
                .map(sft -> format("%+.1f%%", 100 * (step.fastest() / sft.fastest() - 1)))
                .findFirst()
                .orElse(""));
      }
    }
  }

  private void bandwidth() {
    line("");
    line("## Bandwidth");
    line("");
    line("| logits | dtype | MiB | read, GB/s | scale in place, GB/s |");
    line("| --- | --- | ---: | ---: | ---: |");
    for (Measurement read : measurements) {
      if (read.benchmark().equals("Bandwidth") && read.method().equals("read")) {
        line(
            "| %d x %d | %s | %.0f | %.1f | %s |",
            LogitsState.TOKENS,
            read.vocab(),
            read.dtype(),
            read.logitsBytes() / MIB,
            gigabytesPerSecond(read),
            find("Bandwidth", "scale", read)
                .map(scale -> format("%.1f", gigabytesPerSecond(scale)))
                .orElse(""));
      }
    }
  }

  private void calls() {
    line("");
    line("## Calls");
    line("");
    line(
        "Nanoseconds per call of almost no work: row statistics of no tokens, advantages of one"
            + " group of 8.");
    line("");
    line("| call | C | JNI | Java API | Java API - C | heap, B/op |");
    line("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (Measurement java : measurements) {
      if (java.benchmark().equals("CallOverhead") && !java.method().endsWith("Raw")) {
        double c = document.path("c").path(java.method()).asDouble(Double.NaN);
        line(
            "| %s | %.1f | %s | %s | %.1f | %s |",
            java.method(),
            c,
            find("CallOverhead", java.method() + "Raw", java).map(Report::time).orElse(""),
            time(java),
            java.time() - c,
            bytes(java.heapBytes()));
      }
    }
  }

  private Optional<Measurement> peer(Measurement plait) {
    return find(plait.benchmark(), "torchEager", plait);
  }

  private Optional<Measurement> find(String benchmark, String method, Measurement like) {
    return measurements.stream()
        .filter(m -> m.benchmark().equals(benchmark) && m.method().equals(method))
        .filter(m -> m.sameLogits(like))
        .filter(m -> m.objective().isEmpty() || m.objective().equals(like.objective()))
        .findFirst();
  }

  private String roof(Measurement kernel, String method) {
    return find("Bandwidth", method, kernel)
        .map(roof -> format("%.0f%%", 100 * roof.time() / kernel.time()))
        .orElse("");
  }

  private static String name(Measurement kernel) {
    return switch (kernel.benchmark()) {
      case "RowStats" -> "row_stats";
      case "LogitsGrad" -> "logits_grad, in place";
      case STEP -> "policy_step, " + objective(kernel) + ", in place";
      case "TokenObjective" -> "token_objective, " + objective(kernel);
      case "ImportanceRatio" -> "importance_ratio, " + kernel.objective().replace('_', ' ');
      case "GroupAdvantage" -> "group_advantage";
      default -> kernel.benchmark();
    };
  }

  private static String objective(Measurement kernel) {
    return switch (kernel.objective()) {
      case "grpo_entropy" -> "GRPO with entropy bonus";
      case "grpo_tis" -> "GRPO with truncated sampler weights";
      case "srft" -> "SRFT, weights by each token's entropy";
      default -> kernel.objective().toUpperCase(Locale.ROOT);
    };
  }

  private static String shape(Measurement kernel) {
    if (kernel.vocab() > 0) {
      return LogitsState.TOKENS + " x " + kernel.vocab();
    }
    return kernel.benchmark().equals("GroupAdvantage") ? "1024 x 8" : "8 x 1024";
  }

  /** Each logit read once, and written once by all but reading kernels. */
  private static double gigabytesPerSecond(Measurement kernel) {
    boolean reads = kernel.benchmark().equals("RowStats") || kernel.method().equals("read");
    return kernel.logitsBytes() * (reads ? 1 : 2) / kernel.time() / 1e6;
  }

  private static String time(Measurement m) {
    String format = m.time() < 0.1 ? "%.4f" : m.time() < 10 ? "%.2f" : "%.1f";
    String time = format(format, m.time());
    return Double.isNaN(m.error()) ? time : time + " ± " + format(format, m.error());
  }

  private static String bytes(double perCall) {
    return format("%.1f", perCall);
  }

  private static String memory(Measurement m, double bytes) {
    return format("%.0f (%.1f x)", bytes / MIB, bytes / m.logitsBytes());
  }

  private static String s(JsonNode node, String field) {
    return node.path(field).asText("unknown");
  }

  private void line(String format, Object... arguments) {
    text.append(arguments.length == 0 ? format : format(format, arguments)).append('\n');
  }

  private static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
