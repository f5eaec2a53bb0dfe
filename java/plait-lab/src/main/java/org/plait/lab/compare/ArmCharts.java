package org.plait.lab.compare;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.plait.lab.train.RunResult.Point;
import org.plait.lab.train.StepChart;
import org.plait.lab.train.StepChart.Line;

/** Draws a line per arm over the steps of training: the mean over its seeds. */
final class ArmCharts {

  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;

  /** A chart that was drawn. */
  record Chart(String title, String file) {}

  private ArmCharts() {}

  /** Draws what there is to draw, and says what that was. */
  static List<Chart> draw(List<ArmResult> results, String split, Path directory)
      throws IOException {
    List<Chart> drawn = new ArrayList<>();
    StepChart.attempt(
        () -> {
          drawn.addAll(
              draw(
                  new Chart("Reward in training, smoothed", "reward.png"),
                  "reward",
                  results,
                  result -> result.curve(Point::reward).smoothed(),
                  false,
                  directory));
          drawn.addAll(
              draw(
                  new Chart("Sampled success, " + split + " problems", split + ".png"),
                  "success rate",
                  results,
                  result -> result.curve(Metric.SAMPLED, Point::evalSampled),
                  true,
                  directory));
          drawn.addAll(
              draw(
                  new Chart("Entropy, samples on " + split + " problems", "entropy.png"),
                  "entropy (nats)",
                  results,
                  result -> result.curve(Metric.ENTROPY, Point::evalEntropy),
                  true,
                  directory));
        });
    return drawn;
  }

  private static List<Chart> draw(
      Chart chart,
      String axis,
      List<ArmResult> results,
      Function<ArmResult, Line> line,
      boolean markers,
      Path directory)
      throws IOException {
    StepChart drawing = new StepChart(chart.title(), axis, WIDTH, HEIGHT);
    drawing.putLegendBeside();
    for (int i = 0; i < results.size(); i++) {
      drawing.add(
          results.get(i).arm().label(), line.apply(results.get(i)), ArmStyle.of(i, markers));
    }
    if (drawing.isEmpty()) {
      return List.of(); // nothing but demonstrations has no reward
    }
    StepChart.write(List.of(drawing), directory.resolve(chart.file()));
    return List.of(chart);
  }

  /** Looks that tell a dozen lines apart: twelve colours, dashes from the seventh on. */
  private static final class ArmStyle {

    private static final Color[] COLORS = {
      new Color(0x1f5fb4),
      new Color(0xe2711d),
      new Color(0x2a9134),
      new Color(0xc1121f),
      new Color(0x7b3fa0),
      new Color(0x222222),
      new Color(0x00a6b8),
      new Color(0xd6a400),
      new Color(0xe05299),
      new Color(0x8a5a2b),
      new Color(0x7a8b1f),
      new Color(0x8a8f98),
    };

    private static final Marker[] MARKERS = {
      SeriesMarkers.CIRCLE,
      SeriesMarkers.SQUARE,
      SeriesMarkers.TRIANGLE_UP,
      SeriesMarkers.DIAMOND,
      SeriesMarkers.TRIANGLE_DOWN,
      SeriesMarkers.CROSS,
    };

    private static final float WIDTH = 2;
    private static final float[] DASH = {7, 4};

    /** Without markers where there is a point at every step. */
    static StepChart.Style of(int arm, boolean markers) {
      boolean dashed = arm / MARKERS.length % 2 == 1;
      BasicStroke stroke =
          dashed
              ? new BasicStroke(WIDTH, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASH, 0)
              : new BasicStroke(WIDTH, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
      return new StepChart.Style(
          COLORS[arm % COLORS.length],
          stroke,
          markers ? MARKERS[arm % MARKERS.length] : SeriesMarkers.NONE);
    }
  }
}
