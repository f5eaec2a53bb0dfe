package org.plait.lab.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.Workers;

/** One run of {@code plait train}, from the base policy to the summary. */
public final class TrainRun {

  private final TrainConfig config;
  private final RunDirectory directory;
  private final Path cache;
  private final int threads;
  private final @Nullable Checkpoint resumed;

  private TrainRun(
      TrainConfig config,
      RunDirectory directory,
      Path cache,
      int threads,
      @Nullable Checkpoint resumed) {
    this.config = config;
    this.directory = directory;
    this.cache = cache;
    this.threads = threads;
    this.resumed = resumed;
  }

  /**
   * A new run.
   *
   * @param cache directory of base policies
   */
  public static TrainRun start(
      TrainConfig config, RunDirectory directory, Path cache, int threads) {
    return new TrainRun(config, directory, cache, threads, null);
  }

  /** The run of a directory, continued from its checkpoint. */
  public static TrainRun resume(
      TrainConfig config, RunDirectory directory, Path cache, int threads) {
    return new TrainRun(config, directory, cache, threads, directory.readCheckpoint(config));
  }

  /** Trains, writes the files of the run and prints what came of it. */
  public void run(PrintWriter out) {
    try (Workers workers = new Workers(threads)) {
      Dataset data = Dataset.of(Dataset.DEFAULT_SEED);
      Parameters base = new BasePolicy(data, config.baseSteps()).loadOrTrain(cache, workers);
      Trainer.Outcome outcome;
      try (Trainer trainer = new Trainer(config, directory, data, base, workers)) {
        outcome = trainer.run(resumed);
      }
      List<MetricsCsv.Row> steps = MetricsCsv.read(directory.metrics());
      Summary summary = new Summary(config, outcome, steps, threads);
      directory.writeSummary(summary.toJson());
      drawCurves(outcome, steps);
      summary.print(out);
      out.println("Metrics, curves and checkpoint are in " + directory.path() + ".");
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void drawCurves(Trainer.Outcome outcome, List<MetricsCsv.Row> steps) throws IOException {
    String title = config.recipe() + ", seed " + config.seed();
    try {
      Curves.draw(title, config.evalSplit().title(), steps, outcome.before(), directory.curves());
    } catch (LinkageError | InternalError e) {
      // Java draws text with the system's font libraries, which a bare machine may lack.
      System.err.println(
          "Cannot draw the curves because this machine has no fonts for Java; install fontconfig.");
    }
  }
}
