package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.global.torch;
import org.plait.Aggregation;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Population;
import org.plait.TensorView;
import org.plait.lab.oracle.TokenProblem;

/**
 * What {@code policy_step} does with bad targets, NaN rows, no tokens and any number of threads.
 */
final class PolicyStepEdgeSuite {

  private static final int VOCAB = 2053;

  private final Plan plan;
  private final Precision precision;
  private final TokenProblem problem;
  private final RowSample sample;
  private final StepRun ordinary;

  private PolicyStepEdgeSuite(Plan plan, Precision precision) {
    this.plan = plan;
    this.precision = precision;
    this.problem =
        ProblemSample.MIXED.with(
            Objectives.mixed(Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.OWN_ROLE));
    this.sample = RowSample.of(Scenario.NORMAL, precision, problem.tokens(), VOCAB);
    this.ordinary = run(sample.logits(problem.tokens(), DType.INT64), problem);
  }

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    for (Precision precision : Precision.values()) {
      steps.add(
          new Step(
              "policy_step edges " + precision.label(),
              () -> new PolicyStepEdgeSuite(plan, precision).run()));
    }
    return steps;
  }

  private List<Check> run() {
    return List.of(
        check("a bad target gives a zero row and is counted", this::badTarget),
        check("a NaN row gives NaN to itself alone", this::undefinedRow),
        check("no tokens", this::none),
        check("nothing but ignored tokens", this::ignored),
        check("1, 2, 3 and 5 threads give the same bits", this::threads));
  }

  private Check check(String variant, Supplier<String> difference) {
    String found = difference.get();
    return Check.exact(
        "policy_step edges",
        problem.tokens() + "x" + VOCAB,
        precision.label(),
        variant,
        found.isEmpty(),
        found);
  }

  private StepRun run(Logits logits, TokenProblem tokens) {
    return StepRun.fused(plan.kernels(), logits, tokens, false);
  }

  private int tokenOf(int role) {
    int token = 0;
    while (problem.role(token) != role) {
      token++;
    }
    return token;
  }

  private String badTarget() {
    int bad = tokenOf(2);
    Logits good = sample.logits(problem.tokens(), DType.INT64);
    good.targets().setLong(bad, VOCAB);
    Logits logits = Logits.of(good.data(), good.targets());
    StepRun run = run(logits, problem);
    Map<String, Double> metrics = run.metrics();
    double tokens = ordinary.metrics().getOrDefault("tokens", 0.0);
    if (metrics.getOrDefault("bad_targets", 0.0) != 1) {
      return "bad_targets is " + metrics.get("bad_targets") + ", not 1";
    }
    if (metrics.getOrDefault("tokens", 0.0) != tokens - 1) {
      return "tokens is " + metrics.get("tokens") + ", not " + (tokens - 1);
    }
    if (!Double.isFinite(metrics.getOrDefault("loss", Double.NaN))) {
      return "the loss is " + metrics.get("loss");
    }
    for (float value : row(run, bad)) {
      if (value != 0) {
        return "the gradient of the row has a " + value;
      }
    }
    return others(run, bad);
  }

  private String undefinedRow() {
    int odd = tokenOf(1);
    Logits logits = sample.logits(problem.tokens(), DType.INT64);
    logits.data().setFloat((long) odd * VOCAB + 7, Float.NaN);
    StepRun run = run(logits, problem);
    for (float value : row(run, odd)) {
      if (!Float.isNaN(value)) {
        return "the gradient of the row has a " + value;
      }
    }
    return Float.isNaN(run.logProb()[odd]) ? others(run, odd) : "logp is " + run.logProb()[odd];
  }

  private static float[] row(StepRun run, int token) {
    return Arrays.copyOfRange(run.gradient(), token * VOCAB, (token + 1) * VOCAB);
  }

  private String others(StepRun run, int odd) {
    for (int t = 0; t < problem.tokens(); t++) {
      if (t != odd && Bits.mismatch(row(run, t), row(ordinary, t)) >= 0) {
        return "the gradient of token " + t + " changed too";
      }
    }
    return "";
  }

  private String none() {
    TokenProblem empty = ProblemSample.NONE.with(problem.objective());
    StepRun run = run(sample.logits(0, DType.INT64), empty);
    double loss = run.metrics().getOrDefault("loss", Double.NaN);
    return loss == 0 ? "" : "the loss is " + loss;
  }

  private String ignored() {
    TokenProblem tokens = ProblemSample.IGNORED.with(problem.objective());
    TensorView data = TensorView.allocate(precision.dtype(), tokens.tokens(), VOCAB);
    for (long i = 0; i < data.elements(); i++) {
      data.setFloat(i, Float.NaN);
    }
    StepRun run = run(sample.logits(data, 0, tokens.tokens(), DType.INT64, null), tokens);
    for (float[] output : List.of(run.gradient(), run.logProb(), run.entropy(), run.tokenLoss())) {
      for (float value : output) {
        if (value != 0) {
          return "an output of an ignored token is " + value;
        }
      }
    }
    double loss = run.metrics().getOrDefault("loss", Double.NaN);
    return loss == 0 ? "" : "the loss is " + loss;
  }

  private String threads() {
    int before = torch.get_num_threads();
    try {
      for (int threads : new int[] {1, 2, 3, 5}) {
        torch.set_num_threads(threads);
        String found =
            run(sample.logits(problem.tokens(), DType.INT64), problem).difference(ordinary);
        if (!found.isEmpty()) {
          return threads + " threads: " + found;
        }
      }
      return "";
    } finally {
      torch.set_num_threads(before);
    }
  }
}
