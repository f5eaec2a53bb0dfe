package org.plait.torture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.plait.torture.Trial.Outcome;

/**
 * Random calls of the public API from many threads, a third of them wrong in exactly one way, while
 * another thread closes owners of memory that is in use and collects garbage. Every wrong call has
 * to be refused by name with nothing written, every right one to succeed; and a sample of them has
 * to give the same bits again when it is made alone, in other memory laid out otherwise.
 */
final class Torture {
  /** One call in this many right ones is made again. */
  private static final int SAMPLE = 16;

  /** One call in this many right ones has an owner closed while it runs. */
  private static final int RACE = 8;

  /**
   * What a run of calls came to.
   *
   * @param ways calls by kernel, and refusals by what was wrong
   * @param calls all of them
   * @param refused those that were wrong
   * @param raced right ones with an owner that was closed meanwhile
   * @param closed those of them that noticed
   * @param repeated right ones that were made again alone
   */
  record Tally(
      Map<String, Integer> ways, long calls, long refused, long raced, long closed, long repeated) {

    Tally plus(Tally other) {
      Map<String, Integer> sum = new TreeMap<>(ways);
      other.ways.forEach((way, count) -> sum.merge(way, count, Integer::sum));
      return new Tally(
          sum,
          calls + other.calls,
          refused + other.refused,
          raced + other.raced,
          closed + other.closed,
          repeated + other.repeated);
    }
  }

  private final long seed;
  private final int threads;
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final List<AtomicReference<Lease>> offered = new ArrayList<>();

  Torture(long seed, int threads) {
    this.seed = seed;
    this.threads = threads;
    for (int i = 0; i < threads; i++) {
      offered.add(new AtomicReference<>());
    }
  }

  static long seedOf(long base, long index) {
    return Numbers.mix(base ^ Numbers.mix(index));
  }

  /**
   * Makes calls {@code from} to {@code to - 1}.
   *
   * @throws Trial.Failure if one did not go as it has to
   */
  Tally run(long from, long to) throws InterruptedException {
    stopped.set(false);
    Thread closer = new Thread(this::close, "closer");
    closer.start();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Worker>> futures = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Worker worker = new Worker(i, from + i, to);
        futures.add(pool.submit(worker::work));
      }
      List<Worker> workers = new ArrayList<>();
      for (Future<Worker> future : futures) {
        workers.add(future.get());
      }
      stopped.set(true);
      closer.join();
      Tally total = new Tally(Map.of(), 0, 0, 0, 0, 0);
      Arena arena = new Arena();
      for (Worker worker : workers) {
        total = total.plus(worker.repeat(arena));
      }
      return total;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Trial.Failure failure) {
        throw failure;
      }
      throw new AssertionError(e.getCause());
    } finally {
      stopped.set(true);
      pool.shutdown();
      closer.join();
    }
  }

  private void close() {
    long collected = System.nanoTime();
    while (!stopped.get()) {
      boolean idle = !closeOffered();
      if (System.nanoTime() - collected > 500_000_000) {
        System.gc();
        collected = System.nanoTime();
      }
      if (idle) {
        LockSupport.parkNanos(20_000);
      }
    }
    closeOffered();
  }

  private boolean closeOffered() {
    boolean some = false;
    for (AtomicReference<Lease> slot : offered) {
      Lease lease = slot.getAndSet(null);
      if (lease != null) {
        lease.close();
        some = true;
      }
    }
    return some;
  }

  private final class Worker {
    private final int index;
    private final long from;
    private final long to;
    private final Map<String, Integer> ways = new TreeMap<>();
    private final List<Long> seeds = new ArrayList<>();
    private final List<Long> digests = new ArrayList<>();
    private long calls;
    private long refused;
    private long raced;
    private long closed;

    Worker(int index, long from, long to) {
      this.index = index;
      this.from = from;
      this.to = to;
    }

    Worker work() {
      Arena arena = new Arena();
      try {
        for (long i = from; i < to && !stopped.get(); i += threads) {
          call(arena, i);
        }
        return this;
      } catch (Trial.Failure e) {
        stopped.set(true);
        throw e;
      }
    }

    private void call(Arena arena, long number) {
      long callSeed = seedOf(seed, number);
      Trial trial = Trial.of(callSeed);
      long turn = number / threads;
      boolean race = turn % RACE == 0;
      Outcome outcome = trial.run(arena, ~callSeed, race ? offered.get(index)::set : null);
      calls++;
      ways.merge(trial.call().kernel, 1, Integer::sum);
      Refusal refusal = trial.refusal();
      if (refusal != null) {
        refused++;
        ways.merge("refused: " + refusal.way(), 1, Integer::sum);
        return;
      }
      raced += race ? 1 : 0;
      closed += outcome.closed() ? 1 : 0;
      if (!outcome.closed() && turn % SAMPLE < 2) {
        seeds.add(callSeed);
        digests.add(outcome.digest());
      }
    }

    /** Makes the sample again. */
    Tally repeat(Arena arena) {
      for (int i = 0; i < seeds.size(); i++) {
        Trial trial = Trial.of(seeds.get(i));
        trial.call().moveGradient();
        if (trial.run(arena, seeds.get(i), null).digest() != digests.get(i)) {
          throw trial.failure("gave other bits when it was made alone", null);
        }
      }
      return new Tally(ways, calls, refused, raced, closed, seeds.size());
    }
  }
}
