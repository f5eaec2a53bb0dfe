package org.plait.recipe;

import java.util.ArrayList;
import java.util.List;

/**
 * DAPO's dynamic sampling (Yu et al. 2025, arXiv:2503.14476; {@code filter_groups} in verl): only
 * groups whose rewards differ have an advantage to learn from, so generation goes on until there
 * are enough of those, or until a maximum number of generation batches.
 *
 * <pre>{@code
 * do {
 *   for each group of a generation batch: sampling.offer(group, rewards)
 * } while (sampling.endBatch() == DynamicSampling.Status.MORE);
 * train on sampling.take();
 * }</pre>
 *
 * <p>Whether rewards differ is asked of the rewards themselves, not of a standard deviation, which
 * is not exactly 0 for equal rewards such as 0.1. NaN rewards do not count; a group of one has no
 * other reward to differ from and is dropped (verl keeps it).
 *
 * <p>Not thread-safe.
 *
 * @param <G> a group: a {@link ResponseGroup}, or anything that stands for one
 */
public final class DynamicSampling<G> {
  /** What to do after a generation batch. Immutable and thread-safe. */
  public enum Status {
    /** Generate another one. */
    MORE,
    /** There are enough groups: train. */
    ENOUGH,
    /**
     * Too few groups after the maximum number of generation batches: train on those there are, or
     * stop, as verl does.
     */
    EXHAUSTED
  }

  /**
   * All that the sampling needs to go on. Immutable and thread-safe if groups are.
   *
   * @param kept groups kept since the last {@link #take}
   * @param batches generation batches since then
   * @param status after the last of them
   * @param <G> a group
   */
  public record State<G>(List<G> kept, int batches, Status status) {
    /** Copies the list. */
    public State {
      kept = List.copyOf(kept);
    }
  }

  private final int prompts;
  private final int maxBatches;
  private final List<G> kept = new ArrayList<>();
  private int batches;
  private Status status = Status.MORE;

  /**
   * Starts with nothing.
   *
   * @param prompts how many groups a training batch is made of, at least 1
   * @param maxBatches generation batches to give up after, at least 1; 10 in the paper's
   *     configuration
   */
  public DynamicSampling(int prompts, int maxBatches) {
    Checks.that(prompts >= 1, "prompts", "at least 1", prompts);
    Checks.that(maxBatches >= 1, "maxBatches", "at least 1", maxBatches);
    this.prompts = prompts;
    this.maxBatches = maxBatches;
  }

  /**
   * Says whether a group has anything to learn from.
   *
   * @param rewards of the group; NaN where there is none
   * @return true if two of them differ
   */
  public static boolean differ(float... rewards) {
    Checks.present("rewards", rewards);
    float first = Float.NaN;
    for (float reward : rewards) {
      Checks.that(!Float.isInfinite(reward), "rewards", "finite numbers or NaN", reward);
      if (Float.isNaN(first)) {
        first = reward;
      } else if (reward < first || reward > first) {
        return true;
      }
    }
    return false;
  }

  /**
   * Keeps a group if its rewards differ.
   *
   * @param group the group
   * @param rewards what it is judged by: the rewards, or a metric such as accuracy
   * @return whether it was kept
   * @throws IllegalStateException if generation is over and nobody has called {@link #take}
   */
  public boolean offer(G group, float... rewards) {
    Checks.present("group", group);
    Checks.state(status == Status.MORE, "offer", "take() first", status);
    boolean keep = differ(rewards);
    if (keep) {
      kept.add(group);
    }
    return keep;
  }

  /**
   * Ends a generation batch.
   *
   * @return what to do next
   * @throws IllegalStateException if generation is over and nobody has called {@link #take}
   */
  public Status endBatch() {
    Checks.state(status == Status.MORE, "endBatch", "take() first", status);
    batches++;
    if (kept.size() >= prompts) {
      status = Status.ENOUGH;
    } else if (batches >= maxBatches) {
      status = Status.EXHAUSTED;
    }
    return status;
  }

  /**
   * Returns the training batch and starts anew. Surplus groups are dropped, as in verl: by the next
   * step they would be another policy's.
   *
   * @return the groups that were kept first; fewer than a batch, perhaps none, if exhausted
   * @throws IllegalStateException if generation is not over
   */
  public List<G> take() {
    Checks.state(status != Status.MORE, "take", "generation to be over", status);
    List<G> batch = List.copyOf(kept.subList(0, Math.min(prompts, kept.size())));
    kept.clear();
    batches = 0;
    status = Status.MORE;
    return batch;
  }

  /**
   * Returns how many groups have been kept since the last {@link #take}.
   *
   * @return a count
   */
  public int kept() {
    return kept.size();
  }

  /**
   * Returns how many generation batches there have been since the last {@link #take}.
   *
   * @return a count
   */
  public int batches() {
    return batches;
  }

  /**
   * Returns all there is to save.
   *
   * @return the state, which later calls do not change
   */
  public State<G> state() {
    return new State<>(kept, batches, status);
  }

  /**
   * Goes on from a saved state.
   *
   * @param state of a sampling with the same arguments
   * @throws IllegalArgumentException if the state does not fit
   */
  public void restore(State<G> state) {
    Checks.that(
        state.batches >= 0 && state.batches <= maxBatches,
        "state",
        "0 to " + maxBatches + " batches",
        state.batches);
    Checks.present("state.status", state.status);
    kept.clear();
    kept.addAll(state.kept);
    batches = state.batches;
    status = state.status;
  }
}
