package org.plait.lab.train;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.plait.GroupAdvantage;
import org.plait.Objective;
import org.plait.recipe.HardQuestionBuffer;
import org.plait.recipe.Relift;

/**
 * ReLIFT (Ma et al. 2025, arXiv:2506.07527): GRPO, and once enough prompts have come together of
 * which all answers failed, a supervised step on their demonstrations, with an optimizer of its
 * own.
 */
final class ReliftRecipe implements Recipe {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Objective objective;
  private final int prompts;
  private final int samples;
  private final Relift<Integer> relift;

  /**
   * @param objective of the rollouts
   * @param hard prompts of a supervised step
   */
  ReliftRecipe(Objective objective, int prompts, int samples, int hard, long seed) {
    this.objective = objective;
    this.prompts = prompts;
    this.samples = samples;
    // A step adds no more than its prompts, and takes what it can: the buffer never overflows.
    this.relift = new Relift<>(HardQuestionBuffer.Options.ofCapacity(hard + prompts), hard, seed);
  }

  @Override
  public Batches next(StepContext context) {
    List<Integer> questions = context.questions(prompts);
    List<AnswerGroup> groups =
        GrpoRecipe.sample(questions.stream().map(context::example).toList(), samples, context);
    for (int i = 0; i < prompts; i++) {
      relift.observe(questions.get(i), groups.get(i).responses().rewards());
    }
    float[] advantages = AnswerGroup.advantages(groups, GroupAdvantage.grpo());
    List<Update> updates = new ArrayList<>();
    updates.add(new Update(AnswerGroup.sequences(groups, advantages), objective));
    List<TrainingSequence> demonstrations =
        relift.afterRlStep().stream()
            .map(question -> TrainingSequence.demonstration(context.example(question)))
            .toList();
    if (!demonstrations.isEmpty()) {
      updates.add(new Update(demonstrations, Objective.sft(), Optimizer.SUPERVISED));
    }
    return new Batches(
        updates, AnswerGroup.solved(groups), prompts * samples, demonstrations.size());
  }

  @Override
  public JsonNode state() {
    return JSON.valueToTree(relift.state());
  }

  @Override
  public void restore(JsonNode state) {
    relift.restore(JSON.convertValue(state, new TypeReference<Relift.State<Integer>>() {}));
  }
}
