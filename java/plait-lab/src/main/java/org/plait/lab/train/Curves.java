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

  /** Writes a PNG with the success rate at the left and the entropy at the right. */
  static void draw(String title, List<Row> rows, Evaluation before, Path file) throws IOException {
    XYChart success = chart(title + ": success rate", "success rate");
    add(success, "training reward", averaged(rows, Column.REWARD));
    add(success, "held-out, sampled", points(rows, Column.HELD_OUT_SAMPLED, before.sampled()));
    XYChart entropy = chart(title + ": entropy", "entropy (nats)");
    add(entropy, "training tokens", averaged(rows, Column.ENTROPY));
    add(entropy, "held-out samples", points(rows, Column.HELD_OUT_ENTROPY, before.entropy()));
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

  private static Series averaged(List<Row> rows, Column column) {
    Series series = Series.empty();
    List<Double> window = new ArrayList<>();
    for (Row row : rows) {
      double value = row.get(column);
      if (!Double.isNaN(value)) {
        window.add(value);
        List<Double> last = window.subList(Math.max(0, window.size() - WINDOW), window.size());
        series.add(
            row.step(), last.stream().mapToDouble(Double::doubleValue).average().orElseThrow());
      }
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
