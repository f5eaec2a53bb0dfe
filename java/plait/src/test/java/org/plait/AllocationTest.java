package org.plait;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import org.junit.jupiter.api.Test;

/** Kernel calls allocate nothing on the Java heap. */
class AllocationTest {
  private static final Backend CPU = Backend.cpu();
  private static final int CALLS = 2000;
  private static final Object THREADS = threads();
  private static final Method COUNT = count();

  private final StepFixture step = new StepFixture();
  private final Logits logits = step.logits.get();
  private final TokenBatch batch = step.batch.get();

  @Test
  void theMeasurementSeesAnAllocation() {
    Object[] sink = new Object[1];
    long bytes = allocated(() -> sink[0] = new long[1]);
    assertTrue(bytes >= 16L * CALLS, "bytes " + bytes);
  }

  @Test
  void aPolicyStepAllocatesNothing() {
    PolicyStep.Output out =
        new PolicyStep.Output(step.dLogits, step.logProbs, step.entropy, step.tokenLoss);
    nothing(
        () ->
            PolicyStep.compute(
                CPU,
                logits,
                batch,
                step.objective,
                step.normalizers,
                out,
                step.metrics,
                step.workspace));
  }

  @Test
  void aStepThatChangesItsObjectiveEveryTimeAllocatesNothingEither() {
    PolicyStep.Output out =
        new PolicyStep.Output(step.dLogits, step.logProbs, step.entropy, step.tokenLoss);
    Objective[] objectives = {step.objective, HybridObjectives.srft()};
    Normalizers[] normalizers = {Normalizers.NONE, Normalizers.NONE.withTokens(10)};
    int[] i = {0};
    nothing(
        () -> {
          i[0] ^= 1;
          PolicyStep.compute(
              CPU,
              logits,
              batch,
              objectives[i[0]],
              normalizers[i[0]],
              out,
              step.metrics,
              step.workspace);
        });
  }

  @Test
  void theStagesAllocateNothing() {
    RowStats.Output stats = RowStats.Output.allocate(StepFixture.T);
    TokenObjective.Output terms = TokenObjective.Output.allocate(StepFixture.T);
    nothing(() -> RowStats.compute(CPU, logits, stats));
    nothing(
        () ->
            TokenObjective.compute(
                CPU,
                batch,
                step.objective,
                step.normalizers,
                requireNonNull(stats.logProbs()),
                stats.entropy(),
                terms,
                step.metrics,
                step.workspace));
    nothing(
        () ->
            LogitsGrad.compute(
                CPU,
                logits,
                requireNonNull(stats.state()),
                requireNonNull(terms.c()),
                terms.h(),
                step.dLogits));
    nothing(() -> RowStats.merge(CPU, requireNonNull(stats.state()), 1, 1, stats));
  }

  @Test
  void advantagesAndRatiosAllocateNothing() {
    GroupAdvantage grpo = GroupAdvantage.grpo();
    GroupAdvantage.Input in =
        GroupAdvantage.Input.of(step.advantages, Groups.offsets(step.offsets));
    GroupAdvantage.Output out = GroupAdvantage.Output.allocate(StepFixture.T, 3);
    TensorView workspace = TensorView.allocate(DType.UINT8, GroupAdvantage.workspaceBytes(3));
    nothing(() -> grpo.compute(CPU, in, out, workspace));
    ImportanceRatio.Options options = ImportanceRatio.Options.of(RatioLevel.SEQUENCE_MEAN);
    TokenAdvantage gae = TokenAdvantage.gae(1, 0.95f);
    TokenAdvantage.Output returns = new TokenAdvantage.Output(step.logProbs, step.tokenLoss);
    nothing(() -> gae.compute(CPU, batch, step.advantages, step.oldLogProbs, returns));
    Whitening whitening = Whitening.verl();
    nothing(() -> whitening.compute(CPU, batch, step.logProbs, step.logProbs));
    ImportanceRatio.Output ratios = new ImportanceRatio.Output(step.entropy, null, null);
    nothing(() -> ImportanceRatio.compute(CPU, batch, step.logProbs, options, ratios));
  }

  /** The smallest object takes 16 bytes; asking for the count allocates a few, once. */
  private static void nothing(Runnable call) {
    long bytes = allocated(call);
    assertTrue(bytes < CALLS, "bytes " + bytes);
  }

  /** Heap bytes of many calls, the least of several tries: the compiler may be at work too. */
  private static long allocated(Runnable call) {
    long least = Long.MAX_VALUE;
    for (int tries = 0; tries < 5; tries++) {
      long before = allocatedByThisThread();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      least = Math.min(least, allocatedByThisThread() - before);
    }
    return least;
  }

  private static long allocatedByThisThread() {
    try {
      return (long) COUNT.invoke(THREADS);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /** By reflection, since the module does not read {@code jdk.management}. */
  private static Object threads() {
    try {
      return Class.forName("java.lang.management.ManagementFactory")
          .getMethod("getThreadMXBean")
          .invoke(null);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  private static Method count() {
    try {
      return Class.forName("com.sun.management.ThreadMXBean")
          .getMethod("getCurrentThreadAllocatedBytes");
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
