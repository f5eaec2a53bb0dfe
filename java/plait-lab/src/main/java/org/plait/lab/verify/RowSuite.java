package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.plait.DType;
import org.plait.Logits;
import org.plait.TensorView;
import org.plait.lab.oracle.RowOracle;

/**
 * {@code row_stats} and {@code logits_grad} against the oracle and PyTorch, for every size, type
 * and kind of logits.
 */
final class RowSuite {

  private final Plan plan;

  private RowSuite(Plan plan) {
    this.plan = plan;
  }

  static List<Step> steps(Plan plan) {
    RowSuite suite = new RowSuite(plan);
    List<Step> steps = new ArrayList<>();
    for (int vocab : plan.vocabs()) {
      for (Precision precision : Precision.values()) {
        for (Scenario scenario : Scenario.values()) {
          steps.add(
              new Step(
                  "rows V=" + vocab + " " + precision.label() + " " + scenario.label(),
                  () -> suite.run(vocab, precision, scenario)));
        }
      }
    }
    return steps;
  }

  private List<Check> run(int vocab, Precision precision, Scenario scenario) {
    RowSample sample = RowSample.of(scenario, precision, plan.rows(vocab), vocab);
    DType targetType = scenario.hasInt32Targets() ? DType.INT32 : DType.INT64;
    Logits logits = sample.logits(sample.rows, targetType);
    TensorView gradient = TensorView.allocate(precision.dtype(), sample.rows, vocab);
    RowResults results = RowResults.run(plan.kernels(), logits, sample.c, sample.h, gradient);
    return compare(sample, results, TorchRows.of(sample), scenario.label());
  }

  /** Judges the kernels' results for a sample. */
  static List<Check> compare(
      RowSample sample, RowResults results, TorchRows torch, String variant) {
    List<ErrorNorm[]> norms =
        IntStream.range(0, sample.rows)
            .parallel()
            .mapToObj(row -> compareRow(sample, results, torch, row))
            .toList();
    ErrorNorm[] total = newNorms(sample.precision);
    for (ErrorNorm[] row : norms) {
      for (int i = 0; i < total.length; i++) {
        total[i].merge(row[i]);
      }
    }
    String shape = sample.rows + "x" + sample.vocab;
    String dtype = sample.precision.label();
    // One entry, or one that is finite, leaves no choice: log-prob and entropy are 0, and so is the
    // gradient.
    boolean zero = sample.vocab == 1;
    boolean certain = zero || sample.scenario == Scenario.ONE_FINITE;
    return List.of(
        total[0].check("row_stats", shape, dtype, variant + ": logp", zero),
        total[1].check("row_stats", shape, dtype, variant + ": entropy", certain),
        total[2].check("row_stats", shape, dtype, variant + ": logsumexp", false),
        total[3].check("logits_grad", shape, dtype, variant, zero));
  }

  private static ErrorNorm[] newNorms(Precision precision) {
    return new ErrorNorm[] {
      new ErrorNorm(Precision.FLOAT32),
      new ErrorNorm(Precision.FLOAT32),
      new ErrorNorm(Precision.FLOAT32),
      new ErrorNorm(precision)
    };
  }

  private static ErrorNorm[] compareRow(
      RowSample sample, RowResults results, TorchRows torch, int row) {
    int vocab = sample.vocab;
    int from = row * vocab;
    int target = (int) sample.targets[row];
    double temperature = sample.temperatures[row];
    RowOracle.Statistics oracle = RowOracle.statistics(sample.x, from, vocab, target, temperature);
    RowScale scale = RowScale.of(oracle, temperature);
    ErrorNorm[] norms = newNorms(sample.precision);
    norms[0].add(
        oracle.logProb(), scale.logProb(), results.logProb()[row], torch.logProb()[row], 0, row);
    norms[1].add(
        oracle.entropy(), scale.entropy(), results.entropy()[row], torch.entropy()[row], 0, row);
    norms[2].add(
        oracle.logSumExp(),
        scale.logSumExp(),
        results.logSumExp()[row],
        torch.logSumExp()[row],
        0,
        row);
    double c = sample.c[row];
    double h = sample.h[row];
    double[] gradient = new double[vocab];
    RowOracle.gradient(sample.x, from, vocab, target, temperature, c, h, gradient);
    double flush = scale.flush(c, h);
    for (int j = 0; j < vocab; j++) {
      norms[3].add(
          gradient[j],
          scale.gradient(sample.x[from + j], j == target, c, h),
          results.gradient()[from + j],
          torch.gradient()[from + j],
          flush,
          from + j);
    }
    return norms;
  }
}
