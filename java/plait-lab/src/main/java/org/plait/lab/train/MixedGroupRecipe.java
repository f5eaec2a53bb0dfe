package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.GroupAdvantage;
import org.plait.Objective;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.Response;
import org.plait.recipe.ResponseGroup;

/**
 * LUFFY (Yan et al. 2025, arXiv:2504.14945) and SRFT (Fu et al. 2025, arXiv:2506.19767): the
 * expert's answer is one of the group, judged against the rollouts and trained on by a rule of its
 * own.
 */
final class MixedGroupRecipe implements Recipe {

  private final Objective objective;
  private final int prompts;
  private final int samples;
  private final boolean rewardIsAdvantage;

  /**
   * @param samples answers in a group, the expert's among them
   * @param rewardIsAdvantage whether rollouts have 1 and -1 for an advantage, as in SRFT, and only
   *     the demonstration is judged against its group
   */
  MixedGroupRecipe(Objective objective, int prompts, int samples, boolean rewardIsAdvantage) {
    this.objective = objective;
    this.prompts = prompts;
    this.samples = samples;
    this.rewardIsAdvantage = rewardIsAdvantage;
  }

  @Override
  public Batches next(StepContext context) {
    BinaryReward reward = rewardIsAdvantage ? BinaryReward.PLUS_MINUS_ONE : BinaryReward.ONE_ZERO;
    List<Example> examples = context.prompts(prompts);
    List<Attempt> attempts = new ArrayList<>();
    for (Example example : examples) {
      attempts.addAll(Attempt.of(example, reward).times(samples - 1));
    }
    List<Response<int[]>> rollouts = Attempt.sample(attempts, context);
    List<AnswerGroup> groups = new ArrayList<>();
    for (Example example : examples) {
      int from = groups.size() * (samples - 1);
      groups.add(
          new AnswerGroup(
              example.problem(),
              ResponseGroup.mixed(
                  samples,
                  rollouts.subList(from, from + samples - 1),
                  Attempt.demonstration(example, reward))));
    }
    float[] advantages = AnswerGroup.advantages(groups, GroupAdvantage.grpo());
    if (rewardIsAdvantage) {
      putRewards(groups, advantages);
    }
    Update update = new Update(AnswerGroup.sequences(groups, advantages), objective);
    return new Batches(List.of(update), AnswerGroup.solved(groups), rollouts.size(), groups.size());
  }

  /** In the places of the rollouts. */
  private static void putRewards(List<AnswerGroup> groups, float[] advantages) {
    int next = 0;
    for (AnswerGroup group : groups) {
      for (Response<int[]> response : group.responses().responses()) {
        if (response.origin() == Role.ROLLOUT) {
          advantages[next] = response.reward();
        }
        next++;
      }
    }
  }
}
