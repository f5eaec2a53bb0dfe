package org.plait.lab.train;

import java.util.List;
import org.plait.Objective;

/** Supervised fine-tuning on demonstrations. */
final class SftRecipe implements Recipe {

  private final Objective objective;
  private final int demonstrations;

  /**
   * @param demonstrations per step
   */
  SftRecipe(Objective objective, int demonstrations) {
    this.objective = objective;
    this.demonstrations = demonstrations;
  }

  @Override
  public Batches next(StepContext context) {
    List<TrainingSequence> sequences =
        context.prompts(demonstrations).stream().map(TrainingSequence::demonstration).toList();
    return new Batches(List.of(new Update(sequences, objective)), Double.NaN, 0, sequences.size());
  }
}
