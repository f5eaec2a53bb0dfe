package org.plait.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.StreamSupport;

/**
 * One entry of JMH's JSON.
 *
 * @param benchmark simple name of the class, without "Benchmark"
 * @param method plait, torchEager, ...
 * @param tokens T, where there is a V
 * @param vocab V, or 0 where there is none
 * @param dtype f32 or bf16, or "" where there is none
 * @param objective as the parameter was given, or ""
 * @param time median in the benchmark's unit, of the calls where each was timed, else of the
 *     iterations
 * @param fastest of what the median is of: what others on the machine disturb least
 * @param error half the width of the 99.9% confidence interval of the mean; NaN of too few samples
 * @param heapBytes Java heap allocated per call, NaN if not asked for
 * @param peakBytes resident memory above that before the calls, NaN if not asked for
 */
record Measurement(
    String benchmark,
    String method,
    long tokens,
    long vocab,
    String dtype,
    String objective,
    double time,
    double fastest,
    double error,
    double heapBytes,
    double peakBytes) {

  /** Of the logits in results that do not say how many. */
  private static final int TOKENS = 512;

  static Measurement of(JsonNode entry) {
    String[] name = entry.path("benchmark").asText().split("\\.", -1);
    JsonNode params = entry.path("params");
    JsonNode primary = entry.path("primaryMetric");
    boolean sampled = entry.path("mode").asText().equals("sample");
    return new Measurement(
        name[name.length - 2].replaceFirst("Benchmark$", ""),
        name[name.length - 1],
        params.path("tokens").asLong(TOKENS),
        params.path("vocab").asLong(),
        params.path("dtype").asText(),
        params.path("objective").asText(),
        sampled
            ? primary.path("scorePercentiles").path("50.0").asDouble(Double.NaN)
            : median(primary.path("rawData").path(0)),
        sampled
            ? primary.path("scorePercentiles").path("0.0").asDouble(Double.NaN)
            : sorted(primary.path("rawData").path(0))[0],
        primary.path("scoreError").asDouble(Double.NaN),
        secondary(entry, "gc.alloc.rate.norm"),
        secondary(entry, PeakMemoryProfiler.LABEL));
  }

  /** Whether both were measured on the same logits. */
  boolean sameLogits(Measurement other) {
    return tokens == other.tokens && vocab == other.vocab && dtype.equals(other.dtype);
  }

  /** Bytes of the logits. */
  double logitsBytes() {
    return (double) tokens * vocab * (dtype.equals("f32") ? 4 : 2);
  }

  /** Each logit read once, and written once by all but reading kernels; where time is in ms. */
  double gigabytesPerSecond() {
    boolean reads = benchmark.equals("RowStats") || method.equals("read");
    return logitsBytes() * (reads ? 1 : 2) / time / 1e6;
  }

  /** Where time is in ms. */
  double picosecondsPerLogit() {
    return time * 1e9 / (tokens * vocab);
  }

  /** Whether it is Plait's call of a kernel. */
  boolean isPlaits() {
    return method.equals("plait");
  }

  /** Whether the logits come back as their gradient. */
  boolean isGradient() {
    return vocab > 0 && !benchmark.equals("RowStats");
  }

  private static double median(JsonNode values) {
    double[] sorted = sorted(values);
    return sorted[sorted.length / 2];
  }

  /** In rising order; NaN if there is none. */
  private static double[] sorted(JsonNode values) {
    double[] sorted =
        StreamSupport.stream(values.spliterator(), false)
            .mapToDouble(JsonNode::asDouble)
            .sorted()
            .toArray();
    return sorted.length == 0 ? new double[] {Double.NaN} : sorted;
  }

  private static double secondary(JsonNode entry, String label) {
    for (var field : entry.path("secondaryMetrics").properties()) {
      // Some versions of JMH put a dot before the names of its own profilers.
      if (field.getKey().endsWith(label)) {
        return field.getValue().path("score").asDouble(Double.NaN);
      }
    }
    return Double.NaN;
  }
}
