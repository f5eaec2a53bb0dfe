package org.plait.lab.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.lab.train.Evaluation;
import org.plait.lab.train.Options;
import org.plait.lab.train.RunResult;
import org.plait.lab.train.RunResult.Point;

class ReportTest {

  private static ComparisonConfig config(String... options) {
    Options given = new Options(ComparisonConfig.OPTIONS);
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return ComparisonConfig.of(given);
  }

  private static RunResult run(double success, double seconds, long demonstrations) {
    return new RunResult(
        new Evaluation(0.1, 0.04, 0.2, 0.5),
        new Evaluation(success, success - 0.1, success + 0.1, 0.25),
        2 * success,
        seconds,
        12,
        demonstrations,
        2,
        List.of(
            new Point(1, Double.NaN, 2 * success, Double.NaN, Double.NaN),
            new Point(2, success, 1, 2 * success, 3 * success)));
  }

  private static ArmResult result(Arm arm, double... successes) {
    return new ArmResult(
        arm, Arrays.stream(successes).mapToObj(success -> run(success, 10, 9)).toList());
  }

  private static String row(String report, String start) {
    return report.lines().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
  }

  private static List<String> cells(String row) {
    return Arrays.stream(row.split("\\|", -1)).map(String::strip).toList();
  }

  @Test
  void tableHoldsMeansAndRangesBelowTheBase() {
    Arm arm = config("recipes", "grpo", "seeds", "2", "learning-rates", "3e-4").arms().get(0);
    List<ArmResult> results =
        List.of(new ArmResult(arm, List.of(run(0.3, 10, 5), run(0.4, 13, 7))));
    String table = Report.comparison(results);
    assertEquals(
        List.of("", "before", "", "2", "10.0", "4.0", "20.0", "0.500", "", "", "", "", ""),
        cells(row(table, "| before")));
    assertEquals(
        List.of(
            "",
            "grpo",
            "3e-4",
            "2",
            "35.0 (30.0 to 40.0)",
            "25.0 (20.0 to 30.0)",
            "45.0 (40.0 to 50.0)",
            "0.250",
            "70.0 (60.0 to 80.0)",
            "12 (10 to 13)",
            "12",
            "6 (5 to 7)",
            ""),
        cells(row(table, "| grpo")));
    assertTrue(table.indexOf("before") < table.indexOf("grpo"));
  }

  @Test
  void armsAreSeparateOnlyIfTheirRangesDoNotTouch() {
    List<Arm> arms =
        config("recipes", "sft,grpo", "seeds", "2", "learning-rates", "1e-4,1e-3").arms();
    List<ArmResult> results = new ArrayList<>();
    results.add(result(arms.get(0), 0.2, 0.3));
    results.add(result(arms.get(1), 0.1, 0.15));
    results.add(result(arms.get(2), 0.3, 0.5));
    results.add(result(arms.get(3), 0.2, 0.25));
    String best = "greedy: grpo, lr 1e-4 is above grpo, lr 1e-3; sft, lr 1e-3 in every seed;";
    String overlap = " the range of grpo, lr 1e-4 overlaps with that of sft, lr 1e-4.";
    assertTrue(Separations.text(results).contains(best + overlap), Separations.text(results));
    Collections.reverse(results);
    assertTrue(Separations.text(results).contains(best + overlap), "the order must not matter");
  }

  @Test
  void oneSeedSeparatesNothing() {
    List<Arm> arms = config("recipes", "sft,grpo", "seeds", "1").arms();
    String text = Separations.text(List.of(result(arms.get(0), 0.2), result(arms.get(1), 0.9)));
    assertTrue(text.startsWith("Nothing"), text);
    assertFalse(text.contains("above"), text);
  }

  @Test
  void curvesAreMeansOverTheSeedsThatMeasured() {
    Arm arm = config("recipes", "grpo", "seeds", "2").arms().get(0);
    ArmResult result = result(arm, 0.2, 0.4);
    assertEquals(1, result.curve(Point::reward).values().size());
    assertEquals(0.3, result.curve(Point::reward).values().get(0), 1e-12);
    List<Double> entropy = result.curve(Point::entropy).values();
    assertEquals(0.6, entropy.get(0), 1e-12);
    assertEquals(1, entropy.get(1));
    List<Double> sampled = result.curve(Metric.SAMPLED, Point::evalSampled).values();
    assertEquals(List.of(0.04, 0.6), sampled.stream().map(ReportTest::rounded).toList());
  }

  private static double rounded(double value) {
    return Math.round(value * 1e9) / 1e9;
  }

  @Test
  void cellsWithCommasAreQuotedAndUnmeasuredOnesEmpty() {
    List<Arm> arms = config("recipes", "grpo", "seeds", "1", "learning-rates", "1e-4,1e-5").arms();
    List<ArmResult> results = List.of(result(arms.get(0), 0.5), result(arms.get(1), 0.25));
    assertEquals(
        "\"grpo, lr 1e-5\",grpo,1e-5,0,0.25,0.15,0.35,0.25,0.1,0.04,0.2,0.5,0.5,10.00,12,9",
        ResultsCsv.runs(results).lines().toList().get(2));
    List<String> curves = ResultsCsv.curves(results).lines().toList();
    assertEquals("arm,seed,step,reward,entropy,eval_sampled,eval_entropy", curves.get(0));
    assertEquals("\"grpo, lr 1e-4\",0,1,,1.0,,", curves.get(1));
    assertEquals("\"grpo, lr 1e-4\",0,2,0.5,1.0,1.0,1.5", curves.get(2));
  }

  @Test
  void seedsBeginWhereTheyAreAskedTo() {
    Arm arm = config("recipes", "grpo", "first-seed", "100", "seeds", "2").arms().get(0);
    assertEquals("grpo-seed101", arm.directory(1));
    String line = ResultsCsv.runs(List.of(result(arm, 0.5, 0.25))).lines().toList().get(2);
    assertTrue(line.startsWith("grpo,grpo,"), line);
    assertEquals("101", line.split(",", -1)[3]);
  }

  @Test
  void armsOfOneRateAreNamedAfterTheirRecipe() {
    assertEquals("grpo", config("recipes", "grpo", "learning-rates", "2e-4").arms().get(0).label());
    Arm arm = config("recipes", "grpo", "learning-rates", "0.00015,1").arms().get(0);
    assertEquals("grpo, lr 1.5e-4", arm.label());
    assertEquals("grpo-lr1.5e-4-seed2", arm.directory(2));
    assertEquals("2e-3", Arm.rate(0.002));
    assertEquals("0.05", Arm.rate(0.05));
    assertEquals("10", Arm.rate(10));
  }
}
