package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.HintSchedule;
import org.plait.recipe.Segments;

/**
 * UFT (Liu et al. 2025, arXiv:2505.16984): a group continues one hint, the first segments of the
 * expert's trace, which become fewer as training goes on; the hint is learned by its likelihood.
 */
final class UftRecipe implements Recipe {

  /** What a trace is cut into. */
  private static final int SEGMENTS = 5;

  private final Objective objective;
  private final HintSchedule schedule;
  private final int prompts;
  private final int samples;

  UftRecipe(Objective objective, HintSchedule schedule, int prompts, int samples) {
    this.objective = objective;
    this.schedule = schedule;
    this.prompts = prompts;
    this.samples = samples;
  }

  @Override
  public Batches next(StepContext context) {
    SplittableRandom random = context.random();
    List<Attempt> attempts = new ArrayList<>(prompts * samples);
    int hinted = 0;
    for (Example example : context.prompts(prompts)) {
      Segments segments = Segments.even(example.trace().tokens().length, SEGMENTS);
      int given = schedule.length(segments, context.step(), random);
      attempts.addAll(new Attempt(example, given, Role.HINT, BinaryReward.ONE_ZERO).times(samples));
      hinted += given > 0 ? 1 : 0;
    }
    List<AnswerGroup> groups = GrpoRecipe.grouped(attempts, samples, context);
    return AnswerGroup.batches(groups, objective, attempts.size(), hinted);
  }
}
