package org.plait.lab;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import org.plait.lab.train.Options;
import org.plait.lab.util.UserException;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A command whose options may also come from a JSON file. */
abstract class OptionsCommand implements Callable<Integer> {

  static final String OBJECTIVE = "objective";
  static final String CONFIG = "config";
  static final String RESUME = "resume";
  static final String OUT = "out";
  static final String THREADS = "threads";
  static final String CACHE = "cache-dir";

  final CommandSpec spec = CommandSpec.wrapWithoutInspection(this);

  /** Adds an option; its value stays text until it has met that of the file. */
  final void add(String name, String label, String... description) {
    spec.addOption(
        OptionSpec.builder("--" + name)
            .arity("1")
            .type(String.class)
            .paramLabel(label)
            .description(description)
            .build());
  }

  final void addResume(String description) {
    spec.addOption(
        OptionSpec.builder("--" + RESUME)
            .arity("0")
            .type(boolean.class)
            .description(description)
            .build());
  }

  final boolean resumes() {
    return spec.commandLine().getParseResult().hasMatchedOption("--" + RESUME);
  }

  /** What the file and the command line set, the latter over the former. */
  final Options options(Set<String> known) {
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

  static int threads(Options options) {
    return options.count(THREADS, 1, Runtime.getRuntime().availableProcessors());
  }

  static Path cache(Options options) {
    Path home = Path.of(System.getProperty("user.home"));
    return path(CACHE, options.text(CACHE, home.resolve(".cache/plait").toString()));
  }

  static Path path(String name, String value) {
    try {
      return Path.of(value);
    } catch (InvalidPathException e) {
      throw new UserException("--%s: expected a path, got '%s'.".formatted(name, value), e);
    }
  }
}
