package org.plait.lab.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class JobsTest {

  @Test
  void noMoreTasksRunAtOnceThanAskedFor() {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    CountDownLatch pair = new CountDownLatch(2);
    List<Runnable> tasks = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      tasks.add(
          () -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            await(pair);
            done.incrementAndGet();
            running.decrementAndGet();
          });
    }
    new Jobs().run(tasks, 2);
    assertEquals(6, done.get());
    assertEquals(2, most.get());
  }

  /** Counts down and waits for the others: passes only if as many run at once. */
  private static void await(CountDownLatch latch) {
    latch.countDown();
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void failureStopsTheOthersAndIsThrown() {
    Jobs jobs = new Jobs();
    CountDownLatch started = new CountDownLatch(2);
    AtomicBoolean third = new AtomicBoolean();
    IllegalStateException failure = new IllegalStateException("broken");
    List<Runnable> tasks =
        List.of(
            () -> {
              await(started);
              while (true) {
                jobs.checkpoint();
                Thread.onSpinWait();
              }
            },
            () -> {
              await(started);
              throw failure;
            },
            () -> third.set(true));
    assertSame(failure, assertThrows(IllegalStateException.class, () -> jobs.run(tasks, 2)));
    assertTrue(!third.get(), "a task must not start after a failure");
  }
}
