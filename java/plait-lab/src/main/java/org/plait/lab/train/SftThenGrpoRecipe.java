package org.plait.lab.train;

import org.plait.Objective;

/**
 * The pipeline that fused methods have to beat: supervised fine-tuning first, then GRPO, with the
 * same optimizer.
 */
final class SftThenGrpoRecipe implements Recipe {

  private final Recipe first;
  private final Recipe second;
  private final int firstSteps;

  /**
   * @param objective of the second stage
   * @param firstSteps steps of the first stage
   */
  SftThenGrpoRecipe(Objective objective, int firstSteps, int prompts, int samples) {
    this.first = new SftRecipe(Objective.sft(), prompts * samples);
    this.second = new GrpoRecipe(objective, prompts, samples);
    this.firstSteps = firstSteps;
  }

  @Override
  public Batches next(StepContext context) {
    return (context.step() < firstSteps ? first : second).next(context);
  }
}
