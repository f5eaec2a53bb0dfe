package org.plait.lab.compare;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.plait.lab.train.RunDirectory;
import org.plait.lab.train.RunObserver;
import org.plait.lab.train.RunResult;
import org.plait.lab.train.TrainConfig;
import org.plait.lab.train.TrainRun;

/** One comparison, from the base policy to the report. */
public final class ComparisonRun {

  private final ComparisonConfig config;
  private final ComparisonDirectory directory;
  private final Path cache;
  private final int threads;
  private final int jobs;
  private final List<Pending> pending = new ArrayList<>();
  private long stepsDone;

  /** A run that is not finished. */
  private record Pending(String title, TrainRun run) {}

  private ComparisonRun(
      ComparisonConfig config, ComparisonDirectory directory, Path cache, int threads, int jobs) {
    this.config = config;
    this.directory = directory;
    this.cache = cache;
    this.threads = threads;
    this.jobs = jobs;
    plan();
  }

  /**
   * A new comparison.
   *
   * @param cache directory of base policies
   * @param threads of all jobs together
   * @param jobs runs at a time
   */
  public static ComparisonRun start(
      ComparisonConfig config, Path out, Path cache, int threads, int jobs) {
    ComparisonRun run =
        new ComparisonRun(config, ComparisonDirectory.create(out), cache, threads, jobs);
    try {
      run.directory.writeConfig(config.options());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return run;
  }

  /** The comparison of a directory, continued where it stopped. */
  public static ComparisonRun resume(
      ComparisonConfig config, Path out, Path cache, int threads, int jobs) {
    return new ComparisonRun(
        config, ComparisonDirectory.existing(out, config.options()), cache, threads, jobs);
  }

  /** Finds what is left to do, and refuses what cannot be continued. */
  private void plan() {
    int all = config.arms().size() * config.seeds();
    int number = 0;
    for (Arm arm : config.arms()) {
      for (int seed = 0; seed < config.seeds(); seed++) {
        number++;
        TrainConfig one = arm.configs().get(seed);
        Path path = directory.run(arm, seed);
        if (RunDirectory.result(path, one).isPresent()) {
          stepsDone += one.steps();
          continue;
        }
        TrainRun run =
            RunDirectory.holdsCheckpoint(path)
                ? TrainRun.resume(one, RunDirectory.existing(path), cache, threadsPerJob())
                : TrainRun.start(one, RunDirectory.create(path), cache, threadsPerJob());
        stepsDone += run.stepsDone();
        String title = "%s, seed %d (%d of %d)".formatted(arm.label(), one.seed(), number, all);
        pending.add(new Pending(title, run));
      }
    }
  }

  private int threadsPerJob() {
    return Math.max(1, threads / jobs);
  }

  /** Trains what is left, writes the files of the comparison and prints what came of it. */
  public void run(PrintWriter out) {
    if (!pending.isEmpty()) {
      // All runs start from it; trained here, it is trained once and by all threads.
      TrainRun.prepareBase(config.any(), cache, threads);
    }
    long steps = (long) config.any().steps() * config.arms().size() * config.seeds();
    try (SharedProgress progress = new SharedProgress(stepsDone, steps)) {
      train(progress::observer);
    }
    try {
      write(out, results());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    out.println("Report, curves, CSV files and runs are in " + directory.path() + ".");
    out.flush();
  }

  /** Trains what is left. */
  void train(Function<String, RunObserver> observers) {
    Jobs running = new Jobs();
    List<Runnable> runs = new ArrayList<>();
    for (Pending one : pending) {
      RunObserver observer = new StoppableObserver(observers.apply(one.title()), running);
      runs.add(() -> one.run().run(observer));
    }
    running.run(runs, jobs);
  }

  private List<ArmResult> results() {
    List<ArmResult> results = new ArrayList<>();
    for (Arm arm : config.arms()) {
      List<RunResult> runs = new ArrayList<>();
      for (int seed = 0; seed < config.seeds(); seed++) {
        Path path = directory.run(arm, seed);
        runs.add(
            RunDirectory.result(path, arm.configs().get(seed))
                .orElseThrow(() -> new IllegalStateException(path + " holds no finished run")));
      }
      results.add(new ArmResult(arm, runs));
    }
    return results;
  }

  private void write(PrintWriter out, List<ArmResult> results) throws IOException {
    directory.write("results.csv", ResultsCsv.runs(results));
    directory.write("curves.csv", ResultsCsv.curves(results));
    List<ArmCharts.Chart> charts = ArmCharts.draw(results, config.evalSplit(), directory.path());
    directory.write("report.md", new Report(config, results, charts, jobs).text());
    out.println();
    out.print(Report.comparison(results));
    out.println();
  }
}
