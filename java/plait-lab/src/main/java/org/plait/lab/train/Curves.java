package org.plait.lab.train;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.plait.lab.train.MetricsCsv.Column;
import org.plait.lab.train.MetricsCsv.Row;

/** Draws what happened over the steps of a run. */
final class Curves {

  private static final int WIDTH = 640;
  private static final int HEIGHT = 420;

  /** Steps that a noisy curve is averaged over. */
  private static final int WINDOW = 20;

  private Curves() {}

  /**
   * Writes a PNG with the success rate at the left and the entropy at the right.
   *
   * @param split name of the problems that were evaluated on
   */
  static void draw(String title, String split, List<Row> rows, Evaluation before, Path file)
      throws IOException {
    XYChart success = chart(title + ": success rate", "success rate");
    add(success, "training reward", averaged(rows, Column.REWARD));
    add(success, split + ", sampled", points(rows, Column.EVAL_SAMPLED, before.sampled()));
    XYChart entropy = chart(title + ": entropy", "entropy (nats)");
    add(entropy, "training tokens", averaged(rows, Column.ENTROPY));
    add(entropy, split + " samples", points(rows, Column.EVAL_ENTROPY, before.entropy()));
    try (OutputStream out = Files.newOutputStream(file)) {
      BitmapEncoder.saveBitmap(
          List.of(success, entropy), 1, 2, out, BitmapEncoder.BitmapFormat.PNG);
    }
  }

  private record Series(List<Double> steps, List<Double> values) {
    static Series empty() {
      return new Series(new ArrayList<>(), new ArrayList<>());
    }

    void add(double step, double value) {
      steps.add(step);
      values.add(value);
    }
  }

  private static XYChart chart(String title, String axis) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle("step")
            .yAxisTitle(axis)
            .theme(Styler.ChartTheme.Matlab)
            .build();
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideS);
    chart.getStyler().setYAxisMin(0.0);
    return chart;
  }

  private static void add(XYChart chart, String name, Series series) {
    if (!series.steps().isEmpty()) {
      chart.addSeries(name, series.steps(), series.values()).setMarker(SeriesMarkers.NONE);
    }
  }

  /** Means over the last {@link #WINDOW} steps, from the first step that has so many. */
  private static Series averaged(List<Row> rows, Column column) {
    List<Row> filled = rows.stream().filter(row -> !Double.isNaN(row.get(column))).toList();
    Series series = Series.empty();
    int window = Math.min(WINDOW, filled.size());
    for (int end = Math.max(1, window); end <= filled.size(); end++) {
      double mean =
          filled.subList(end - window, end).stream()
              .mapToDouble(row -> row.get(column))
              .average()
              .orElseThrow();
      series.add(filled.get(end - 1).step(), mean);
    }
    return series;
  }

  private static Series points(List<Row> rows, Column column, double atStart) {
    Series series = Series.empty();
    series.add(0, atStart);
    for (Row row : rows) {
      if (!Double.isNaN(row.get(column))) {
        series.add(row.step(), row.get(column));
      }
    }
    return series;
  }
}
