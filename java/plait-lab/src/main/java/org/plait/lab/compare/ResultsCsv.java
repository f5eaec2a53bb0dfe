package org.plait.lab.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.plait.lab.train.RunResult;
import org.plait.lab.train.RunResult.Point;

/** Everything that was measured, as CSV; an empty cell means that it was not. */
final class ResultsCsv {

  private ResultsCsv() {}

  /** A line per run. */
  static String runs(List<ArmResult> results) {
    List<String> header = new ArrayList<>(List.of("arm", "recipe", "lr", "seed"));
    for (Metric metric : Metric.values()) {
      header.add(metric.column());
    }
    for (Metric metric : Metric.values()) {
      header.add("before_" + metric.column());
    }
    header.addAll(List.of("training_greedy", "seconds", "rollouts", "demonstrations"));
    StringBuilder text = new StringBuilder(line(header));
    for (ArmResult result : results) {
      for (int seed = 0; seed < result.runs().size(); seed++) {
        text.append(line(run(result.arm(), seed, result.runs().get(seed))));
      }
    }
    return text.toString();
  }

  private static List<String> run(Arm arm, int seed, RunResult run) {
    List<String> cells = new ArrayList<>();
    cells.add(quoted(arm.label()));
    cells.add(arm.recipe());
    cells.add(Arm.rate(arm.learningRate()));
    cells.add(Long.toString(arm.configs().get(seed).seed()));
    for (Metric metric : Metric.values()) {
      cells.add(number(metric.of(run.after())));
    }
    for (Metric metric : Metric.values()) {
      cells.add(number(metric.of(run.before())));
    }
    cells.add(number(run.trainingGreedy()));
    cells.add(String.format(Locale.ROOT, "%.2f", run.seconds()));
    cells.add(Long.toString(run.rollouts()));
    cells.add(Long.toString(run.demonstrations()));
    return cells;
  }

  /** A line per step of each run. */
  static String curves(List<ArmResult> results) {
    StringBuilder text =
        new StringBuilder(
            line(
                List.of(
                    "arm", "seed", "step", "reward", "entropy", "eval_sampled", "eval_entropy")));
    for (ArmResult result : results) {
      for (int seed = 0; seed < result.runs().size(); seed++) {
        for (Point point : result.runs().get(seed).points()) {
          text.append(
              line(
                  List.of(
                      quoted(result.arm().label()),
                      Long.toString(result.arm().configs().get(seed).seed()),
                      Integer.toString(point.step()),
                      number(point.reward()),
                      number(point.entropy()),
                      number(point.evalSampled()),
                      number(point.evalEntropy()))));
        }
      }
    }
    return text.toString();
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : Double.toString(value);
  }

  private static String quoted(String text) {
    return text.contains(",") ? '"' + text + '"' : text;
  }

  private static String line(List<String> cells) {
    return String.join(",", cells) + "\n";
  }
}
