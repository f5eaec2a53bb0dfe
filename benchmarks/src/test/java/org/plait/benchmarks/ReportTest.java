package org.plait.benchmarks;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class ReportTest {
  static final String DOCUMENT =
      """
      {
        "machine": {"date": "2026-11-01", "commit": "abc1234", "cpu": "EPYC", "cores": 2,
          "simd": "AVX2", "simdForced": true},
        "c": {"rowStats": 40.0},
        "heap": {"RowStats": 0.0, "PolicyStep": 0.0},
        "jmh": [
          %s
        ]
      }
      """
          .formatted(
              String.join(
                  ",\n",
                  sample("Bandwidth.read", "", 10, 0),
                  sample("Bandwidth.scale", "", 20, 0),
                  sample("RowStats.plait", "", 12.5, 0),
                  sample("RowStats.torchEager", "", 500, 1_024_000_000),
                  sample("PolicyStep.plait", ", \"objective\": \"grpo\"", 25, 0),
                  sample("PolicyStep.plait", ", \"objective\": \"grpo_entropy\"", 40, 0),
                  sample("PolicyStep.plait", ", \"objective\": \"sft\"", 24, 0),
                  sample("PolicyStep.torchEager", ", \"objective\": \"grpo\"", 1000, 768_000_000),
                  sample("PolicyStep.torchEager", ", \"objective\": \"grpo_entropy\"", 2000, 0),
                  scaled("RowStats.plait", 4096, 8192, "", 3.5),
                  scaled("RowStats.plait", 16384, 2048, "", 4),
                  scaled("RowStats.plait", 16, 8192, "", 0.02),
                  scaled("PolicyStep.plait", 16384, 2048, ", \"objective\": \"grpo\"", 8),
                  call("rowStats", 46),
                  call("rowStatsRaw", 44)));

  @Test
  void tableHoldsTimeBandwidthRatioAndMemory() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree(DOCUMENT));
    // 512 x 125000 float32 are 256 MB; in 12.5 ms that is 20.5 GB/s.
    assertHas(report, "| row_stats | 512 x 125000 | f32 | 12.5 ± 0.5 | 20.5 | 80% | 500.0 ± 0.5 |");
    assertHas(report, "| 40.0 | 0.0 | 0 (0.0 x) | 977 (4.0 x) |");
    assertHas(report, "| 512 x 125000 | f32 | 244 | 25.6 | 25.6 |");
    assertHas(report, "| rowStats | 40.0 | 44.0 ± 0.5 | 46.0 ± 0.5 | 6.0 | 0.0 |");
    assertHas(report, "# Benchmarks of 2026-11-01, commit abc1234");
  }

  @Test
  void gradientThatPyTorchReturnsIsNotCountedAsItsMemory() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree(DOCUMENT));
    assertHas(
        report, "| policy_step, GRPO, in place | 512 x 125000 | f32 | 25.0 ± 0.5 | 20.5 | 80% |");
    assertHas(report, "| 1000.0 ± 0.5 | 40.0 | 0.0 | 0 (0.0 x) | 488 (2.0 x) |");
  }

  @Test
  void stepsAreComparedWithTheSameObjective() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree(DOCUMENT));
    assertHas(
        report, "| policy_step, GRPO with entropy bonus, in place | 512 x 125000 | f32 | 40.0 ±");
    assertHas(report, "| 2000.0 ± 0.5 | 50.0 |");
  }

  @Test
  void objectivesAreComparedWithSft() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree(DOCUMENT));
    assertHas(report, "| GRPO | 512 x 125000 | f32 | 25.0 ± 0.5 | 22.5 | +4.2% |");
    assertHas(report, "| SFT | 512 x 125000 | f32 | 24.0 ± 0.5 | 21.6 | +0.0% |");
  }

  @Test
  void timeOfALogitIsFollowedOverVocabulariesAndTokens() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree(DOCUMENT));
    // 2^25 logits in 4 ms are 119 ps each, and 33.6 GB/s; a step writes them too.
    String first = "| row_stats | 16384 x 2048 | f32 | 4.00 ± 0.50 | 119 | 33.6 |";
    String second = "| row_stats | 4096 x 8192 | f32 | 3.50 ± 0.50 | 104 | 38.3 |";
    assertHas(report, first + "\n" + second + "\n| policy_step, GRPO, in place | 16384 x 2048 |");
    assertHas(
        report, "| policy_step, GRPO, in place | 16384 x 2048 | f32 | 8.00 ± 0.50 | 238 | 33.6 |");
    assertHas(report, "| row_stats | 16 x 8192 | f32 | 0.0200 ± 0.5000 | 153 | 26.2 |\n" + second);
    assertFalse(report.contains("| GRPO | 16384 x 2048"), "beside no SFT");
  }

  @Test
  void whatWasNotMeasuredHasNoTable() throws JsonProcessingException {
    String report = Report.of(new ObjectMapper().readTree("{\"machine\": {}, \"jmh\": []}"));
    assertFalse(report.contains("##"), report);
  }

  @Test
  void aForcedTargetIsSaidToBeForced() throws JsonProcessingException {
    assertHas(Report.of(new ObjectMapper().readTree(DOCUMENT)), "on AVX2 (forced), ");
    String best = DOCUMENT.replace("\"simdForced\": true", "\"simdForced\": false");
    assertHas(Report.of(new ObjectMapper().readTree(best)), "on AVX2, ");
  }

  @Test
  void otherArgumentsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Report.main(new String[] {"a.txt"}));
    assertThrows(IllegalArgumentException.class, () -> Charts.main(new String[] {"a.txt"}));
    for (String more : new String[] {"--fast", "--only nothing", "--target", "--quick AVX2"}) {
      String[] args = ("out log program commit " + more).split(" ", -1);
      assertThrows(IllegalArgumentException.class, () -> Suite.main(args), more);
    }
  }

  private static void assertHas(String report, String expected) {
    assertTrue(report.contains(expected), () -> "expected " + expected + " in\n" + report);
  }

  private static String sample(String name, String params, double median, long peak) {
    return """
        {
          "benchmark": "org.plait.benchmarks.%s",
          "mode": "sample",
          "params": {"vocab": "125000", "dtype": "f32"%s},
          "primaryMetric": {"score": 1e9, "scoreError": 0.5,
            "scorePercentiles": {"0.0": %s, "50.0": %s}},
          "secondaryMetrics": {"memory.peak": {"score": %d}}
        }"""
        .formatted(name.replace(".", "Benchmark."), params, 0.9 * median, median, peak);
  }

  private static String scaled(
      String name, int tokens, int vocab, String objective, double median) {
    return sample(name, ", \"tokens\": \"" + tokens + "\"" + objective, median, 0)
        .replace("125000", Integer.toString(vocab));
  }

  private static String call(String method, double median) {
    return """
        {
          "benchmark": "org.plait.benchmarks.CallOverheadBenchmark.%s",
          "mode": "avgt",
          "primaryMetric": {"score": 1e9, "scoreError": 0.5, "rawData": [[99, %s, 1]]},
          "secondaryMetrics": {"gc.alloc.rate.norm": {"score": 0.01}}
        }"""
        .formatted(method, median);
  }
}
