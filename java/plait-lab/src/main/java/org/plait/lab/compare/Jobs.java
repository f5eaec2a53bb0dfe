package org.plait.lab.compare;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks in order, a few at a time. After a failure no task starts, and those that are under
 * way stop where they call {@link #checkpoint}: not by interruption, which could free tensors that
 * another thread still computes with. Thread-safe.
 */
final class Jobs {

  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  /** Returns when all are done, or throws what the first to fail threw. */
  void run(List<Runnable> tasks, int atOnce) {
    ExecutorService executor =
        Executors.newFixedThreadPool(
            atOnce,
            task -> {
              Thread thread = new Thread(task, "plait-job");
              thread.setDaemon(true);
              return thread;
            });
    tasks.forEach(task -> executor.execute(() -> runOne(task)));
    executor.shutdown();
    try {
      executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      failure.compareAndSet(null, new IllegalStateException("interrupted while runs were busy", e));
      Thread.currentThread().interrupt();
    }
    Throwable thrown = failure.get();
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private void runOne(Runnable task) {
    if (failure.get() != null) {
      return;
    }
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, e);
    }
  }

  /** Ends the calling task if another one failed. */
  void checkpoint() {
    if (failure.get() != null) {
      throw new CancellationException("another run failed");
    }
  }
}
