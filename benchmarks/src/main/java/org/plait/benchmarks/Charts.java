package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.HorizontalBarStyler;
import org.knowm.xchart.style.XYStyler;

/** Draws what {@link Suite} measured. */
public final class Charts {
  /** In pixels: of a chart, and of the bars of a kernel. */
  private static final int WIDTH = 850;

  private static final int ROW = 58;

  /** Types of the logits, in the order of their bars. */
  private static final List<String> DTYPES = List.of("f32", "bf16");

  private final Results results;
  private final String machine;

  private Charts(JsonNode document) {
    results = new Results(document);
    JsonNode m = document.path("machine");
    machine =
        "%s, %s%s"
            .formatted(
                m.path("cpu").asText("unknown"),
                m.path("simd").asText("unknown"),
                m.path("simdForced").asBoolean() ? " (forced)" : "");
  }

  /**
   * Writes the charts beside the JSON, as PNG.
   *
   * @param args path of the JSON
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 1 || !args[0].endsWith(".json")) {
      throw new IllegalArgumentException("expected RESULTS.json");
    }
    String base = args[0].replaceFirst("\\.json$", "");
    try {
      Charts charts = new Charts(new ObjectMapper().readTree(Path.of(args[0]).toFile()));
      charts.beside(Path.of(base + "-pytorch.png"));
      charts.bandwidth(Path.of(base + "-bandwidth.png"));
      charts.scaling(Path.of(base + "-scaling.png"));
    } catch (LinkageError | InternalError e) {
      // Java draws text with the system's font libraries, which a bare machine may lack.
      System.err.println(
          "Cannot draw the charts because this machine has no fonts for Java; install fontconfig.");
    }
  }

  /** Of each kernel that PyTorch was timed on too, PyTorch's time over Plait's. */
  private void beside(Path file) throws IOException {
    bars(
        "Plait beside PyTorch eager",
        "PyTorch's time / Plait's, logarithmic",
        m -> results.peer(m).map(torch -> torch.time() / m.time()),
        true,
        file);
  }

  /** Of each kernel, the share of the bandwidth that the machine has. */
  private void bandwidth(Path file) throws IOException {
    bars(
        "Share of the bandwidth",
        "% of the bandwidth of reading (row_stats) or scaling in place (others)",
        m -> results.shareOfRoof(m).map(share -> 100 * share),
        false,
        file);
  }

  /** A value of each kernel on the largest vocabulary, by the type of the logits. */
  private void bars(
      String title,
      String axis,
      Function<Measurement, Optional<Double>> value,
      boolean logarithmic,
      Path file)
      throws IOException {
    List<Measurement> measured =
        results.all().stream()
            .filter(m -> m.isPlaits() && results.peer(m).isPresent() && value.apply(m).isPresent())
            .filter(m -> m.vocab() > 0)
            .sorted(Labels.ORDER)
            .toList();
    long vocab = measured.stream().mapToLong(Measurement::vocab).max().orElse(0);
    Map<String, Map<String, Double>> values = new LinkedHashMap<>();
    String shape = "";
    for (Measurement m : measured) {
      if (m.vocab() == vocab) {
        shape = Labels.shape(m);
        double bar = value.apply(m).orElseThrow();
        values
            .computeIfAbsent(Labels.brief(m), name -> new LinkedHashMap<>())
            .put(m.dtype(), logarithmic ? log2(bar) : bar);
      }
    }
    if (values.isEmpty()) {
      return;
    }
    List<String> names = List.copyOf(values.keySet());
    HorizontalBarChart chart =
        new HorizontalBarChartBuilder()
            .width(WIDTH)
            .height(130 + ROW * names.size())
            .title(title + ": " + machine)
            .xAxisTitle(axis + ", " + shape + " logits")
            .build();
    HorizontalBarStyler styler = chart.getStyler();
    ChartStyle.apply(styler);
    styler.setPlotGridHorizontalLinesVisible(false);
    styler.setXAxisTickMarkSpacingHint(ROW - 8); // of the names too: more would drop some
    // XChart has no logarithmic axis for these bars: their length is the logarithm.
    styler.setXAxisTickLabelsFormattingFunction(
        x -> logarithmic ? powerOfTwo(x) : String.valueOf(Math.round(x)));
    styler.setLabelsVisible(true).setLabelsPosition(0.96).setLabelsFont(ChartStyle.PLAIN);
    styler.setAvailableSpaceFill(0.8);
    for (String dtype : DTYPES) {
      if (measured.stream().anyMatch(m -> m.dtype().equals(dtype))) {
        List<Double> bars =
            values.values().stream().map(ofType -> ofType.getOrDefault(dtype, 0.0)).toList();
        chart.addSeries(dtype, bars, names);
      }
    }
    try (OutputStream out = create(file)) {
      BitmapEncoder.saveBitmap(List.of(chart), 1, 1, out, BitmapEncoder.BitmapFormat.PNG);
    }
  }

  /** Of the time of a logit, over the vocabulary and over the tokens. */
  private void scaling(Path file) throws IOException {
    List<XYChart> charts = new ArrayList<>();
    lines(
            "over the vocabulary",
            "V, with 2^25 logits",
            Scaling.overVocabulary(results.all()),
            Measurement::vocab)
        .ifPresent(charts::add);
    lines(
            "over the tokens",
            "T, with V = " + Scaling.VOCAB,
            Scaling.overTokens(results.all()),
            Measurement::tokens)
        .ifPresent(charts::add);
    if (!charts.isEmpty()) {
      try (OutputStream out = create(file)) {
        BitmapEncoder.saveBitmap(charts, charts.size(), 1, out, BitmapEncoder.BitmapFormat.PNG);
      }
    }
  }

  private Optional<XYChart> lines(
      String title, String axis, List<Measurement> measured, Function<Measurement, Long> x) {
    if (measured.isEmpty()) {
      return Optional.empty();
    }
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(380)
            .title("Time per logit " + title + ": " + machine)
            .xAxisTitle(axis)
            .yAxisTitle("ps per logit")
            .build();
    XYStyler styler = chart.getStyler();
    ChartStyle.apply(styler);
    // XChart's logarithmic axes count in powers of ten, of which there are few here.
    styler.setXAxisTickLabelsFormattingFunction(Charts::powerOfTwo).setYAxisMin(0.0);
    Map<String, List<Measurement>> series = new LinkedHashMap<>();
    for (Measurement m : measured) {
      String name = Labels.brief(m) + " " + m.dtype();
      series.computeIfAbsent(name, n -> new ArrayList<>()).add(m);
    }
    series.forEach(
        (name, points) ->
            chart.addSeries(
                name,
                points.stream().map(point -> log2(x.apply(point))).toList(),
                points.stream().map(Measurement::picosecondsPerLogit).toList()));
    return Optional.of(chart);
  }

  private static double log2(double x) {
    return Math.log(x) / Math.log(2);
  }

  /** Of a bar or a tick; ticks at the odd halves between whole powers are left blank. */
  private static String powerOfTwo(double exponent) {
    boolean half = Math.abs(2 * exponent % 2) == 1;
    return half ? " " : String.valueOf(Math.round(Math.pow(2, exponent)));
  }

  private static OutputStream create(Path file) throws IOException {
    System.err.println("Drawing " + file);
    return Files.newOutputStream(file);
  }
}
