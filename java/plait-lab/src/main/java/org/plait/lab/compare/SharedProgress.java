package org.plait.lab.compare;

import org.plait.lab.train.Progress;
import org.plait.lab.train.RunObserver;

/** One progress bar over the steps of all runs, of which several may go on at once. */
final class SharedProgress implements AutoCloseable {

  private final Progress bar;

  /** Starts at step {@code done} of {@code total} over all runs. */
  SharedProgress(long done, long total) {
    bar = Progress.start("Comparing", done, total);
  }

  /** What a run reports to, under its title. */
  RunObserver observer(String title) {
    return new RunObserver() {
      @Override
      public void evaluating(int problems) {
        bar.show(title + ": evaluating");
      }

      @Override
      public void training(int done, int steps) {
        bar.show(title);
      }

      @Override
      public void step(String message) {
        bar.step(title + ": " + message);
      }
    };
  }

  @Override
  public void close() {
    bar.close();
  }
}
