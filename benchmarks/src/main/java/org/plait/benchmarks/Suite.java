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
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
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
import org.plait.Backend;

/**
 * Runs every benchmark and writes what was measured and its table. All that enters a ratio is
 * measured within a minute or two: bandwidth, Plait and PyTorch on one shape, then the next shape.
 */
public final class Suite {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String USAGE =
      "expected OUTPUT LOG CALL_OVERHEAD COMMIT [--quick] [--target NAME]"
          + " [--only calls|kernels|scaling]";

  private final Options given;
  private final PrintStream log;
  private final List<RunResult> results = new ArrayList<>();

  private Suite(Options given, PrintStream log) {
    this.given = given;
    this.log = log;
  }

  /**
   * What stands after the first arguments.
   *
   * @param quick one vocabulary and fewer samples
   * @param target name of the SIMD target, or null for the best one
   * @param only the one part to measure, or "" for all
   */
  private record Options(boolean quick, @Nullable String target, String only) {
    static Options of(List<String> arguments) {
      boolean quick = false;
      String target = null;
      String only = "";
      for (Iterator<String> rest = arguments.iterator(); rest.hasNext(); ) {
        switch (rest.next()) {
          case "--quick" -> quick = true;
          case "--target" -> target = value(rest);
          case "--only" -> only = value(rest);
          default -> throw new IllegalArgumentException(USAGE);
        }
      }
      if (!List.of("", "calls", "kernels", "scaling").contains(only)) {
        throw new IllegalArgumentException(USAGE);
      }
      return new Options(quick, target, only);
    }

    private static String value(Iterator<String> rest) {
      if (!rest.hasNext()) {
        throw new IllegalArgumentException(USAGE);
      }
      return rest.next();
    }

    boolean measures(String part) {
      return only.isEmpty() || only.equals(part);
    }
  }

  /**
   * Runs them all, in one process after another, on an otherwise idle machine.
   *
   * @param args output path without extension, log file, program that times calls from C, commit,
   *     and optionally {@code --quick}, {@code --target NAME} and {@code --only PART}
   */
  public static void main(String[] args) throws IOException, RunnerException {
    if (args.length < 4) {
      throw new IllegalArgumentException(USAGE);
    }
    Options given = Options.of(List.of(args).subList(4, args.length));
    Backend.selectTarget(given.target());
    Path json = Path.of(args[0] + ".json");
    Machine machine = Machine.here(args[3], given.target() != null);
    if (machine.load() > machine.cores() / 4.0) {
      say("The machine is busy (load %s): the figures will not repeat".formatted(machine.load()));
    }
    try (PrintStream log = new PrintStream(args[1], StandardCharsets.UTF_8)) {
      Suite suite = new Suite(given, log);
      ObjectNode document = JSON.createObjectNode();
      document.set("machine", JSON.valueToTree(machine));
      if (given.measures("calls")) {
        document.set("c", suite.calls(args[2]));
        document.set("heap", JSON.valueToTree(HeapPerCall.ofKernels()));
      }
      if (given.measures("kernels")) {
        suite.kernels();
      }
      if (given.measures("scaling")) {
        suite.scaling();
      }
      document.set("jmh", suite.jmh());
      Files.writeString(json, document + "\n");
    }
    Report.main(new String[] {json.toString()});
    Charts.main(new String[] {json.toString()});
  }

  /** Calls that take no memory bandwidth; returns the nanoseconds of the same calls from C. */
  private JsonNode calls(String program) throws IOException, RunnerException {
    say("Calls of almost no work from C, then from Java; kernels on tokens and rewards");
    List<String> command = new ArrayList<>(List.of(program));
    if (given.target() != null) {
      command.add(given.target());
    }
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    byte[] output = process.getInputStream().readAllBytes();
    run(
        options(
                "CallOverheadBenchmark|GroupAdvantageBenchmark|TokenObjectiveBenchmark"
                    + "|ImportanceRatioBenchmark")
            .addProfiler(GCProfiler.class));
    return JSON.readTree(output);
  }

  private void kernels() throws RunnerException {
    for (String vocab : given.quick() ? List.of("151936") : List.of("32000", "128256", "151936")) {
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

  /** Plait alone: what PyTorch takes grows with the logits, in the table of the kernels. */
  private void scaling() throws RunnerException {
    say("Time of a logit over vocabularies and over tokens");
    for (Scaling.Shape shape : Scaling.all()) {
      run(
          options("(RowStats|PolicyStep)Benchmark.plait")
              .param("tokens", Integer.toString(shape.tokens()))
              .param("vocab", Integer.toString(shape.vocab()))
              .param("objective", Scaling.OBJECTIVE)
              .warmupIterations(1)
              .warmupTime(TimeValue.milliseconds(200))
              .measurementIterations(3)
              .measurementTime(TimeValue.milliseconds(300)));
    }
  }

  private ChainedOptionsBuilder options(String include) {
    ChainedOptionsBuilder options =
        new OptionsBuilder().include("\\.(" + include + ")\\b").shouldFailOnError(true);
    if (given.target() != null) {
      options.jvmArgsAppend("-D" + KernelBenchmark.TARGET + "=" + given.target());
    }
    if (given.quick()) {
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
