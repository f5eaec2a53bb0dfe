package org.plait.lab;

import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashSet;
import java.util.Set;
import org.plait.lab.train.Options;
import org.plait.lab.train.RunDirectory;
import org.plait.lab.train.TrainConfig;
import org.plait.lab.train.TrainRun;
import org.plait.lab.util.UserException;
import picocli.CommandLine;

/** {@code plait train}: a small GPT on Countdown, with Plait's kernels as its loss. */
final class TrainCommand extends OptionsCommand {

  private TrainCommand() {
    spec.name("train").mixinStandardHelpOptions(true);
    spec.usageMessage()
        .description("Train a small GPT on the Countdown task with Plait's kernels as its loss.")
        .sortOptions(false);
    add("recipe", "NAME", TrainConfig.recipes().toArray(String[]::new));
    add("loss", "NAME", "plait (the default), or torch: textbook PyTorch, for comparison");
    add("steps", "N", "training steps (600)");
    add("prompts", "N", "prompts per step (16)");
    add("samples", "N", "samples per prompt (8)");
    add("lr", "X", "learning rate (the recipe's own)");
    add("minibatches", "N", "optimizer steps per batch (1); with several, clipping acts");
    add(
        "schedule-steps",
        "N",
        "steps of the recipe's schedule: SFT of sft-grpo (a quarter of --steps), hints of uft (three"
            + " fifths), prefixes of prefix-rft (all)");
    add(
        "demonstrations",
        "FILE",
        "a line per training problem with its answer, as `plait problems` prints them (the"
            + " expert's)");
    add("seed", "N", "seed of post-training (0)");
    add("eval-split", "NAME", "held-out (the default), or validation: for choosing settings");
    add("eval-prompts", "N", "problems to evaluate on (all: 1000 held out, 500 for validation)");
    add("eval-every", "N", "steps between points of the held-out curve (50)");
    add("checkpoint-every", "N", "steps between checkpoints (50)");
    add("base-steps", "N", "steps of pre-training (1800)");
    add(OBJECTIVE, "FILE", "JSON objective in place of the recipe's own");
    add(CONFIG, "FILE", "JSON object with any of these by name; the command line wins");
    add(OUT, "DIR", "directory for metrics, curves and checkpoint (runs/RECIPE-TIME)");
    addResume("continue the run in --out from its checkpoint");
    add(THREADS, "N", "threads (all processors); results do not depend on them");
    add(CACHE, "DIR", "where the pre-trained base is kept (~/.cache/plait)");
  }

  /** The command for picocli. */
  static CommandLine create() {
    return new CommandLine(new TrainCommand().spec);
  }

  @Override
  public Integer call() {
    Options options = options(known());
    TrainConfig config = TrainConfig.of(options);
    int threads = threads(options);
    Path cache = cache(options);
    TrainRun run;
    if (resumes()) {
      if (options.json(OUT) == null) {
        throw new UserException("--resume needs --out, the directory of the run to continue.");
      }
      Path out = path(OUT, options.text(OUT, ""));
      run = TrainRun.resume(config, RunDirectory.existing(out), cache, threads);
    } else {
      Path out = path(OUT, options.text(OUT, newDirectory(config)));
      run = TrainRun.start(config, RunDirectory.create(out), cache, threads);
    }
    run.run(spec.commandLine().getOut());
    return 0;
  }

  private static Set<String> known() {
    Set<String> known = new HashSet<>(TrainConfig.OPTIONS);
    known.addAll(Set.of(OUT, THREADS, CACHE));
    return known;
  }

  private static String newDirectory(TrainConfig config) {
    String time =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    return Path.of("runs", config.recipe() + "-" + time).toString();
  }
}
