package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Verifier;

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
    List<Problem> problems = new ArrayList<>();
    long[] offsets = new long[prompts + 1];
    for (Example example : context.prompts(prompts)) {
      for (int i = 0; i < samples; i++) {
        problems.add(example.problem());
      }
    }
    for (int group = 0; group < prompts; group++) {
      offsets[group + 1] = offsets[group] + samples;
    }
    List<int[]> answers = context.sample(problems.stream().map(Problem::prompt).toList());
    float[] rewards = new float[answers.size()];
    double total = 0;
    for (int i = 0; i < rewards.length; i++) {
      boolean accepted = Verifier.accepts(problems.get(i), answers.get(i), Problem.PROMPT_LENGTH);
      rewards[i] = accepted ? 1 : 0;
      total += rewards[i];
    }
    float[] advantages =
        GroupAdvantage.grpo()
            .of(TensorView.copyOf(rewards), Groups.offsets(TensorView.copyOf(offsets)))
            .toFloats();
    List<TrainingSequence> sequences = new ArrayList<>(rewards.length);
    for (int i = 0; i < rewards.length; i++) {
      sequences.add(TrainingSequence.rollout(answers.get(i), advantages[i]));
    }
    return new Batches(
        List.of(new Update(sequences, objective)), total / rewards.length, rewards.length);
  }
}
