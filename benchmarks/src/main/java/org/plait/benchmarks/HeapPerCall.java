package org.plait.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Java heap that a call allocates, from the thread's own counter: exact, where JMH's profiler
 * divides what its harness allocates by the few calls of a slow kernel. It does not depend on the
 * shape, so a small one serves.
 */
final class HeapPerCall {
  private static final int CALLS = 200;

  /** The first ones load classes, and the JVM allocates in a thread's name now and then. */
  private static final int RUNS = 10;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Bytes per call of every kernel, by the name of its benchmark. */
  static Map<String, Double> ofKernels() {
    HeapPerCall heap = new HeapPerCall();
    LogitsState logits = new LogitsState();
    logits.vocab = 1000;
    logits.dtype = "f32";
    logits.tokens = 16;
    logits.fill();
    RestoredLogits restored = new RestoredLogits();
    restored.save(logits);
    Map<String, Double> bytes = new LinkedHashMap<>();

    RowStatsBenchmark.Outputs outputs = new RowStatsBenchmark.Outputs();
    outputs.allocate(logits);
    RowStatsBenchmark rowStats = new RowStatsBenchmark();
    bytes.put("RowStats", heap.bytes(() -> rowStats.plait(logits, outputs)));

    PolicyStepBenchmark.Batch batch = new PolicyStepBenchmark.Batch();
    batch.objective = "grpo_entropy";
    batch.fill(logits);
    PolicyStepBenchmark policyStep = new PolicyStepBenchmark();
    bytes.put("PolicyStep", heap.bytes(() -> policyStep.plait(logits, restored, batch)));
    batch.free();

    LogitsGradBenchmark.Derivatives derivatives = new LogitsGradBenchmark.Derivatives();
    derivatives.fill(logits);
    LogitsGradBenchmark.Statistics statistics = new LogitsGradBenchmark.Statistics();
    statistics.compute(logits, derivatives);
    LogitsGradBenchmark logitsGrad = new LogitsGradBenchmark();
    bytes.put("LogitsGrad", heap.bytes(() -> logitsGrad.plait(logits, restored, statistics)));
    derivatives.free();

    GroupAdvantageBenchmark.Batch rewards = new GroupAdvantageBenchmark.Batch();
    rewards.fill();
    GroupAdvantageBenchmark groupAdvantage = new GroupAdvantageBenchmark();
    bytes.put("GroupAdvantage", heap.bytes(() -> groupAdvantage.plait(rewards)));
    rewards.free();

    TokenObjectiveBenchmark.Batch tokens = new TokenObjectiveBenchmark.Batch();
    tokens.objective = "grpo_tis";
    tokens.fill();
    TokenObjectiveBenchmark tokenObjective = new TokenObjectiveBenchmark();
    bytes.put("TokenObjective", heap.bytes(() -> tokenObjective.plait(tokens)));
    tokens.free();

    ImportanceRatioBenchmark.Batch ratios = new ImportanceRatioBenchmark.Batch();
    ratios.objective = "token";
    ratios.fill();
    ImportanceRatioBenchmark importanceRatio = new ImportanceRatioBenchmark();
    bytes.put("ImportanceRatio", heap.bytes(() -> importanceRatio.plait(ratios)));
    ratios.free();

    restored.free();
    logits.free();
    return bytes;
  }

  private double bytes(Runnable call) {
    double least = Double.POSITIVE_INFINITY;
    for (int run = 0; run < RUNS; run++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      long after = threads.getCurrentThreadAllocatedBytes();
      least = Math.min(least, (after - before) / (double) CALLS);
    }
    return least;
  }
}
