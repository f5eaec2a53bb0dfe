package org.plait.lab.train;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.plait.Aggregation;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.util.UserException;

/** The training methods that can be chosen by name. */
final class Recipes {

  /**
   * A method and what it is trained with unless the user says otherwise.
   *
   * @param roles of the tokens in its batches; with rollouts, groups of answers are compared
   */
  record Method(
      String name,
      Objective objective,
      double learningRate,
      Set<Role> roles,
      Function<TrainConfig, Recipe> create) {}

  private static final Map<String, Method> METHODS = new LinkedHashMap<>();

  static {
    add(
        new Method(
            "sft",
            Objective.sft(),
            3e-4,
            EnumSet.of(Role.DEMONSTRATION),
            config -> new SftRecipe(config.objective(), config.prompts() * config.samples())));
    add(
        new Method(
            "grpo",
            Objective.grpo().toBuilder().aggregation(Aggregation.TOKEN_MEAN).build(),
            1.5e-4,
            EnumSet.of(Role.ROLLOUT),
            config -> new GrpoRecipe(config.objective(), config.prompts(), config.samples())));
  }

  private Recipes() {}

  private static void add(Method method) {
    METHODS.put(method.name(), method);
  }

  static List<String> names() {
    return List.copyOf(METHODS.keySet());
  }

  /** The method of a name, or an error that lists them. */
  static Method named(String name) {
    Method method = METHODS.get(name);
    if (method == null) {
      throw new UserException(
          "Unknown recipe '" + name + "'; choose one of " + String.join(", ", names()) + ".");
    }
    return method;
  }
}
