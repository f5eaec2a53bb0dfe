package org.plait.lab.train;

import org.jspecify.annotations.Nullable;

/** Shows one run: a line for each evaluation, a progress bar for its steps. */
final class RunDisplay implements RunObserver, AutoCloseable {

  private final String task;
  private @Nullable Progress bar;

  RunDisplay(String task) {
    this.task = task;
  }

  @Override
  public void evaluating(int problems) {
    close();
    System.err.println("Evaluating on " + problems + " problems");
  }

  @Override
  public void training(int done, int steps) {
    close();
    bar = Progress.start(task, done, steps);
  }

  @Override
  public void step(String message) {
    if (bar != null) {
      bar.step(message);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
