package org.plait.lab.compare;

import org.plait.lab.train.RunObserver;

/** Ends its run between two steps once another run failed. */
record StoppableObserver(RunObserver observer, Jobs jobs) implements RunObserver {

  @Override
  public void evaluating(int problems) {
    jobs.checkpoint();
    observer.evaluating(problems);
  }

  @Override
  public void training(int done, int steps) {
    observer.training(done, steps);
  }

  @Override
  public void step(String message) {
    jobs.checkpoint();
    observer.step(message);
  }
}
