package org.plait.lab.verify;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.lab.verify.Check.Verdict;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code plait verify}: every kernel against the float64 oracle, PyTorch and recorded cases. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description = "Checks every kernel against a float64 oracle, PyTorch and recorded cases.",
    footer = "Exit code: 0 if everything is right, 1 if not, 2 if the arguments are.")
public final class VerifyCommand implements Callable<Integer> {

  private static final Pattern CUDA = Pattern.compile("cuda:(\\d{1,4})");

  @Option(
      names = "--cases",
      arity = "1..*",
      paramLabel = "FILE",
      description = "Case files to replay besides those that come with Plait.")
  private List<Path> caseFiles = new ArrayList<>();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = "cpu",
      description = "What runs the kernels: cpu, or cuda:N with N the ordinal of a device.")
  private String backend = "cpu";

  @Option(names = "--quick", description = "A smaller sweep.")
  private boolean quick;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "PART",
      converter = SuiteConverter.class,
      completionCandidates = SuiteNames.class,
      description = "Only these parts of the sweep: ${COMPLETION-CANDIDATES}.")
  private List<Suite> only = new ArrayList<>();

  @Option(names = "--json", paramLabel = "FILE", description = "Writes every check to a file.")
  private @Nullable Path json;

  @Spec private @Nullable CommandSpec spec;

  /** Made by the command line. */
  public VerifyCommand() {}

  @Override
  public Integer call() {
    CommandLine commandLine = Objects.requireNonNull(spec).commandLine();
    PrintWriter out = commandLine.getOut();
    PrintWriter err = commandLine.getErr();
    Plan plan;
    try {
      plan = new Plan(backend(), quick, cases());
      if (json != null) {
        write(json, ""); // now rather than after the sweep
      }
    } catch (IllegalArgumentException e) {
      err.println("plait: " + e.getMessage());
      err.flush();
      return 2;
    }
    List<Step> steps = new ArrayList<>();
    for (Suite suite : only.isEmpty() ? Arrays.asList(Suite.values()) : only) {
      steps.addAll(suite.steps(plan));
    }
    long start = System.nanoTime();
    List<Check> checks = run(steps);
    Report report = new Report(plan.kernels().backend(), checks, (System.nanoTime() - start) / 1e9);
    report.print(out);
    if (json != null) {
      write(json, report.json().toPrettyString() + System.lineSeparator());
    }
    return report.count(Verdict.FAIL) == 0 ? 0 : 1;
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new IllegalArgumentException("--json file " + file + " cannot be written: " + e, e);
    }
  }

  private Backend backend() {
    Matcher cuda = CUDA.matcher(backend);
    if (!backend.equals("cpu") && !cuda.matches()) {
      throw new IllegalArgumentException("--backend must be cpu or cuda:N, not " + backend);
    }
    Backend chosen =
        backend.equals("cpu") ? Backend.cpu() : Backend.cuda(Integer.parseInt(cuda.group(1)));
    if (!chosen.isAvailable()) {
      throw new IllegalArgumentException(
          "the " + chosen + " backend cannot be used here: " + chosen.unavailableReason());
    }
    return chosen;
  }

  private List<Case> cases() {
    List<Case> cases = new ArrayList<>(CaseFile.builtIn());
    for (Path file : caseFiles) {
      cases.addAll(CaseFile.read(file));
    }
    return cases;
  }

  private static List<Check> run(List<Step> steps) {
    List<Check> checks = new ArrayList<>();
    try (ProgressBar bar =
        new ProgressBarBuilder()
            .setTaskName("verify")
            .setInitialMax(steps.size())
            .setUpdateIntervalMillis(200)
            .build()) {
      for (Step step : steps) {
        bar.setExtraMessage(step.title());
        checks.addAll(step.run());
        bar.step();
      }
    }
    return checks;
  }

  /** The parts of the sweep in lower case. */
  static final class SuiteNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(Suite.values()).map(JsonFields::lower).iterator();
    }
  }

  /** Reads a part of the sweep. */
  static final class SuiteConverter implements ITypeConverter<Suite> {
    @Override
    public Suite convert(String name) {
      for (Suite suite : Suite.values()) {
        if (JsonFields.lower(suite).equals(name)) {
          return suite;
        }
      }
      throw new TypeConversionException(
          "expected one of " + String.join(", ", new SuiteNames()) + ", not " + name);
    }
  }
}
