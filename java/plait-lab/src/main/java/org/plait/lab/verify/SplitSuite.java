package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.plait.DType;
import org.plait.Logits;
import org.plait.RowStats;
import org.plait.TensorView;

/**
 * A vocabulary split over several calls, as tensor-parallel ranks would: each part's statistics,
 * their merge, and each part's gradient, judged like the unsplit kernels.
 */
final class SplitSuite {

  private static final int[] PARTS = {1, 2, 3, 8};

  private final Plan plan;

  private SplitSuite(Plan plan) {
    this.plan = plan;
  }

  static List<Step> steps(Plan plan) {
    SplitSuite suite = new SplitSuite(plan);
    List<Step> steps = new ArrayList<>();
    List<Scenario> scenarios =
        plan.quick()
            ? List.of(Scenario.MASKED, Scenario.ONE_FINITE, Scenario.TOKEN_TEMPERATURES)
            : List.of(
                Scenario.NORMAL,
                Scenario.OFFSET_UP,
                Scenario.MASKED,
                Scenario.ONE_FINITE,
                Scenario.TOKEN_TEMPERATURES);
    for (int vocab : plan.quick() ? new int[] {8, 2053} : new int[] {8, 128, 2053, 50257, 151936}) {
      for (Precision precision : Precision.values()) {
        for (Scenario scenario : scenarios) {
          steps.add(
              new Step(
                  "split V=" + vocab + " " + precision.label() + " " + scenario.label(),
                  () -> suite.run(vocab, precision, scenario)));
        }
      }
    }
    return steps;
  }

  private List<Check> run(int vocab, Precision precision, Scenario scenario) {
    RowSample sample = RowSample.of(scenario, precision, vocab > 10_000 ? 4 : 17, vocab);
    TorchRows torch = TorchRows.of(sample);
    List<Check> checks = new ArrayList<>();
    for (int parts : PARTS) {
      String variant = scenario.label() + ", " + parts + (parts == 1 ? " part" : " parts");
      RowSuite.compare(sample, split(sample, parts), torch, variant)
          .forEach(check -> checks.add(check.withKernel(check.kernel() + " split")));
    }
    return checks;
  }

  private RowResults split(RowSample sample, int parts) {
    Logits whole = sample.logits(sample.rows, DType.INT64);
    TensorView gradient = TensorView.allocate(sample.precision.dtype(), sample.rows, sample.vocab);
    TensorView states =
        TensorView.allocate(DType.FLOAT32, (long) parts * sample.rows, RowStats.STATE_FLOATS);
    Logits[] shards = new Logits[parts];
    long[] bounds = new long[parts + 1];
    // Parts of unlike sizes, so that a wrong offset cannot cancel.
    Arrays.setAll(
        bounds, i -> Math.max(i, Math.round(sample.vocab * Math.pow((double) i / parts, 1.3))));
    for (int i = 0; i < parts; i++) {
      shards[i] = shard(sample, whole, bounds[i], bounds[i + 1]);
      plan.kernels()
          .rowStats(
              shards[i],
              new RowStats.Output(
                  null,
                  null,
                  null,
                  states.rows((long) i * sample.rows, (long) (i + 1) * sample.rows)));
    }
    RowStats.Output merged = RowStats.Output.allocate(sample.rows);
    if (sample.scenario.perTokenTemperature()) {
      plan.kernels().merge(states, parts, TensorView.copyOf(sample.temperatures), 1, merged);
    } else {
      plan.kernels().merge(states, parts, null, sample.temperatures[0], merged);
    }
    for (int i = 0; i < parts; i++) {
      plan.kernels()
          .logitsGrad(
              shards[i],
              RowResults.given(merged.state()),
              TensorView.copyOf(sample.c),
              TensorView.copyOf(sample.h),
              columns(gradient, bounds[i], bounds[i + 1]));
    }
    return RowResults.of(merged, gradient);
  }

  private static Logits shard(RowSample sample, Logits whole, long begin, long end) {
    Logits.Builder builder =
        Logits.builder(columns(whole.data(), begin, end), whole.targets())
            .shard(begin, sample.vocab);
    return sample.scenario.perTokenTemperature()
        ? builder.temperatures(TensorView.copyOf(sample.temperatures)).build()
        : builder.temperature(sample.temperatures[0]).build();
  }

  private static TensorView columns(TensorView matrix, long begin, long end) {
    return TensorView.ofAddress(
        matrix.address() + begin * matrix.dtype().bytes(),
        matrix.dtype(),
        new long[] {matrix.size(0), end - begin},
        matrix.rowStride(),
        matrix.device(),
        matrix.owner());
  }
}
