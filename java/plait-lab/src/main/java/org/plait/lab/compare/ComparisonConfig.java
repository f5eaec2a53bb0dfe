package org.plait.lab.compare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.plait.lab.train.Options;
import org.plait.lab.train.TrainConfig;
import org.plait.lab.train.TrainRun;
import org.plait.lab.util.UserException;

/**
 * What is compared.
 *
 * @param arms in the order asked for
 * @param seeds runs of each arm
 * @param options all of it as JSON, which {@code --config} takes again
 */
public record ComparisonConfig(List<Arm> arms, int seeds, ObjectNode options) {

  private static final String RECIPES = "recipes";
  private static final String ALL = "all";
  private static final String SEEDS = "seeds";
  private static final int DEFAULT_SEEDS = 3;
  private static final String FIRST_SEED = "first-seed";
  private static final String LEARNING_RATES = "learning-rates";
  private static final String OBJECTIVE = "objective";

  /** Options of training that differ from run to run. */
  private static final Set<String> OF_A_RUN = Set.of("recipe", "lr", "seed");

  /** Names of all options, as on the command line and in JSON. */
  public static final Set<String> OPTIONS = names();

  public ComparisonConfig {
    arms = List.copyOf(arms);
  }

  private static Set<String> names() {
    Set<String> names = new HashSet<>(TrainConfig.OPTIONS);
    names.removeAll(OF_A_RUN);
    names.addAll(Set.of(RECIPES, SEEDS, FIRST_SEED, LEARNING_RATES));
    return Set.copyOf(names);
  }

  /** Reads and checks options, those of every run included. */
  public static ComparisonConfig of(Options options) {
    int seeds = options.count(SEEDS, 1, DEFAULT_SEEDS);
    long first = options.integer(FIRST_SEED, Integer.MIN_VALUE, Integer.MAX_VALUE, 0);
    List<Double> rates = learningRates(options);
    List<String> recipes = recipes(options);
    List<Arm> arms = new ArrayList<>();
    for (String recipe : recipes) {
      if (rates.isEmpty()) {
        arms.add(new Arm(recipe, runs(options, recipe, null, first, seeds)));
      }
      for (double rate : rates) {
        String label = rates.size() == 1 ? recipe : recipe + ", lr " + Arm.rate(rate);
        arms.add(new Arm(label, runs(options, recipe, rate, first, seeds)));
      }
    }
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode names = json.putArray(RECIPES);
    recipes.forEach(names::add);
    json.put(SEEDS, seeds);
    json.put(FIRST_SEED, first);
    if (!rates.isEmpty()) {
      ArrayNode numbers = json.putArray(LEARNING_RATES);
      rates.forEach(numbers::add);
    }
    json.setAll(shared(options, arms));
    return new ComparisonConfig(arms, seeds, json);
  }

  private static List<String> recipes(Options options) {
    List<String> named = list(options, RECIPES);
    if (named.isEmpty()) {
      throw new UserException("--recipes: name the recipes to compare, such as sft,grpo, or all.");
    }
    return named.equals(List.of(ALL)) ? TrainRun.recipes() : distinct(RECIPES, named);
  }

  private static List<Double> learningRates(Options options) {
    List<Double> rates = new ArrayList<>();
    for (String text : list(options, LEARNING_RATES)) {
      Options one = new Options(Set.of(LEARNING_RATES));
      one.put(LEARNING_RATES, text);
      rates.add(one.positive(LEARNING_RATES, Double.NaN));
    }
    return distinct(LEARNING_RATES, rates);
  }

  /** The items of a JSON array, or of a text with commas. */
  private static List<String> list(Options options, String name) {
    JsonNode json = options.json(name);
    if (json == null) {
      return List.of();
    }
    return json.isArray()
        ? StreamSupport.stream(json.spliterator(), false).map(JsonNode::asText).toList()
        : Arrays.stream(json.asText().split(",", -1)).map(String::strip).toList();
  }

  private static <T> List<T> distinct(String name, List<T> items) {
    Set<T> seen = new LinkedHashSet<>();
    for (T item : items) {
      if (!seen.add(item)) {
        throw new UserException(
            "--%s: expected each once, got '%s' twice."
                .formatted(name, item instanceof Double rate ? Arm.rate(rate) : item));
      }
    }
    return List.copyOf(seen);
  }

  private static List<TrainConfig> runs(
      Options options, String recipe, @Nullable Double rate, long first, int seeds) {
    List<TrainConfig> runs = new ArrayList<>();
    for (long seed = first; seed < first + seeds; seed++) {
      Options run = new Options(TrainConfig.OPTIONS);
      for (String name : TrainConfig.OPTIONS) {
        JsonNode value = options.json(name);
        if (value != null) {
          run.put(name, value);
        }
      }
      run.put("recipe", recipe);
      run.put("seed", Long.toString(seed));
      if (rate != null) {
        run.put("lr", rate.toString());
      }
      runs.add(TrainConfig.of(run));
    }
    return runs;
  }

  /**
   * The training options that all runs agree on, defaults included. Where recipes differ by their
   * own defaults, as in the objective, the option stays theirs unless it was set for all.
   */
  private static ObjectNode shared(Options options, List<Arm> arms) {
    List<ObjectNode> runs = arms.stream().map(arm -> arm.configs().get(0).toJson()).toList();
    ObjectNode shared = JsonNodeFactory.instance.objectNode();
    for (ObjectNode run : runs) {
      run.properties()
          .forEach(
              option -> {
                String name = option.getKey();
                boolean set = options.json(name) != null;
                boolean agreed =
                    !name.equals(OBJECTIVE)
                        && runs.stream()
                            .map(other -> other.path(name).toString())
                            .collect(Collectors.toSet())
                            .equals(Set.of(option.getValue().toString()));
                if (!OF_A_RUN.contains(name) && (set || agreed)) {
                  shared.set(name, option.getValue());
                }
              });
    }
    return shared;
  }

  /** The options that are the same for every run, from one of them. */
  TrainConfig any() {
    return arms.get(0).configs().get(0);
  }

  /** Name of the problems that runs are evaluated on. */
  String evalSplit() {
    return options.path("eval-split").asText();
  }
}
