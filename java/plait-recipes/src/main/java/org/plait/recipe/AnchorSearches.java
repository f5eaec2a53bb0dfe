package org.plait.recipe;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Many {@link AnchorSearch}es at once, so that a trainer samples for all of them in one batch, with
 * or without memory of where the last search of a prompt ended:
 *
 * <pre>{@code
 * for each prompt whose rollouts all failed: searches.start(prompt, trace.count());
 * while (!searches.probes().isEmpty()) {
 *   sample a group for each probe, all in one batch
 *   for each probe: searches.report(probe.question(), successes, rollouts)
 * }
 * }</pre>
 *
 * <p>With memory, a search starts where the last one of the prompt ended, not in the middle; a
 * policy that has learned little since needs one group instead of several. Whether the paper
 * remembers is not known.
 *
 * <p>Not thread-safe.
 *
 * @param <Q> a question, or whatever stands for it. Needs {@code equals} and {@code hashCode}
 */
public final class AnchorSearches<Q> {
  /**
   * What to sample: a group of rollouts that continue the first episodes of a question's trace.
   * Immutable and thread-safe.
   *
   * @param question the question
   * @param reveal how many episodes
   * @param <Q> a question
   */
  public record Probe<Q>(Q question, int reveal) {}

  /**
   * A search under way. Immutable and thread-safe.
   *
   * @param question the question
   * @param search how far it is
   * @param <Q> a question
   */
  public record Open<Q>(Q question, AnchorSearch search) {}

  /**
   * Where a search ended. Immutable and thread-safe.
   *
   * @param question the question
   * @param reveal episodes
   * @param <Q> a question
   */
  public record Remembered<Q>(Q question, int reveal) {}

  /**
   * All that the searches need to go on. Immutable and thread-safe.
   *
   * @param open searches under way, in the order in which they started
   * @param remembered what is remembered
   * @param <Q> a question
   */
  public record State<Q>(List<Open<Q>> open, List<Remembered<Q>> remembered) {
    /** Copies the lists. */
    public State {
      open = List.copyOf(open);
      remembered = List.copyOf(remembered);
    }
  }

  private final boolean remember;
  private final Map<Q, AnchorSearch> open = new LinkedHashMap<>();
  private final Map<Q, Integer> remembered = new LinkedHashMap<>();

  /**
   * Starts without a search.
   *
   * @param remember whether the next search of a question starts where the last one ended
   */
  public AnchorSearches(boolean remember) {
    this.remember = remember;
  }

  /**
   * Starts the search for a question of which all rollouts have failed without a hint.
   *
   * @param question one that is not being searched
   * @param episodes of its trace, at least 1
   * @return the search; it is over at once if the trace has only one episode
   * @throws IllegalStateException if a search for the question is under way
   */
  public AnchorSearch start(Q question, int episodes) {
    Checks.present("question", question);
    Checks.state(
        !open.containsKey(question), "question", "one that is not being searched", question);
    Integer last = remembered.get(question);
    AnchorSearch middle = AnchorSearch.afterFailure(episodes);
    AnchorSearch search = last == null ? middle : middle.tryNext(last);
    if (!search.isOver()) {
      open.put(question, search);
    }
    return search;
  }

  /**
   * Returns what to sample next, for every search under way.
   *
   * @return in the order in which the searches started; empty if there are none
   */
  public List<Probe<Q>> probes() {
    return open.entrySet().stream()
        .map(entry -> new Probe<>(entry.getKey(), entry.getValue().reveal()))
        .toList();
  }

  /**
   * Goes on with the outcome of a probe.
   *
   * @param question the question
   * @param successes rollouts that succeeded, from 0 to rollouts
   * @param rollouts size of the group, at least 1
   * @return the search as it goes on; if it is over, it is not under way any more
   * @throws IllegalArgumentException if a number is out of range
   * @throws IllegalStateException if no search for the question is under way
   */
  public AnchorSearch report(Q question, int successes, int rollouts) {
    AnchorSearch search = open.get(question);
    if (search == null) {
      throw new IllegalStateException(
          "question: expected one that is being searched, got " + question);
    }
    AnchorSearch next = search.report(successes, rollouts);
    if (!next.isOver()) {
      open.put(question, next);
      return next;
    }
    open.remove(question);
    if (remember) {
      remembered.put(question, next.reveal());
    }
    return next;
  }

  /**
   * Returns where the last search of a question ended.
   *
   * @param question the question
   * @return episodes, or nothing if nothing is remembered
   */
  public OptionalInt remembered(Q question) {
    Integer reveal = remembered.get(question);
    return reveal == null ? OptionalInt.empty() : OptionalInt.of(reveal);
  }

  /**
   * Forgets where the last search of a question ended: when it is solved without a hint, say.
   *
   * @param question the question
   */
  public void forget(Q question) {
    remembered.remove(question);
  }

  /**
   * Returns all there is to save.
   *
   * @return the state, which later calls do not change
   */
  public State<Q> state() {
    return new State<>(
        open.entrySet().stream().map(e -> new Open<>(e.getKey(), e.getValue())).toList(),
        remembered.entrySet().stream()
            .map(e -> new Remembered<>(e.getKey(), e.getValue()))
            .toList());
  }

  /**
   * Goes on from a saved state.
   *
   * @param state of searches with the same argument
   */
  public void restore(State<Q> state) {
    open.clear();
    remembered.clear();
    state.open.forEach(entry -> open.put(entry.question, entry.search));
    state.remembered.forEach(entry -> remembered.put(entry.question, entry.reveal));
  }
}
