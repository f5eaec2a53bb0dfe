package org.plait.benchmarks;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;

/** What all charts look like: black on white, thin grid lines, colours that differ in lightness. */
final class ChartStyle {
  private static final Color GRID = new Color(0xdddddd);

  /** Dark and light blue, dark and light orange. */
  static final Color[] COLORS = {
    new Color(0x1f5fb4), new Color(0x8fb8e8), new Color(0xc2560c), new Color(0xf2b27f)
  };

  static final Font PLAIN = new Font(Font.SANS_SERIF, Font.PLAIN, 13);

  private ChartStyle() {}

  static void apply(AxesChartStyler styler) {
    styler.setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    styler.setSeriesColors(COLORS).setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal).setLegendBorderColor(Color.WHITE);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 13));
    styler.setAxisTitleFont(PLAIN);
    styler.setAxisTickLabelsFont(PLAIN);
    styler.setLegendFont(PLAIN);
    styler.setPlotGridLinesColor(GRID).setPlotGridLinesStroke(new BasicStroke(1));
  }
}
