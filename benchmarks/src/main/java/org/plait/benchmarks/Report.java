package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Makes Markdown tables of what {@link Suite} measured. */
public final class Report {
  private static final double MIB = 0x1p20;

  private static final String STEP = "PolicyStep";

  private final JsonNode document;
  private final Results results;
  private final StringBuilder text = new StringBuilder();

  private Report(JsonNode document) {
    this.document = document;
    this.results = new Results(document);
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
    report.scaling();
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
        "Plait %s on %s%s, %s threads; PyTorch %s, %s threads; JavaCPP %s.",
        s(m, "plait"),
        s(m, "simd"),
        m.path("simdForced").asBoolean() ? " (forced)" : "",
        s(m, "plaitThreads"),
        s(m, "pytorch"),
        s(m, "pytorchThreads"),
        s(m, "javacpp"));
  }

  private boolean none(Predicate<Measurement> which) {
    return results.all().stream().noneMatch(which);
  }

  private void kernels() {
    if (none(m -> m.isPlaits() && results.peer(m).isPresent())) {
      return;
    }
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
    results.all().stream()
        .filter(Measurement::isPlaits)
        .sorted(Labels.ORDER)
        .forEach(plait -> results.peer(plait).ifPresent(torch -> kernel(plait, torch)));
  }

  private void kernel(Measurement plait, Measurement torch) {
    boolean onLogits = plait.vocab() > 0;
    // Plait's gradient replaces the logits; PyTorch's is an output that it allocates in the call.
    double output = plait.isGradient() ? plait.logitsBytes() : 0;
    line(
        "| %s | %s | %s | %s | %s | %s | %s | %.1f | %s | %s | %s |",
        Labels.kernel(plait),
        Labels.shape(plait),
        onLogits ? plait.dtype() : "f32",
        time(plait),
        onLogits ? format("%.1f", plait.gigabytesPerSecond()) : "",
        results.shareOfRoof(plait).map(share -> format("%.0f%%", 100 * share)).orElse(""),
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
    if (none(m -> m.benchmark().equals(STEP) && m.objective().equals("sft"))) {
      return;
    }
    line("");
    line("## Objectives of policy_step");
    line("");
    line("| objective | shape | dtype | time, ms | fastest call, ms | beside SFT's fastest |");
    line("| --- | --- | --- | ---: | ---: | ---: |");
    for (Measurement step : results.all()) {
      if (!step.benchmark().equals(STEP) || !step.isPlaits()) {
        continue;
      }
      for (Measurement sft : results.all()) {
        boolean beside = sft.benchmark().equals(STEP) && sft.isPlaits() && sft.sameLogits(step);
        if (beside && sft.objective().equals("sft")) {
          line(
              "| %s | %s | %s | %s | %.1f | %+.1f%% |",
              Labels.objective(step),
              Labels.shape(step),
              step.dtype(),
              time(step),
              step.fastest(),
              100 * (step.fastest() / sft.fastest() - 1));
        }
      }
    }
  }

  /** Whether the time of a logit depends on how long rows are, or how many. */
  private void scaling() {
    List<Measurement> byVocabulary = Scaling.overVocabulary(results.all());
    List<Measurement> byTokens = Scaling.overTokens(results.all());
    if (byVocabulary.isEmpty() && byTokens.isEmpty()) {
      return;
    }
    line("");
    line("## Scaling");
    line("");
    line(
        "First over the vocabulary, with as many tokens as make up 2^25 logits; then over the"
            + " tokens, with a vocabulary of %d.",
        Scaling.VOCAB);
    line("");
    line("| kernel | shape | dtype | time, ms | ps per logit | GB/s |");
    line("| --- | --- | --- | ---: | ---: | ---: |");
    Stream.concat(byVocabulary.stream(), byTokens.stream())
        .forEach(
            m ->
                line(
                    "| %s | %s | %s | %s | %.0f | %.1f |",
                    Labels.kernel(m),
                    Labels.shape(m),
                    m.dtype(),
                    time(m),
                    m.picosecondsPerLogit(),
                    m.gigabytesPerSecond()));
  }

  private void bandwidth() {
    if (none(m -> m.benchmark().equals("Bandwidth"))) {
      return;
    }
    line("");
    line("## Bandwidth");
    line("");
    line("| logits | dtype | MiB | read, GB/s | scale in place, GB/s |");
    line("| --- | --- | ---: | ---: | ---: |");
    for (Measurement read : results.all()) {
      if (read.benchmark().equals("Bandwidth") && read.method().equals("read")) {
        line(
            "| %s | %s | %.0f | %.1f | %s |",
            Labels.shape(read),
            read.dtype(),
            read.logitsBytes() / MIB,
            read.gigabytesPerSecond(),
            results
                .find("Bandwidth", "scale", read)
                .map(scale -> format("%.1f", scale.gigabytesPerSecond()))
                .orElse(""));
      }
    }
  }

  private void calls() {
    if (none(m -> m.benchmark().equals("CallOverhead"))) {
      return;
    }
    line("");
    line("## Calls");
    line("");
    line(
        "Nanoseconds per call of almost no work: row statistics of no tokens, advantages of one"
            + " group of 8.");
    line("");
    line("| call | C | JNI | Java API | Java API - C | heap, B/op |");
    line("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (Measurement java : results.all()) {
      if (java.benchmark().equals("CallOverhead") && !java.method().endsWith("Raw")) {
        double c = document.path("c").path(java.method()).asDouble(Double.NaN);
        line(
            "| %s | %.1f | %s | %s | %.1f | %s |",
            java.method(),
            c,
            results.find("CallOverhead", java.method() + "Raw", java).map(Report::time).orElse(""),
            time(java),
            java.time() - c,
            bytes(java.heapBytes()));
      }
    }
  }

  private static String time(Measurement m) {
    String format = m.time() < 0.1 ? "%.4f" : m.time() < 10 ? "%.2f" : "%.1f";
    String time = format(format, m.time());
    return Double.isNaN(m.error()) ? time : time + " ± " + format(format, m.error());
  }

  private static String bytes(double perCall) {
    return Double.isNaN(perCall) ? "" : format("%.1f", perCall);
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
