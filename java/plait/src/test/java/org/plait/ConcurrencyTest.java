package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ConcurrencyTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 200;
  private static final int T = 33;
  private static final int V = 1003;

  /** What a thread got. */
  private static final class Result {
    final float[] dLogits;
    final float[] logProbs;
    final double loss;

    Result(PolicyStep.Output out, Metrics metrics) {
      dLogits = out.dLogits().toFloats();
      logProbs = out.logProbs().toFloats();
      loss = metrics.loss();
    }
  }

  @Test
  void manyThreadsOnOneBackendGetTheSameBits() throws Exception {
    TensorView data = StepFixture.gaussian(11, T, V);
    TensorView targets = TensorView.allocate(DType.INT64, T);
    for (int t = 0; t < T; t++) {
      targets.setLong(t, 29L * t);
    }
    Logits logits = Logits.of(data, targets);
    TokenBatch batch = TokenBatch.builder(T).advantages(StepFixture.gaussian(12, T)).build();
    Objective objective = Objective.ppo().toBuilder().entropyBonus(0.01f).build();
    Result expected = steps(logits, batch, objective, 1);
    assertNotEquals(0, expected.dLogits[0]);
    assertNotEquals(0, expected.loss);
    for (Result result : together(() -> steps(logits, batch, objective, ROUNDS))) {
      assertArrayEquals(expected.dLogits, result.dLogits);
      assertArrayEquals(expected.logProbs, result.logProbs);
      assertEquals(expected.loss, result.loss);
    }
  }

  @Test
  void threadsWithDifferentObjectivesAndErrorsDoNotDisturbEachOther() throws Exception {
    List<Objective> objectives =
        List.of(Objective.sft(), Objective.reinforce(), Objective.dapo(), Objective.grpo());
    List<Double> expected = new ArrayList<>();
    for (Objective objective : objectives) {
      StepFixture step = new StepFixture();
      step.objective = objective;
      step.run();
      expected.add(step.metrics.loss());
    }
    assertEquals(4, expected.stream().distinct().count());
    Logits shared = new StepFixture().logits.get();
    together(
        () -> {
          StepFixture step = new StepFixture();
          step.logits = () -> shared;
          for (int i = 0; i < ROUNDS; i++) {
            int which = (i + (int) Thread.currentThread().getId()) % objectives.size();
            step.objective = objectives.get(which);
            step.run();
            assertEquals(expected.get(which), step.metrics.loss());
            // What was refused is told to the thread that asked.
            step.roles.setLong(which, 77);
            String message =
                Refusals.message(assertThrows(IllegalArgumentException.class, step::run));
            assertEquals("roles[" + which + "]: expected a plait_role, got 77", message);
            step.roles = new StepFixture().roles;
          }
          return step;
        });
  }

  @Test
  void threadsThatShareLogitsPackTheirArgumentsApart() throws Exception {
    Logits shared = new StepFixture().logits.get();
    Scratch mine = shared.scratch();
    assertSame(mine, shared.scratch());
    List<Scratch> others = together(shared::scratch);
    assertEquals(THREADS, others.stream().distinct().count());
    assertFalse(others.contains(mine));
    assertSame(mine, shared.scratch());
  }

  private static Result steps(Logits logits, TokenBatch batch, Objective objective, int rounds) {
    PolicyStep.Output out = PolicyStep.Output.allocate(logits);
    Metrics metrics = new Metrics();
    TensorView workspace = TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(T, 0));
    for (int i = 0; i < rounds; i++) {
      PolicyStep.compute(
          Backend.cpu(), logits, batch, objective, Normalizers.NONE, out, metrics, workspace);
    }
    return new Result(out, metrics);
  }

  /** Runs a task on all threads at once. */
  private static <R> List<R> together(Callable<R> task) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      CyclicBarrier start = new CyclicBarrier(THREADS);
      List<Future<R>> futures = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        futures.add(
            threads.submit(
                () -> {
                  start.await();
                  return task.call();
                }));
      }
      List<R> results = new ArrayList<>();
      for (Future<R> future : futures) {
        results.add(future.get());
      }
      return results;
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }
}
