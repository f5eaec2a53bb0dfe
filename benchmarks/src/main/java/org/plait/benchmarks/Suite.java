package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs every benchmark and writes what was measured and its table. All that enters a ratio is
 * measured within a minute or two: bandwidth, Plait and PyTorch on one shape, then the next shape.
 */
public final class Suite {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final boolean quick;
  private final PrintStream log;
  private final List<RunResult> results = new ArrayList<>();

  private Suite(boolean quick, PrintStream log) {
    this.quick = quick;
    this.log = log;
  }

  /**
   * Runs them all, in one process after another, on an otherwise idle machine.
   *
   * @param args output path without extension, log file, program that times calls from C, commit,
   *     and optionally {@code --quick}
   */
  public static void main(String[] args) throws IOException, RunnerException {
    if (args.length < 4 || args.length > 5 || (args.length == 5 && !args[4].equals("--quick"))) {
      throw new IllegalArgumentException("expected OUTPUT LOG CALL_OVERHEAD COMMIT [--quick]");
    }
    Path json = Path.of(args[0] + ".json");
    Machine machine = Machine.here(args[3]);
    if (machine.load() > machine.cores() / 4.0) {
      say("The machine is busy (load %s): the figures will not repeat".formatted(machine.load()));
    }
    try (PrintStream log = new PrintStream(args[1], StandardCharsets.UTF_8)) {
      Suite suite = new Suite(args.length == 5, log);
      ObjectNode document = JSON.createObjectNode();
      document.set("machine", JSON.valueToTree(machine));
      document.set("c", suite.calls(args[2]));
      document.set("heap", JSON.valueToTree(HeapPerCall.ofKernels()));
      suite.kernels();
      document.set("jmh", suite.jmh());
      Files.writeString(json, document + "\n");
    }
    Report.main(new String[] {json.toString()});
  }

  /** Calls that take no memory bandwidth; returns the nanoseconds of the same calls from C. */
  private JsonNode calls(String program) throws IOException, RunnerException {
    say("Calls of almost no work from C, then from Java; kernels on tokens and rewards");
    Process process =
        new ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    byte[] output = process.getInputStream().readAllBytes();
    run(
        options(
                "CallOverheadBenchmark|GroupAdvantageBenchmark|TokenObjectiveBenchmark"
                    + "|ImportanceRatioBenchmark")
            .addProfiler(GCProfiler.class));
    return JSON.readTree(output);
  }

  private void kernels() throws RunnerException {
    for (String vocab : quick ? List.of("151936") : List.of("32000", "128256", "151936")) {
      for (String dtype : List.of("f32", "bf16")) {
        say("Vocabulary of %s, %s".formatted(vocab, dtype));
        ChainedOptionsBuilder options =
            options("BandwidthBenchmark|RowStatsBenchmark|LogitsGradBenchmark|PolicyStepBenchmark")
                .addProfiler(PeakMemoryProfiler.class)
                .param("vocab", vocab)
                .param("dtype", dtype);
        run(options);
      }
    }
  }

  private ChainedOptionsBuilder options(String include) {
    ChainedOptionsBuilder options =
        new OptionsBuilder().include("\\.(" + include + ")\\.").shouldFailOnError(true);
    if (quick) {
      options
          .warmupIterations(1)
          .measurementIterations(3)
          .measurementTime(TimeValue.milliseconds(500));
    }
    return options;
  }

  private void run(ChainedOptionsBuilder options) throws RunnerException {
    OutputFormat format = OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL);
    results.addAll(new Runner(options.build(), format).run());
  }

  private JsonNode jmh() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(bytes, false, StandardCharsets.UTF_8);
    ResultFormatFactory.getInstance(ResultFormatType.JSON, stream).writeOut(results);
    stream.flush();
    return JSON.readTree(bytes.toByteArray());
  }

  private static void say(String what) {
    System.err.println(what);
  }
}
