package org.plait.lab.train;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.plait.HybridObjectives;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.util.UserException;
import org.plait.recipe.HintSchedule;
import org.plait.recipe.PrefixSchedule;

/** The training methods that can be chosen by name. */
final class Recipes {

  /**
   * A method and what it is trained with unless the user says otherwise.
   *
   * @param learningRate that of 1e-4, 2e-4, 4e-4 (and 8e-4 where 4e-4 was ahead) which solved most
   *     validation samples after 600 steps
   * @param roles of the tokens in its batches; with rollouts, groups of answers are compared
   * @param scheduleShare share of all steps that its schedule takes; 0 if it has none
   */
  record Method(
      String name,
      String description,
      Objective objective,
      double learningRate,
      Set<Role> roles,
      double scheduleShare,
      Function<TrainConfig, Recipe> create) {

    /** Steps of its schedule in a run of so many. */
    int scheduleSteps(int steps) {
      return scheduleShare == 0 ? 0 : Math.max(1, (int) (scheduleShare * steps));
    }
  }

  private static final Map<String, Method> METHODS = new LinkedHashMap<>();

  static {
    add(
        "sft",
        "supervised fine-tuning",
        Objective.sft(),
        4e-4,
        EnumSet.of(Role.DEMONSTRATION),
        0,
        config -> new SftRecipe(config.objective(), config.prompts() * config.samples()));
    add(
        "grpo",
        "group-relative policy optimization",
        LabObjectives.grpo(),
        2e-4,
        EnumSet.of(Role.ROLLOUT),
        0,
        config -> new GrpoRecipe(config.objective(), config.prompts(), config.samples()));
    add(
        "sft-grpo",
        "SFT for a quarter of the steps, then GRPO",
        LabObjectives.grpo(),
        2e-4,
        EnumSet.of(Role.ROLLOUT),
        0.25,
        config ->
            new SftThenGrpoRecipe(
                config.objective(), config.scheduleSteps(), config.prompts(), config.samples()));
    add(
        "relift",
        "GRPO, and SFT steps on prompts that no answer solved",
        LabObjectives.grpo(),
        2e-4,
        EnumSet.of(Role.ROLLOUT),
        0,
        config ->
            new ReliftRecipe(
                config.objective(),
                config.prompts(),
                config.samples(),
                Math.max(1, config.prompts() * config.samples() / 2),
                config.seed()));
    addMixed("luffy", "demonstrations in the group, shaped", LabObjectives.luffy(), 4e-4, false);
    addMixed("luffy-unshaped", "LUFFY without shaping", LabObjectives.luffyUnshaped(), 2e-4, false);
    addMixed(
        "srft", "SFT and RL weighted by entropy, in one step", HybridObjectives.srft(), 4e-4, true);
    add(
        "uft",
        "hints that become shorter, learned by their likelihood",
        LabObjectives.uft(),
        2e-4,
        EnumSet.of(Role.ROLLOUT, Role.HINT),
        0.6,
        config ->
            new UftRecipe(
                config.objective(),
                HintSchedule.uft(config.scheduleSteps()),
                config.prompts(),
                config.samples()));
    add(
        "bread",
        "GRPO from an anchor in the trace where all answers fail",
        LabObjectives.bread(),
        2e-4,
        EnumSet.of(Role.ROLLOUT),
        0,
        config -> new BreadRecipe(config.objective(), config.prompts(), config.samples()));
    add(
        "prefix-rft",
        "one answer of each group continues the beginning of the trace",
        LabObjectives.prefixRft(),
        4e-4,
        EnumSet.of(Role.ROLLOUT, Role.HINT),
        1,
        config ->
            new PrefixRftRecipe(
                config.objective(),
                PrefixSchedule.prefixRft(config.scheduleSteps()),
                config.prompts(),
                config.samples()));
  }

  private Recipes() {}

  private static void add(
      String name,
      String description,
      Objective objective,
      double learningRate,
      Set<Role> roles,
      double scheduleShare,
      Function<TrainConfig, Recipe> create) {
    METHODS.put(
        name, new Method(name, description, objective, learningRate, roles, scheduleShare, create));
  }

  private static void addMixed(
      String name,
      String description,
      Objective objective,
      double learningRate,
      boolean rewardIsAdvantage) {
    add(
        name,
        description,
        objective,
        learningRate,
        EnumSet.of(Role.ROLLOUT, Role.DEMONSTRATION),
        0,
        config ->
            new MixedGroupRecipe(
                config.objective(), config.prompts(), config.samples(), rewardIsAdvantage));
  }

  /** All names, from the plainest method to the most elaborate. */
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
