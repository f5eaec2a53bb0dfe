package org.plait.recipe;

import java.util.List;

/**
 * ReLIFT's alternation (Ma et al. 2025, arXiv:2506.07527): reinforcement learning on everything,
 * and supervised fine-tuning on the questions that it cannot solve, once enough of them have come
 * together.
 *
 * <pre>{@code
 * for each RL step:
 *   update on the rollouts of a batch; observe(question, rewards) for each group
 *   if the buffer holds at least n questions:
 *     take n of them; one SFT update on their demonstrations
 * }</pre>
 *
 * <p>There is at most one SFT update for each RL step, however full the buffer is. The two kinds of
 * update are counted apart: a learning-rate schedule of one must not advance with the other, as it
 * does upstream.
 *
 * <p>Not thread-safe.
 *
 * @param <Q> a question, as in {@link HardQuestionBuffer}
 */
public final class Relift<Q> {
  /**
   * All that the alternation needs to go on. Immutable and thread-safe.
   *
   * @param buffer of the buffer
   * @param rlSteps RL steps so far
   * @param sftSteps SFT updates so far
   * @param <Q> a question
   */
  public record State<Q>(HardQuestionBuffer.State<Q> buffer, long rlSteps, long sftSteps) {}

  private final HardQuestionBuffer<Q> buffer;
  private final int sftQuestions;
  private long rlSteps;
  private long sftSteps;

  /**
   * Starts with an empty buffer.
   *
   * @param options of the buffer
   * @param sftQuestions n: what an SFT update is made of and waits for, from 1 to the buffer's
   *     capacity; 128 upstream
   * @param seed of the buffer
   * @throws IllegalArgumentException if the buffer can never hold n questions
   */
  public Relift(HardQuestionBuffer.Options options, int sftQuestions, long seed) {
    buffer = new HardQuestionBuffer<>(options, seed);
    Checks.that(
        sftQuestions >= 1 && sftQuestions <= options.capacity(),
        "sftQuestions",
        "1 to the buffer's capacity of " + options.capacity(),
        sftQuestions);
    this.sftQuestions = sftQuestions;
  }

  /**
   * Takes note of a question's rollouts.
   *
   * @param question the question
   * @param rewards of its rollouts; NaN where there is none
   * @return how the group did
   * @see HardQuestionBuffer#observe
   */
  public GroupOutcome observe(Q question, float... rewards) {
    return buffer.observe(question, rewards);
  }

  /**
   * Ends an RL step, and says what to fine-tune on before the next one.
   *
   * @return n questions for one SFT update, or none if there are not enough
   */
  public List<Q> afterRlStep() {
    rlSteps++;
    if (buffer.size() < sftQuestions) {
      return List.of();
    }
    sftSteps++;
    return buffer.take(sftQuestions);
  }

  /**
   * Returns how many questions wait.
   *
   * @return the size of the buffer
   */
  public int waiting() {
    return buffer.size();
  }

  /**
   * Returns how many RL steps there have been: the step of their optimizer's schedule.
   *
   * @return a count
   */
  public long rlSteps() {
    return rlSteps;
  }

  /**
   * Returns how many SFT updates there have been: the step of their optimizer's schedule.
   *
   * @return a count, at most {@link #rlSteps()}
   */
  public long sftSteps() {
    return sftSteps;
  }

  /**
   * Returns all there is to save.
   *
   * @return the state, which later calls do not change
   */
  public State<Q> state() {
    return new State<>(buffer.state(), rlSteps, sftSteps);
  }

  /**
   * Goes on from a saved state.
   *
   * @param state of an alternation with the same arguments
   * @throws IllegalArgumentException if the state does not fit; nothing has changed then
   */
  public void restore(State<Q> state) {
    Checks.that(
        state.sftSteps >= 0 && state.sftSteps <= state.rlSteps,
        "state",
        "from 0 to rlSteps = " + state.rlSteps + " sftSteps",
        state.sftSteps);
    buffer.restore(state.buffer);
    rlSteps = state.rlSteps;
    sftSteps = state.sftSteps;
  }
}
