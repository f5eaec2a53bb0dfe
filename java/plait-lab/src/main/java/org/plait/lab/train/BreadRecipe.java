package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.GroupAdvantage;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.recipe.AnchorSearches;
import org.plait.recipe.AnchorSearches.Probe;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.GroupOutcome;
import org.plait.recipe.Segments;

/**
 * BREAD (Zhang et al. 2025, arXiv:2506.17211): where all answers fail, groups that continue longer
 * or shorter beginnings of the expert's trace are tried until some of one succeed, and that one is
 * trained on instead. Searches begin and end within a step, and are not remembered.
 */
final class BreadRecipe implements Recipe {

  /** What a trace is cut into. */
  private static final int EPISODES = 5;

  private final Objective objective;
  private final int prompts;
  private final int samples;

  BreadRecipe(Objective objective, int prompts, int samples) {
    this.objective = objective;
    this.prompts = prompts;
    this.samples = samples;
  }

  @Override
  public Batches next(StepContext context) {
    List<Example> examples = context.prompts(prompts);
    List<AnswerGroup> groups = GrpoRecipe.sample(examples, samples, context);
    double reward = AnswerGroup.solved(groups);
    AnchorSearches<Integer> searches = new AnchorSearches<>(false);
    int searched = 0;
    for (int i = 0; i < prompts; i++) {
      if (GroupOutcome.of(0, groups.get(i).responses().rewards()) == GroupOutcome.NONE_SOLVED) {
        searches.start(i, segments(examples.get(i)).count());
        searched++;
      }
    }
    int rollouts = prompts * samples;
    for (List<Probe<Integer>> probes = searches.probes();
        !probes.isEmpty();
        probes = searches.probes()) {
      List<AnswerGroup> tried = sample(probes, examples, context);
      rollouts += probes.size() * samples;
      for (int i = 0; i < probes.size(); i++) {
        int question = probes.get(i).question();
        searches.report(question, tried.get(i).successes(), samples);
        groups.set(question, tried.get(i));
      }
    }
    float[] advantages = AnswerGroup.advantages(groups, GroupAdvantage.grpo());
    Update update = new Update(AnswerGroup.sequences(groups, advantages), objective);
    return new Batches(List.of(update), reward, rollouts, searched);
  }

  private List<AnswerGroup> sample(
      List<Probe<Integer>> probes, List<Example> examples, StepContext context) {
    List<Attempt> attempts = new ArrayList<>();
    for (Probe<Integer> probe : probes) {
      Example example = examples.get(probe.question());
      int given = segments(example).prefix(probe.reveal());
      attempts.addAll(
          new Attempt(example, given, Role.IGNORED, BinaryReward.ONE_ZERO).times(samples));
    }
    return GrpoRecipe.grouped(attempts, samples, context);
  }

  private static Segments segments(Example example) {
    return Segments.even(example.trace().tokens().length, EPISODES);
  }
}
