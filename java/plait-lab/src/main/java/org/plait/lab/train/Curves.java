package org.plait.lab.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;
import org.plait.lab.train.StepChart.Line;

/** Draws what happened over the steps of a run. */
final class Curves {

  private static final int WIDTH = 640;
  private static final int HEIGHT = 420;

  private Curves() {}

  /**
   * Writes a PNG with the success rate at the left and the entropy at the right.
   *
   * @param split name of the problems that were evaluated on
   */
  static void draw(String title, String split, List<Row> rows, Evaluation before, Path file)
      throws IOException {
    StepChart success = new StepChart(title + ": success rate", "success rate", WIDTH, HEIGHT);
    success.add("training reward", line(rows, Column.REWARD).smoothed());
    success.add(split + ", sampled", points(rows, Column.EVAL_SAMPLED, before.sampled()));
    StepChart entropy = new StepChart(title + ": entropy", "entropy (nats)", WIDTH, HEIGHT);
    entropy.add("training tokens", line(rows, Column.ENTROPY).smoothed());
    entropy.add(split + " samples", points(rows, Column.EVAL_ENTROPY, before.entropy()));
    StepChart.write(List.of(success, entropy), file);
  }

  private static Line line(List<Row> rows, Column column) {
    Line line = new Line();
    rows.forEach(row -> line.add(row.step(), row.get(column)));
    return line;
  }

  private static Line points(List<Row> rows, Column column, double atStart) {
    Line line = new Line();
    line.add(0, atStart);
    rows.forEach(row -> line.add(row.step(), row.get(column)));
    return line;
  }
}
