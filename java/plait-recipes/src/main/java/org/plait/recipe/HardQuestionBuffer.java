package org.plait.recipe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The questions that reinforcement learning cannot solve yet, kept for supervised fine-tuning:
 * ReLIFT's buffer (Ma et al. 2025, arXiv:2506.07527). A question enters when all of its rollouts
 * fail.
 *
 * <p>It holds questions and nothing else, each once. What a question is trained on is looked up
 * when it is taken, so nothing in the buffer can go stale; the upstream code keeps rows of old
 * rollouts, several of one question if it fails again.
 *
 * <p>Not thread-safe.
 *
 * @param <Q> a question, or whatever stands for it: an index, an id. Needs {@code equals} and
 *     {@code hashCode}
 */
public final class HardQuestionBuffer<Q> {
  /** Which questions are taken first. Immutable and thread-safe. */
  public enum Order {
    /**
     * Those that failed last, as in the upstream code. Old ones starve for as long as new ones keep
     * coming.
     */
    NEWEST_FIRST,
    /** Those that have waited longest. */
    OLDEST_FIRST,
    /** Any, with equal probability. */
    RANDOM
  }

  /**
   * How a buffer works. Immutable and thread-safe.
   *
   * @param capacity at least 1: when it is exceeded, the question that entered first leaves
   * @param order which questions are taken first
   * @param removeSolved whether a question leaves when one of its rollouts succeeds later on
   * @param failReward the highest reward that is a failure
   */
  public record Options(int capacity, Order order, boolean removeSolved, float failReward) {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if capacity is below 1 or failReward is NaN
     */
    public Options {
      Checks.that(capacity >= 1, "capacity", "at least 1", capacity);
      Checks.present("order", order);
      Checks.that(!Float.isNaN(failReward), "failReward", "a number", failReward);
    }

    /**
     * Newest first as upstream, solved questions removed, rewards up to 0 failing.
     *
     * @param capacity at least 1
     * @return the options
     */
    public static Options ofCapacity(int capacity) {
      return new Options(capacity, Order.NEWEST_FIRST, true, 0);
    }

    /**
     * Changes the order.
     *
     * @param value which questions are taken first
     * @return a changed copy
     */
    public Options withOrder(Order value) {
      return new Options(capacity, value, removeSolved, failReward);
    }

    /**
     * Changes whether solved questions leave.
     *
     * @param value true if they do
     * @return a changed copy
     */
    public Options withRemoveSolved(boolean value) {
      return new Options(capacity, order, value, failReward);
    }

    /**
     * Changes what a failure is.
     *
     * @param value the highest reward that is one
     * @return a changed copy
     */
    public Options withFailReward(float value) {
      return new Options(capacity, order, removeSolved, value);
    }
  }

  /**
   * All that a buffer needs to go on. Immutable and thread-safe.
   *
   * @param questions in the order in which they entered
   * @param random state of the generator
   * @param <Q> a question
   */
  public record State<Q>(List<Q> questions, long random) {
    /** Copies the list. */
    public State {
      questions = List.copyOf(questions);
    }
  }

  private final Options options;
  private final LinkedHashSet<Q> questions = new LinkedHashSet<>();
  private SplitMix64 random;

  /**
   * An empty buffer.
   *
   * @param options how it works
   * @param seed of {@link Order#RANDOM}
   */
  public HardQuestionBuffer(Options options, long seed) {
    Checks.present("options", options);
    this.options = options;
    this.random = new SplitMix64(seed);
  }

  /**
   * Takes note of a question's rollouts: it enters if all failed. One that is in the buffer already
   * becomes the newest under {@link Order#NEWEST_FIRST} and keeps its place otherwise, lest failing
   * again should make it wait again. One of which a rollout succeeded leaves, if the options say
   * so.
   *
   * @param question the question
   * @param rewards of its rollouts; NaN where there is none
   * @return how the group did
   */
  public GroupOutcome observe(Q question, float... rewards) {
    Checks.present("question", question);
    GroupOutcome outcome = GroupOutcome.of(options.failReward, rewards);
    switch (outcome) {
      case NONE_SOLVED -> enter(question);
      case SOME_SOLVED, ALL_SOLVED -> {
        if (options.removeSolved) {
          questions.remove(question);
        }
      }
      case UNSCORED -> {}
    }
    return outcome;
  }

  private void enter(Q question) {
    if (options.order == Order.NEWEST_FIRST) {
      questions.remove(question);
    }
    questions.add(question);
    if (questions.size() > options.capacity) {
      questions.remove(questions.iterator().next());
    }
  }

  /**
   * Removes questions and returns them, in the order of the options.
   *
   * @param count how many, from 0 to {@link #size()}
   * @return that many questions
   * @throws IllegalArgumentException if there are not as many
   */
  public List<Q> take(int count) {
    Checks.that(count >= 0 && count <= size(), "count", "0 to " + size() + " questions", count);
    List<Q> candidates = new ArrayList<>(questions);
    switch (options.order) {
      case NEWEST_FIRST -> Collections.reverse(candidates);
      case OLDEST_FIRST -> {}
      case RANDOM -> {
        for (int i = 0; i < count; i++) {
          int chosen = i + Distributions.index(candidates.size() - i, random);
          Collections.swap(candidates, i, chosen);
        }
      }
    }
    List<Q> taken = List.copyOf(candidates.subList(0, count));
    taken.forEach(questions::remove);
    return taken;
  }

  /**
   * Returns how many questions there are.
   *
   * @return from 0 to the capacity
   */
  public int size() {
    return questions.size();
  }

  /**
   * Returns how the buffer works.
   *
   * @return the options that it was made with
   */
  public Options options() {
    return options;
  }

  /**
   * Returns all there is to save.
   *
   * @return the state, which later calls do not change
   */
  public State<Q> state() {
    return new State<>(new ArrayList<>(questions), random.state());
  }

  /**
   * Goes on from a saved state.
   *
   * @param state of a buffer with the same options
   * @throws IllegalArgumentException if the state does not fit; the buffer is unchanged then
   */
  public void restore(State<Q> state) {
    Checks.that(
        state.questions.size() <= options.capacity,
        "state",
        "at most " + options.capacity + " questions",
        state.questions.size());
    LinkedHashSet<Q> restored = new LinkedHashSet<>(state.questions);
    Checks.that(
        restored.size() == state.questions.size(), "state", "each question once", state.questions);
    questions.clear();
    questions.addAll(restored);
    random = new SplitMix64(state.random);
  }
}
