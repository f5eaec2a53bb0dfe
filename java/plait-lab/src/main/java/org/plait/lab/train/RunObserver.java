package org.plait.lab.train;

/** Hears from a run how far it is, on the thread that trains. */
public interface RunObserver {

  /** An evaluation on so many problems begins. */
  void evaluating(int problems);

  /** Training begins, or goes on after {@code done} of {@code steps} steps. */
  void training(int done, int steps);

  /**
   * A step has been taken.
   *
   * @param message what it came to, in a few words
   */
  void step(String message);
}
