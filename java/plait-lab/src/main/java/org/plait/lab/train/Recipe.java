package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.List;
import org.plait.Objective;

/**
 * What a training method does around the kernels: it makes the batches of a step, from rollouts,
 * demonstrations or both, and says which objective each is trained on. Not thread-safe.
 */
public interface Recipe {

  /** Which optimizer takes the step: each keeps moments of its own. */
  enum Optimizer {
    /** What all recipes use. */
    MAIN,
    /** ReLIFT's second one, of its supervised steps. */
    SUPERVISED
  }

  /**
   * One batch to take an optimizer step on; several if there are mini-batches.
   *
   * @param sequences with their roles and advantages; a group of rollouts stays together
   */
  record Update(List<TrainingSequence> sequences, Objective objective, Optimizer optimizer) {

    /** A batch for the main optimizer. */
    Update(List<TrainingSequence> sequences, Objective objective) {
      this(sequences, objective, Optimizer.MAIN);
    }
  }

  /**
   * What a step made.
   *
   * @param reward mean reward of the answers that the policy sampled, with or without a hint; NaN
   *     if there were none
   * @param rollouts answers that the policy sampled, in searches too
   * @param demonstrations traces that were trained on or given as hints, whole or in part
   */
  record Batches(List<Update> updates, double reward, int rollouts, int demonstrations) {}

  /** The batches of the step that the context describes. */
  Batches next(StepContext context);

  /** Everything besides the step number that later steps depend on; null if nothing. */
  default JsonNode state() {
    return NullNode.getInstance();
  }

  /** Continues from a saved {@link #state}. */
  default void restore(JsonNode state) {}
}
