package org.plait.lab.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;

/**
 * What a finished run left in its files.
 *
 * @param before evaluation of the base
 * @param after evaluation at the end
 * @param trainingGreedy share of the training problems that greedy answers solve at the end
 * @param seconds of training, without evaluations
 * @param rollouts sampled for training
 * @param demonstrations traces trained on or given as hints, whole or in part
 * @param threads it ran on
 * @param points its curves, step by step
 */
public record RunResult(
    Evaluation before,
    Evaluation after,
    double trainingGreedy,
    double seconds,
    long rollouts,
    long demonstrations,
    int threads,
    List<Point> points) {

  /** The k of pass@k. */
  public static final int PASS_SAMPLES = Evaluator.SAMPLES;

  /** Problems that a point of the curves is measured on; the full evaluation has more. */
  public static final int CURVE_PROBLEMS = Trainer.CURVE_PROBLEMS;

  /** Samples of each of them. */
  public static final int CURVE_SAMPLES = Trainer.CURVE_SAMPLES;

  public RunResult {
    points = List.copyOf(points);
  }

  /** One step of the curves; what the step did not measure is NaN. */
  public record Point(
      int step, double reward, double entropy, double evalSampled, double evalEntropy) {

    static Point of(Row row) {
      return new Point(
          row.step(),
          row.get(Column.REWARD),
          row.get(Column.ENTROPY),
          row.get(Column.EVAL_SAMPLED),
          row.get(Column.EVAL_ENTROPY));
    }
  }

  /** Whether a summary is that of a run with this configuration. */
  static boolean isOf(JsonNode summary, TrainConfig config) {
    // Compared as text: 0 read from a file is an int, where the option was a long.
    return summary.path("config").toString().equals(config.toJson().toString());
  }

  /** What a summary and the metrics beside it say. */
  static RunResult of(JsonNode summary, List<Row> rows) {
    return new RunResult(
        Summary.evaluation(summary.path("before")),
        Summary.evaluation(summary.path("after")),
        summary.path("training_greedy").doubleValue(),
        summary.path("seconds").doubleValue(),
        summary.path("rollouts").longValue(),
        summary.path("demonstrations").longValue(),
        summary.path("threads").intValue(),
        rows.stream().map(Point::of).toList());
  }
}
