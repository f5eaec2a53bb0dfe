package org.plait.recipe;

/**
 * The search for an anchor of BREAD (Zhang et al. 2025, arXiv:2506.17211): how many episodes of an
 * expert's trace to reveal so that rollouts which continue it neither all fail nor all succeed.
 *
 * <p>Bisection. All fail: reveal more. All succeed: reveal less. Otherwise: keep.
 *
 * <pre>{@code
 * low = 1, high = episodes
 * while low < high:
 *   reveal = (low + high) / 2; sample a group; count successes
 *   0:       low = reveal + 1
 *   all:     high = reveal
 *   between: found
 * }</pre>
 *
 * <p>The search never reveals the last episode, so never the whole trace, and asks at most {@code
 * ceil(log2(episodes))} times, whatever it is told, and once more if {@link #tryNext} made it start
 * elsewhere. The paper leaves open how exactly it searches; this is the rule that is reported of
 * it.
 *
 * <p>A value, and so its own state: {@link #report} returns the search as it goes on, a checkpoint
 * saves the components, and a trainer can advance many searches with one batch of rollouts. {@link
 * AnchorSearches} does. Immutable and thread-safe.
 *
 * @param episodes of the trace, at least 1; 10 in the paper
 * @param low fewest episodes that can still be the anchor
 * @param high all succeed from here on, or this is the whole trace
 * @param reveal episodes to reveal next, or the anchor once there is one
 * @param status where the search stands
 */
public record AnchorSearch(int episodes, int low, int high, int reveal, Status status) {
  /** Where a search stands. Immutable and thread-safe. */
  public enum Status {
    /** It waits for the outcome of a group. */
    SEARCHING,
    /** Some rollouts succeed from the anchor and some fail. */
    FOUND,
    /**
     * All succeed from the anchor, and none with an episode less. That group has no advantage to
     * learn from, but the next one from there may.
     */
    STEEP,
    /** All fail, with all episodes but the last: skip the prompt. */
    EXHAUSTED
  }

  /**
   * Checks the components.
   *
   * @throws IllegalArgumentException if they are not those of a search
   */
  public AnchorSearch {
    Checks.that(episodes >= 1, "episodes", "at least 1", episodes);
    Checks.that(low >= 0 && low <= episodes, "low", "0 to episodes = " + episodes, low);
    Checks.that(high >= low && high <= episodes, "high", low + " to episodes = " + episodes, high);
    Checks.present("status", status);
    Checks.that(reveal >= 0 && reveal < episodes, "reveal", "0 to below " + episodes, reveal);
    if (status == Status.SEARCHING) {
      Checks.that(
          reveal >= low && reveal < high, "reveal", "low = " + low + " to below " + high, reveal);
    }
  }

  /**
   * Starts for a prompt of which all rollouts have failed without a hint.
   *
   * @param episodes of the trace, at least 1; of a trace of one episode nothing can be revealed, so
   *     its search is {@link Status#EXHAUSTED} at once
   * @return the search
   */
  public static AnchorSearch afterFailure(int episodes) {
    Checks.that(episodes >= 1, "episodes", "at least 1", episodes);
    return between(episodes, 1, episodes);
  }

  /**
   * Starts for a prompt that has not been tried without a hint; the anchor may then be 0 episodes.
   *
   * @param episodes of the trace, at least 1
   * @return the search
   */
  public static AnchorSearch untried(int episodes) {
    return between(episodes, 0, episodes);
  }

  private static AnchorSearch between(int episodes, int low, int high) {
    if (low < high) {
      return new AnchorSearch(episodes, low, high, low + (high - low) / 2, Status.SEARCHING);
    }
    return low < episodes
        ? new AnchorSearch(episodes, low, high, low, Status.STEEP)
        : new AnchorSearch(episodes, low, high, episodes - 1, Status.EXHAUSTED);
  }

  /**
   * Asks for another number of episodes next: the anchor of an earlier epoch, say.
   *
   * @param guess any number; the nearest one that is possible is taken
   * @return the search, or this one if it is over
   */
  public AnchorSearch tryNext(int guess) {
    if (isOver()) {
      return this;
    }
    int possible = Math.max(low, Math.min(guess, high - 1));
    return new AnchorSearch(episodes, low, high, possible, status);
  }

  /**
   * Goes on with the outcome of a group that continued {@link #reveal} episodes.
   *
   * @param successes rollouts that succeeded, from 0 to rollouts
   * @param rollouts size of the group, at least 1
   * @return the search as it goes on
   * @throws IllegalArgumentException if an argument is out of range
   * @throws IllegalStateException if the search is over
   */
  public AnchorSearch report(int successes, int rollouts) {
    Checks.state(!isOver(), "report", "a search that goes on", status);
    Checks.that(rollouts >= 1, "rollouts", "at least 1", rollouts);
    Checks.that(
        successes >= 0 && successes <= rollouts, "successes", "0 to " + rollouts, successes);
    if (successes == 0) {
      return between(episodes, reveal + 1, high);
    }
    if (successes == rollouts) {
      return between(episodes, low, reveal);
    }
    return new AnchorSearch(episodes, low, high, reveal, Status.FOUND);
  }

  /**
   * Says whether there is nothing more to ask.
   *
   * @return false while {@link Status#SEARCHING}
   */
  public boolean isOver() {
    return status != Status.SEARCHING;
  }

  /**
   * Says whether there is an anchor to branch from: {@link #reveal} episodes.
   *
   * @return true if {@link Status#FOUND} or {@link Status#STEEP}
   */
  public boolean hasAnchor() {
    return status == Status.FOUND || status == Status.STEEP;
  }
}
