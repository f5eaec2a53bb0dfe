package org.plait.lab.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A chart of lines over the steps of training. Not thread-safe. */
public final class StepChart {

  /** Points that a noisy line is averaged over. */
  private static final int WINDOW = 20;

  private final XYChart chart;
  private int lines;

  /**
   * An empty chart.
   *
   * @param axis what the lines show
   * @param width in pixels
   * @param height in pixels
   */
  public StepChart(String title, String axis, int width, int height) {
    chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle("step")
            .yAxisTitle(axis)
            .theme(Styler.ChartTheme.Matlab)
            .build();
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideS);
    chart.getStyler().setYAxisMin(0.0).setYAxisDecimalPattern("0.####");
  }

  /** Moves the legend from below the lines to beside them: a dozen lines need the height. */
  public void putLegendBeside() {
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
  }

  /** How a line is drawn. */
  public record Style(Color color, BasicStroke stroke, Marker marker) {}

  /** A line under construction. Not thread-safe. */
  public static final class Line {
    private final List<Double> steps = new ArrayList<>();
    private final List<Double> values = new ArrayList<>();

    /** Appends a point, unless its value is NaN. */
    public void add(double step, double value) {
      if (!Double.isNaN(value)) {
        steps.add(step);
        values.add(value);
      }
    }

    /** The values of its points. */
    public List<Double> values() {
      return List.copyOf(values);
    }

    /**
     * Means over the last 20 points, from the first point that has so many; a short line is
     * averaged over fewer, so that there is a line left.
     */
    public Line smoothed() {
      Line line = new Line();
      int window = Math.min(WINDOW, (values.size() + 1) / 2);
      for (int end = Math.max(1, window); end <= values.size(); end++) {
        double mean =
            values.subList(end - window, end).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
        line.add(steps.get(end - 1), mean);
      }
      return line;
    }
  }

  /** Adds a line in the next colour, if it has a point. */
  public void add(String name, Line line) {
    if (!line.steps.isEmpty()) {
      addSeries(name, line).setMarker(SeriesMarkers.NONE);
    }
  }

  /** Adds a line in a style of its own, if it has a point. */
  public void add(String name, Line line, Style style) {
    if (!line.steps.isEmpty()) {
      XYSeries series = addSeries(name, line);
      series.setLineColor(style.color());
      series.setLineStyle(style.stroke());
      series.setMarkerColor(style.color());
      series.setMarker(style.marker());
    }
  }

  private XYSeries addSeries(String name, Line line) {
    lines++;
    return chart.addSeries(name, line.steps, line.values);
  }

  /** Whether it shows nothing. */
  public boolean isEmpty() {
    return lines == 0;
  }

  /** Draws charts of one size beside each other into a PNG. */
  public static void write(List<StepChart> charts, Path file) throws IOException {
    List<XYChart> drawn = charts.stream().map(chart -> chart.chart).toList();
    try (OutputStream out = Files.newOutputStream(file)) {
      BitmapEncoder.saveBitmap(drawn, 1, drawn.size(), out, BitmapEncoder.BitmapFormat.PNG);
    }
  }

  /** Something that makes and writes charts. */
  public interface Drawing {
    void draw() throws IOException;
  }

  /**
   * Draws, if this machine can.
   *
   * @return false, after saying why, if it cannot
   */
  public static boolean attempt(Drawing drawing) throws IOException {
    try {
      drawing.draw();
      return true;
    } catch (LinkageError | InternalError e) {
      // Java draws text with the system's font libraries, which a bare machine may lack.
      System.err.println(
          "Cannot draw the curves because this machine has no fonts for Java; install fontconfig.");
      return false;
    }
  }
}
