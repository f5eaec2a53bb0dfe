package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.Objective;
import org.plait.lab.countdown.Example;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.Response;

/**
 * GRPO (Shao et al. 2024, arXiv:2402.03300): several answers to each prompt, rewarded by the
 * verifier, each judged against its group.
 */
final class GrpoRecipe implements Recipe {

  private final Objective objective;
  private final int prompts;
  private final int samples;

  GrpoRecipe(Objective objective, int prompts, int samples) {
    this.objective = objective;
    this.prompts = prompts;
    this.samples = samples;
  }

  @Override
  public Batches next(StepContext context) {
    List<AnswerGroup> groups = sample(context.prompts(prompts), samples, context);
    return AnswerGroup.batches(groups, objective, prompts * samples, 0);
  }

  /** A group of answers without hints for each example. */
  static List<AnswerGroup> sample(List<Example> examples, int samples, StepContext context) {
    List<Attempt> attempts = new ArrayList<>(examples.size() * samples);
    for (Example example : examples) {
      attempts.addAll(Attempt.of(example, BinaryReward.ONE_ZERO).times(samples));
    }
    return grouped(attempts, samples, context);
  }

  /** Samples attempts, of which each {@code samples} make a group. */
  static List<AnswerGroup> grouped(List<Attempt> attempts, int samples, StepContext context) {
    List<Response<int[]>> responses = Attempt.sample(attempts, context);
    List<AnswerGroup> groups = new ArrayList<>();
    for (int from = 0; from < attempts.size(); from += samples) {
      groups.add(
          AnswerGroup.of(
              attempts.get(from).example().problem(), responses.subList(from, from + samples)));
    }
    return groups;
  }
}
