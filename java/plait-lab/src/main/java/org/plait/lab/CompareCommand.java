package org.plait.lab;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.plait.lab.compare.ComparisonConfig;
import org.plait.lab.compare.ComparisonRun;
import org.plait.lab.train.Options;
import org.plait.lab.train.TrainConfig;
import org.plait.lab.util.UserException;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** {@code plait compare}: recipes against each other, each with several seeds. */
final class CompareCommand extends OptionsCommand {

  private static final String JOBS = "jobs";

  private CompareCommand() {
    spec.name("compare").mixinStandardHelpOptions(true);
    spec.usageMessage()
        .description("Train several recipes with several seeds and report how they compare.")
        .sortOptions(false);
    add("recipes", "NAMES", "recipes to compare, such as sft,grpo, or all");
    add("seeds", "N", "runs of each, with seeds one after another (3)");
    add("first-seed", "N", "the first of them (0)");
    add("learning-rates", "XS", "learning rates to train each recipe with, such as 1e-4,3e-4");
    addTrainingOptions();
    add(CONFIG, "FILE", "JSON object with any of these by name; the command line wins");
    add(OUT, "DIR", "directory for report, results, curves and runs");
    addResume("continue the comparison in --out; runs that are finished stay as they are");
    add(THREADS, "N", "threads of all jobs together (all processors)");
    add(JOBS, "N", "runs at a time (1); results depend neither on this nor on the threads");
    add(CACHE, "DIR", "where the pre-trained base is kept (~/.cache/plait)");
  }

  /** The options of {@code plait train} that all runs share, in its words. */
  private void addTrainingOptions() {
    for (OptionSpec option : TrainCommand.create().getCommandSpec().options()) {
      String name = option.longestName().substring("--".length());
      if (TrainConfig.OPTIONS.contains(name) && ComparisonConfig.OPTIONS.contains(name)) {
        spec.addOption(OptionSpec.builder(option).build());
      }
    }
  }

  /** The command for picocli. */
  static CommandLine create() {
    return new CommandLine(new CompareCommand().spec);
  }

  @Override
  public Integer call() {
    Set<String> known = new HashSet<>(ComparisonConfig.OPTIONS);
    known.addAll(Set.of(OUT, THREADS, JOBS, CACHE));
    Options options = options(known);
    ComparisonConfig config = ComparisonConfig.of(options);
    int threads = threads(options);
    int jobs = options.count(JOBS, 1, 1);
    if (options.json(OUT) == null) {
      throw new UserException("--out: name a directory for the comparison.");
    }
    Path out = path(OUT, options.text(OUT, ""));
    ComparisonRun run =
        resumes()
            ? ComparisonRun.resume(config, out, cache(options), threads, jobs)
            : ComparisonRun.start(config, out, cache(options), threads, jobs);
    run.run(spec.commandLine().getOut());
    return 0;
  }
}
