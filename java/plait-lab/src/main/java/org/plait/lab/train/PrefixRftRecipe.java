package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.PrefixSchedule;

/**
 * Prefix-RFT (Huang et al. 2025, arXiv:2507.01679): the last answer of a group continues the
 * beginning of the expert's trace, and shares its advantage with that prefix.
 */
final class PrefixRftRecipe implements Recipe {

  private final Objective objective;
  private final PrefixSchedule schedule;
  private final int prompts;
  private final int samples;

  PrefixRftRecipe(Objective objective, PrefixSchedule schedule, int prompts, int samples) {
    this.objective = objective;
    this.schedule = schedule;
    this.prompts = prompts;
    this.samples = samples;
  }

  @Override
  public Batches next(StepContext context) {
    SplittableRandom random = context.random();
    List<Attempt> attempts = new ArrayList<>(prompts * samples);
    for (Example example : context.prompts(prompts)) {
      attempts.addAll(Attempt.of(example, BinaryReward.ONE_ZERO).times(samples - 1));
      int given = schedule.draw(example.trace().tokens().length, context.step(), random);
      attempts.add(new Attempt(example, given, Role.HINT, BinaryReward.ONE_ZERO));
    }
    List<AnswerGroup> groups = GrpoRecipe.grouped(attempts, samples, context);
    return AnswerGroup.batches(groups, objective, attempts.size(), prompts);
  }
}
