package org.plait.lab.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.Workers;
import org.plait.lab.util.UserException;

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

  /** Trains the base that {@code config} starts from, unless it is in the cache already. */
  public static void prepareBase(TrainConfig config, Path cache, int threads) {
    try (Workers workers = new Workers(threads)) {
      base(config, config.dataset(), cache, workers);
    } catch (IOException e) {
      throw new UserException(
          "The base was not kept: %s; put that right and start again.".formatted(e.getMessage()),
          e);
    }
  }

  private static Parameters base(TrainConfig config, Dataset data, Path cache, Workers workers)
      throws IOException {
    return new BasePolicy(data, config.baseSteps()).loadOrTrain(cache, workers);
  }

  /** Names of the recipes that can be trained. */
  public static List<String> recipes() {
    return Recipes.names();
  }

  /** Steps that the checkpoint to resume from has behind it. */
  public int stepsDone() {
    return resumed == null ? 0 : resumed.step();
  }

  /** Trains, writes the files of the run and prints what came of it. */
  public void run(PrintWriter out) {
    Summary summary;
    try (RunDisplay display = new RunDisplay("Training " + config.recipe())) {
      summary = train(display);
    }
    summary.print(out);
    out.println("Metrics, curves and checkpoint are in " + directory.path() + ".");
    out.flush();
  }

  /** Trains and writes the files of the run. */
  public void run(RunObserver observer) {
    train(observer);
  }

  private Summary train(RunObserver observer) {
    try (Workers workers = new Workers(threads)) {
      Dataset data = config.dataset();
      Parameters base = base(config, data, cache, workers);
      Trainer.Outcome outcome;
      try (Trainer trainer = new Trainer(config, directory, data, base, workers)) {
        outcome = trainer.run(resumed, observer);
      }
      List<MetricsCsv.Row> steps = MetricsCsv.read(directory.metrics());
      Summary summary = new Summary(config, outcome, steps, threads);
      drawCurves(outcome, steps);
      // Last, because who finds it takes the run for finished.
      directory.writeSummary(summary.toJson());
      return summary;
    } catch (IOException e) {
      throw new UserException(
          "The run stopped: %s; put that right and %s."
              .formatted(
                  e.getMessage(),
                  RunDirectory.holdsCheckpoint(directory.path())
                      ? "continue it with --resume"
                      : "start it again"),
          e);
    }
  }

  private void drawCurves(Trainer.Outcome outcome, List<MetricsCsv.Row> steps) throws IOException {
    StepChart.attempt(
        () ->
            Curves.draw(
                config.recipe() + ", seed " + config.seed(),
                config.evalSplit().title(),
                steps,
                outcome.before(),
                directory.curves()));
  }
}
