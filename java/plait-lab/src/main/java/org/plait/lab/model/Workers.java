package org.plait.lab.model;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.PointerScope;

/**
 * Threads that work on parts of a batch.
 *
 * <p>A model this small leaves nothing to share within one matrix product, so each thread computes
 * its part alone. How a batch is divided must not depend on the number of threads: then no result
 * does either, down to the last bit.
 */
public final class Workers implements AutoCloseable {

  private final int threads;
  private final ExecutorService executor;

  public Workers(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: expected at least 1, got " + threads);
    }
    TorchRuntime.computeInCallingThread();
    this.threads = threads;
    this.executor =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread =
                  new Thread(
                      () -> {
                        TorchRuntime.computeInCallingThread();
                        task.run();
                      },
                      "plait-worker");
              thread.setDaemon(true);
              return thread;
            });
  }

  public int threads() {
    return threads;
  }

  /**
   * Runs {@code part} for 0 to {@code parts - 1}, each within a {@link PointerScope} of its own
   * that frees the tensors it leaves behind, and returns the results in order.
   */
  public <T> List<T> map(int parts, IntFunction<T> part) {
    List<Callable<T>> tasks = new ArrayList<>(parts);
    for (int i = 0; i < parts; i++) {
      int index = i;
      tasks.add(
          () -> {
            try (PointerScope scope = new PointerScope()) {
              return part.apply(index);
            }
          });
    }
    try {
      List<T> results = new ArrayList<>(parts);
      for (Future<T> future : executor.invokeAll(tasks)) {
        results.add(future.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while workers were busy", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
