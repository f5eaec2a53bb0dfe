package org.plait.lab;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import org.plait.lab.train.Options;
import org.plait.lab.train.RunDirectory;
import org.plait.lab.train.TrainConfig;
import org.plait.lab.train.TrainRun;
import org.plait.lab.util.UserException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** {@code plait train}: a small GPT on Countdown, with Plait's kernels as its loss. */
final class TrainCommand implements Callable<Integer> {

  private static final String OBJECTIVE = "objective";
  private static final String CONFIG = "config";
  private static final String RESUME = "resume";
  private static final String OUT = "out";
  private static final String THREADS = "threads";
  private static final String CACHE = "cache-dir";

  private final CommandSpec spec = CommandSpec.wrapWithoutInspection(this);

  private TrainCommand() {
    spec.name("train").mixinStandardHelpOptions(true);
    spec.usageMessage()
        .description("Train a small GPT on the Countdown task with Plait's kernels as its loss.")
        .sortOptions(false);
    // Values stay text until they have met those of --config, so that both are checked in one
    // place.
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
    add("seed", "N", "seed of post-training (0)");
    add("eval-split", "NAME", "held-out (the default), or validation: for choosing settings");
    add("eval-prompts", "N", "problems to evaluate on (all: 1000 held out, 500 for validation)");
    add("eval-every", "N", "steps between points of the held-out curve (50)");
    add("checkpoint-every", "N", "steps between checkpoints (50)");
    add("base-steps", "N", "steps of pre-training (1800)");
    add(OBJECTIVE, "FILE", "JSON objective in place of the recipe's own");
    add(CONFIG, "FILE", "JSON object with any of these by name; the command line wins");
    add(OUT, "DIR", "directory for metrics, curves and checkpoint (runs/RECIPE-TIME)");
    spec.addOption(
        OptionSpec.builder("--" + RESUME)
            .arity("0")
            .type(boolean.class)
            .description("continue the run in --out from its checkpoint")
            .build());
    add(THREADS, "N", "threads (all processors); results do not depend on them");
    add(CACHE, "DIR", "where the pre-trained base is kept (~/.cache/plait)");
  }

  /** The command for picocli. */
  static CommandLine create() {
    return new CommandLine(new TrainCommand().spec);
  }

  private void add(String name, String label, String... description) {
    spec.addOption(
        OptionSpec.builder("--" + name)
            .arity("1")
            .type(String.class)
            .paramLabel(label)
            .description(description)
            .build());
  }

  @Override
  public Integer call() {
    Options options = options();
    TrainConfig config = TrainConfig.of(options);
    int threads = options.count(THREADS, 1, Runtime.getRuntime().availableProcessors());
    Path home = Path.of(System.getProperty("user.home"));
    Path cache = path(CACHE, options.text(CACHE, home.resolve(".cache/plait").toString()));
    TrainRun run;
    if (spec.commandLine().getParseResult().hasMatchedOption("--" + RESUME)) {
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

  private Options options() {
    Set<String> known = new HashSet<>(TrainConfig.OPTIONS);
    known.addAll(Set.of(OUT, THREADS, CACHE));
    Options options = new Options(known);
    CommandLine.ParseResult parsed = spec.commandLine().getParseResult();
    String file = parsed.matchedOptionValue("--" + CONFIG, "");
    if (!file.isEmpty()) {
      options.putFile(path(CONFIG, file));
    }
    for (OptionSpec option : parsed.matchedOptions()) {
      String name = option.longestName().substring("--".length());
      if (name.equals(OBJECTIVE)) {
        options.put(name, Options.readJson(path(name, option.getValue())));
      } else if (known.contains(name)) {
        options.put(name, option.<String>getValue());
      }
    }
    return options;
  }

  private static String newDirectory(TrainConfig config) {
    String time =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    return Path.of("runs", config.recipe() + "-" + time).toString();
  }

  private static Path path(String name, String value) {
    try {
      return Path.of(value);
    } catch (InvalidPathException e) {
      throw new UserException("--%s: expected a path, got '%s'.".formatted(name, value), e);
    }
  }
}
