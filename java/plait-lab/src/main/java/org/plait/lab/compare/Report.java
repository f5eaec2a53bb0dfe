package org.plait.lab.compare;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.plait.Backend;
import org.plait.lab.model.TorchRuntime;
import org.plait.lab.train.RunResult;
import org.plait.lab.train.TrainConfig;

/** What was run and what came of it, in Markdown. */
final class Report {

  private static final String NONE = "";

  private final ComparisonConfig config;
  private final List<ArmResult> results;
  private final List<ArmCharts.Chart> charts;
  private final int jobs;

  Report(ComparisonConfig config, List<ArmResult> results, List<ArmCharts.Chart> charts, int jobs) {
    this.config = config;
    this.results = results;
    this.charts = charts;
    this.jobs = jobs;
  }

  String text() {
    StringBuilder text = new StringBuilder("# Comparison of recipes\n\n");
    text.append(setting());
    text.append(
        "\nMeans over the seeds, in parentheses the lowest and the highest; success in percent;"
            + " entropy in nats, of the policy's own samples; time of training without"
            + " evaluations.\n\n");
    text.append(comparison(results));
    text.append("\n## What the seeds separate\n\n").append(Separations.text(results));
    if (!charts.isEmpty()) {
      text.append(
          "\n## Curves\n\nMeans over the seeds. Along the way success is measured on %d problems with %d"
                  .formatted(
                      Math.min(RunResult.CURVE_PROBLEMS, config.any().evalPrompts()),
                      RunResult.CURVE_SAMPLES)
              + " samples each, so the last point is not the figure of the table.\n");
      charts.forEach(chart -> text.append("\n![%s](%s)\n".formatted(chart.title(), chart.file())));
    }
    text.append("\n## Every run\n\n").append(everyRun());
    return text.toString();
  }

  private String setting() {
    TrainConfig any = config.any();
    Spread threads = over(run -> (double) run.threads());
    return "    plait compare --config config.json --out DIR\n\n"
        + "repeats it; the options are `%s`.\n\n".formatted(options())
        + "- Base: %d steps of pre-training, the same for every run.\n".formatted(any.baseSteps())
        + "- Training: %d steps of %d prompts with %d samples each; a recipe without rollouts takes"
            .formatted(any.steps(), any.prompts(), any.samples())
        + " as many demonstrations.\n"
        + "- Evaluation: %d %s problems, greedy and with %d samples each at temperature 1.\n"
            .formatted(any.evalPrompts(), config.evalSplit(), RunResult.PASS_SAMPLES)
        + "- Threads: %s per run, runs at a time: %d. Results do not depend on them, times do.\n"
            .formatted(threads.text(1, 0), jobs)
        + "- Versions: plait %s, PyTorch presets %s, Java %s.\n"
            .formatted(
                Backend.nativeVersion(), TorchRuntime.version(), Runtime.version().toString());
  }

  private Spread over(Function<RunResult, Double> value) {
    return Spread.of(
        results.stream().flatMap(result -> result.runs().stream()).map(value).toList());
  }

  private String options() {
    List<String> options = new ArrayList<>();
    config
        .options()
        .properties()
        .forEach(option -> options.add("--" + option.getKey() + " " + argument(option.getValue())));
    return String.join(" ", options);
  }

  private static String argument(JsonNode value) {
    if (value.isArray()) {
      return String.join(
          ",", StreamSupport.stream(value.spliterator(), false).map(Report::argument).toList());
    }
    if (value.isObject()) {
      return "(in config.json)";
    }
    return value.isFloatingPointNumber() ? Arm.rate(value.doubleValue()) : value.asText();
  }

  /** A row per arm, below one for the base that all began with. */
  static String comparison(List<ArmResult> results) {
    Table table =
        new Table(
            "recipe",
            "learning rate",
            "seeds",
            Metric.GREEDY.title(),
            Metric.SAMPLED.title(),
            Metric.PASS.title(),
            "entropy at the end",
            "greedy, training problems",
            "seconds per run",
            "rollouts",
            "demonstrations");
    // Every arm's seeds evaluated the same base on the same problems with the same draws.
    ArmResult first = results.get(0);
    List<String> base = new ArrayList<>(List.of("before", NONE, seeds(first)));
    for (Metric metric : Metric.values()) {
      base.add(metric.text(first.before(metric)));
    }
    base.addAll(List.of(NONE, NONE, NONE, NONE));
    table.add(base);
    for (ArmResult result : results) {
      List<String> row = new ArrayList<>();
      row.add(result.arm().recipe());
      row.add(Arm.rate(result.arm().learningRate()));
      row.add(seeds(result));
      for (Metric metric : Metric.values()) {
        row.add(metric.text(result.after(metric)));
      }
      row.add(result.over(RunResult::trainingGreedy).text(100, 1));
      row.add(result.over(RunResult::seconds).text(1, 0));
      row.add(result.over(run -> (double) run.rollouts()).text(1, 0));
      row.add(result.over(run -> (double) run.demonstrations()).text(1, 0));
      table.add(row);
    }
    return table.text();
  }

  private static String seeds(ArmResult result) {
    return Integer.toString(result.runs().size());
  }

  private String everyRun() {
    Table table =
        new Table(
            "run",
            "seed",
            Metric.GREEDY.title(),
            Metric.SAMPLED.title(),
            Metric.PASS.title(),
            Metric.ENTROPY.title(),
            "seconds");
    for (ArmResult result : results) {
      for (int seed = 0; seed < result.runs().size(); seed++) {
        RunResult run = result.runs().get(seed);
        List<String> row = new ArrayList<>();
        row.add(result.arm().label());
        row.add(Long.toString(result.arm().configs().get(seed).seed()));
        for (Metric metric : Metric.values()) {
          row.add(metric.text(Spread.of(List.of(metric.of(run.after())))));
        }
        row.add(Spread.of(List.of(run.seconds())).text(1, 1));
        table.add(row);
      }
    }
    return table.text();
  }
}
