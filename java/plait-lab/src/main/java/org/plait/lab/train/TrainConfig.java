package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.plait.Objective;
import org.plait.Role;
import org.plait.SamplerCorrection;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.countdown.Demonstrations;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.util.UserException;
import org.plait.lab.verify.ObjectiveJson;

/**
 * What is trained, and how. Two runs with equal configurations are equal bit for bit on one
 * machine, with any number of threads.
 *
 * @param recipe name of the method
 * @param objective what the recipe's tokens are trained on
 * @param loss who computes it
 * @param steps in all
 * @param prompts per step
 * @param samples per prompt; recipes without rollouts take {@code prompts * samples} demonstrations
 * @param minibatches optimizer steps per batch
 * @param scheduleSteps steps of the recipe's schedule; 0 if it has none
 * @param learningRate constant
 * @param demonstrations file of the demonstrations; empty for the expert's
 * @param seed of everything random after pre-training
 * @param evalSplit problems that evaluations are on
 * @param evalPrompts how many of them
 * @param evalEvery steps from one point of the held-out curve to the next
 * @param checkpointEvery steps from one checkpoint to the next
 * @param baseSteps steps of pre-training
 */
public record TrainConfig(
    String recipe,
    Objective objective,
    PolicyObjectiveLoss.Kind loss,
    int steps,
    int prompts,
    int samples,
    int minibatches,
    int scheduleSteps,
    double learningRate,
    String demonstrations,
    long seed,
    Split evalSplit,
    int evalPrompts,
    int evalEvery,
    int checkpointEvery,
    int baseSteps) {

  /** Problems that are not trained on. */
  public enum Split {
    HELD_OUT(Dataset.HELD_OUT_SIZE),
    VALIDATION(Dataset.VALIDATION_SIZE);

    private final int size;

    Split(int size) {
      this.size = size;
    }

    int size() {
      return size;
    }

    /** The name as options and people write it. */
    String title() {
      return lowerCase(this);
    }

    List<Problem> problems(Dataset data) {
      return this == HELD_OUT ? data.heldOut() : data.validation();
    }
  }

  /** Names of all options, as on the command line and in JSON. */
  public static final Set<String> OPTIONS =
      Set.of(
          "recipe",
          "objective",
          "loss",
          "steps",
          "prompts",
          "samples",
          "minibatches",
          "schedule-steps",
          "lr",
          "demonstrations",
          "seed",
          "eval-split",
          "eval-prompts",
          "eval-every",
          "checkpoint-every",
          "base-steps");

  /** What recipes there are, a line each, the default first. */
  public static List<String> recipes() {
    return Recipes.names().stream()
        .map(name -> name + ": " + Recipes.named(name).description())
        .toList();
  }

  /** Reads and checks options; what is not set gets the recipe's default. */
  public static TrainConfig of(Options options) {
    Recipes.Method method = Recipes.named(options.text("recipe", "sft"));
    Split split = choice(options, "eval-split", Split.values());
    int steps = options.count("steps", 0, 600);
    TrainConfig config =
        new TrainConfig(
            method.name(),
            objective(options.json("objective"), method),
            choice(options, "loss", PolicyObjectiveLoss.Kind.values()),
            steps,
            options.count("prompts", 1, 16),
            options.count("samples", 1, 8),
            options.count("minibatches", 1, 1),
            scheduleSteps(options, method, steps),
            options.positive("lr", method.learningRate()),
            options.text("demonstrations", ""),
            options.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE, 0),
            split,
            (int) options.integer("eval-prompts", 1, split.size(), split.size()),
            options.count("eval-every", 1, 50),
            options.count("checkpoint-every", 1, 50),
            options.count("base-steps", 1, BasePolicy.DEFAULT_STEPS));
    if (config.prompts % config.minibatches != 0) {
      throw new UserException(
          "--minibatches: expected a divisor of the %d prompts, got '%d'."
              .formatted(config.prompts, config.minibatches));
    }
    if (method.roles().contains(Role.ROLLOUT) && config.samples < 2) {
      throw new UserException(
          "--samples: recipe %s compares answers to one prompt, so it needs at least 2, got '%d'."
              .formatted(method.name(), config.samples));
    }
    return config;
  }

  private static int scheduleSteps(Options options, Recipes.Method method, int steps) {
    if (options.json("schedule-steps") == null) {
      return method.scheduleSteps(steps);
    }
    if (method.scheduleShare() == 0) {
      throw new UserException(
          "--schedule-steps: recipe %s has no schedule.".formatted(method.name()));
    }
    int scheduled = options.count("schedule-steps", 1, 1);
    if (scheduled > steps) {
      throw new UserException(
          "--schedule-steps: expected at most the %d steps of the run, got '%d'."
              .formatted(steps, scheduled));
    }
    return scheduled;
  }

  private static Objective objective(@Nullable JsonNode json, Recipes.Method method) {
    if (json == null) {
      return method.objective();
    }
    Objective objective;
    try {
      objective = ObjectiveJson.read(json, "objective");
    } catch (IllegalArgumentException e) {
      throw new UserException(e.getMessage() + ".", e);
    }
    if (!objective.correction().equals(SamplerCorrection.NONE)) {
      throw new UserException(
          "objective: a correction for the sampler has nothing to correct here, where the policy"
              + " samples itself; leave it out.");
    }
    if (method.roles().stream().noneMatch(role -> objective.rule(role).isOn())) {
      throw new UserException(
          "objective: recipe %s makes %s tokens, and no rule has a term for them."
              .formatted(
                  method.name(),
                  method.roles().stream()
                      .map(TrainConfig::lowerCase)
                      .collect(Collectors.joining(" and "))));
    }
    return objective;
  }

  /** The constant that an option names, in lower case; the first if it is not set. */
  private static <E extends Enum<E>> E choice(Options options, String option, E[] constants) {
    List<String> names = Arrays.stream(constants).map(TrainConfig::lowerCase).toList();
    return constants[names.indexOf(options.choice(option, names, names.get(0)))];
  }

  private static String lowerCase(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The problems, with the demonstrations that were asked for. */
  Dataset dataset() {
    Dataset data = Dataset.of(Dataset.DEFAULT_SEED);
    if (demonstrations.isEmpty()) {
      return data;
    }
    List<Problem> problems = data.training().stream().map(Example::problem).toList();
    return data.withTraining(Demonstrations.read(Path.of(demonstrations), problems));
  }

  /** The recipe, at its start. */
  Recipe newRecipe() {
    return Recipes.named(recipe).create().apply(this);
  }

  /** All options as JSON, which {@code --config} takes again. */
  public ObjectNode toJson() {
    ObjectNode json = fixedJson();
    json.put("steps", steps);
    json.put("eval-every", evalEvery);
    json.put("checkpoint-every", checkpointEvery);
    return json;
  }

  /** The options that a resumed run must share with the checkpoint it continues. */
  ObjectNode fixedJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("recipe", recipe);
    json.put("loss", lowerCase(loss));
    json.put("prompts", prompts);
    json.put("samples", samples);
    json.put("minibatches", minibatches);
    if (scheduleSteps > 0) {
      json.put("schedule-steps", scheduleSteps);
    }
    json.put("lr", learningRate);
    if (!demonstrations.isEmpty()) {
      json.put("demonstrations", demonstrations);
    }
    json.put("seed", seed);
    json.put("base-steps", baseSteps);
    json.put("eval-split", evalSplit.title());
    json.put("eval-prompts", evalPrompts);
    json.set("objective", ObjectiveJson.write(objective));
    return json;
  }
}
