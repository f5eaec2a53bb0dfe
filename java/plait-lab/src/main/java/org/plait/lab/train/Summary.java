package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;

/** What a run came to, as a table and as JSON. */
final class Summary {

  private static final double NANOS_PER_MS = 1e6;

  private final TrainConfig config;
  private final Trainer.Outcome outcome;
  private final List<Row> steps;
  private final int threads;

  Summary(TrainConfig config, Trainer.Outcome outcome, List<Row> steps, int threads) {
    this.config = config;
    this.outcome = outcome;
    this.steps = steps;
    this.threads = threads;
  }

  void print(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%n%-21s  greedy  sampled   pass@%d  entropy%n",
        config.evalPrompts() + " " + config.evalSplit().title() + " problems",
        Evaluator.SAMPLES);
    line(out, "before", outcome.before());
    line(out, "after " + config.recipe(), outcome.after());
    out.printf(
        Locale.ROOT,
        "%nOf the problems trained on, %.1f%% are solved greedily. %.0f rollouts, %.0f"
            + " demonstrations.%n",
        100 * outcome.trainingGreedy(),
        total(Column.ROLLOUTS),
        total(Column.DEMONSTRATIONS));
    out.printf(
        Locale.ROOT,
        "%d steps on %d threads: %.1f ms a step, of which sampling %.1f ms and updates %.1f"
            + " ms.%n",
        config.steps(),
        threads,
        stepMs(),
        perStep(outcome.time().samplingNanos()),
        perStep(outcome.time().updateNanos()));
    out.printf(
        Locale.ROOT,
        "Loss by %s: %.2f ms a step of thread time from logits to gradient. Peak memory %d MiB.%n",
        config.loss() == PolicyObjectiveLoss.Kind.PLAIT ? "Plait" : "PyTorch",
        perStep(outcome.time().lossNanos()),
        peakMemoryKib() / 1024);
  }

  private static void line(PrintWriter out, String name, Evaluation evaluation) {
    out.printf(
        Locale.ROOT,
        "%-21s %6.1f%%  %6.1f%%  %6.1f%%  %7.3f%n",
        name,
        100 * evaluation.greedy(),
        100 * evaluation.sampled(),
        100 * evaluation.passAtK(),
        evaluation.entropy());
  }

  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("config", config.toJson());
    json.set("before", json(outcome.before()));
    json.set("after", json(outcome.after()));
    json.put("training_greedy", outcome.trainingGreedy());
    json.put("rollouts", (long) total(Column.ROLLOUTS));
    json.put("demonstrations", (long) total(Column.DEMONSTRATIONS));
    json.put("threads", threads);
    json.put("seconds", stepMs() * config.steps() / 1e3);
    json.put("step_ms", stepMs());
    json.put("sampling_ms", perStep(outcome.time().samplingNanos()));
    json.put("update_ms", perStep(outcome.time().updateNanos()));
    json.put("loss_ms", perStep(outcome.time().lossNanos()));
    json.put("peak_memory_kib", peakMemoryKib());
    return json;
  }

  private static ObjectNode json(Evaluation evaluation) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("greedy", evaluation.greedy())
        .put("sampled", evaluation.sampled())
        .put("pass_at_" + Evaluator.SAMPLES, evaluation.passAtK())
        .put("entropy", evaluation.entropy());
  }

  private double total(Column column) {
    return steps.stream().mapToDouble(row -> row.get(column)).sum();
  }

  /** What {@link #toJson} wrote of an evaluation. */
  static Evaluation evaluation(JsonNode json) {
    return new Evaluation(
        json.path("greedy").doubleValue(),
        json.path("sampled").doubleValue(),
        json.path("pass_at_" + Evaluator.SAMPLES).doubleValue(),
        json.path("entropy").doubleValue());
  }

  private double stepMs() {
    return perStep(outcome.time().samplingNanos() + outcome.time().updateNanos());
  }

  private double perStep(long nanos) {
    return nanos / NANOS_PER_MS / Math.max(1, config.steps());
  }

  /** The most memory that this process ever had resident, or 0 where the system does not say. */
  private static long peakMemoryKib() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    } catch (IOException e) {
      // not Linux
    }
    return 0;
  }
}
