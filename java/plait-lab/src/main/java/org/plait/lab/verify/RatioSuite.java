package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.plait.DType;
import org.plait.ImportanceRatio;
import org.plait.Objective;
import org.plait.RatioLevel;
import org.plait.TensorView;
import org.plait.lab.oracle.ImportanceRatioOracle;
import org.plait.lab.oracle.TokenProblem;

/** {@code importance_ratio} against the oracle, at 1e-6 relative; its flags exactly. */
final class RatioSuite {

  private RatioSuite() {}

  static List<Step> steps(Plan plan) {
    List<Step> steps = new ArrayList<>();
    float none = Float.POSITIVE_INFINITY;
    for (ProblemSample sample : ProblemSample.values()) {
      for (RatioLevel level : RatioLevel.values()) {
        for (ImportanceRatio.Options options :
            List.of(
                ImportanceRatio.Options.of(level),
                new ImportanceRatio.Options(level, 0.2f, 0.28f, none),
                new ImportanceRatio.Options(level, 0.2f, none, 1))) {
          steps.add(
              new Step("ratio " + variant(sample, options), () -> run(plan, sample, options)));
        }
      }
    }
    return steps;
  }

  private static String variant(ProblemSample sample, ImportanceRatio.Options options) {
    return sample.label()
        + ", "
        + JsonFields.lower(options.level())
        + ", clip "
        + options.clipLow()
        + "/"
        + options.clipHigh()
        + ", limit "
        + options.logRatioLimit();
  }

  private static List<Check> run(Plan plan, ProblemSample sample, ImportanceRatio.Options options) {
    TokenProblem problem = sample.with(Objective.ppo());
    boolean some = sample == ProblemSample.LONG && options.clipHigh() < 1;
    return compare(plan, problem, options, variant(sample, options), some);
  }

  /** Judges the ratios of a problem, some of which must be out of bounds if {@code flagged}. */
  static List<Check> compare(
      Plan plan,
      TokenProblem problem,
      ImportanceRatio.Options options,
      String variant,
      boolean flagged) {
    int n = problem.tokens();
    double[] old = problem.oldLogProbs();
    byte[] roles = problem.roles();
    long[] offsets = problem.offsets();
    if (old == null) {
      throw new IllegalStateException("the sample has no old log-probs");
    }
    if (roles == null || offsets == null) {
      roles = new byte[n];
      Arrays.fill(roles, (byte) 1);
      offsets = new long[] {0, n};
    }
    ImportanceRatioOracle.Result oracle =
        ImportanceRatioOracle.evaluate(problem.logProbs(), old, roles, offsets, options);
    TensorView ratio = TensorView.allocate(DType.FLOAT32, n);
    TensorView sequenceRatio = TensorView.allocate(DType.FLOAT32, offsets.length - 1);
    TensorView flags = TensorView.allocate(DType.UINT8, n);
    boolean token = options.level() == RatioLevel.TOKEN;
    plan.kernels()
        .importanceRatio(
            ObjectiveRun.batch(problem),
            ObjectiveRun.floats(problem.logProbs()),
            options,
            new ImportanceRatio.Output(ratio, token ? null : sequenceRatio, flags));
    ErrorNorm norm = new ErrorNorm(Precision.FLOAT32);
    String wrong = "";
    boolean some = false;
    for (int t = 0; t < n; t++) {
      norm.add(oracle.ratio()[t], oracle.ratio()[t], ratio.getFloat(t), 0, t);
      some |= oracle.flags()[t] != 0;
      if (flags.getLong(t) != oracle.flags()[t]) {
        wrong = "flags of token " + t + " are " + flags.getLong(t) + ", not " + oracle.flags()[t];
      }
    }
    for (int i = 0; i < offsets.length - 1 && !token; i++) {
      double expected = oracle.sequenceRatio()[i];
      norm.add(expected, expected, sequenceRatio.getFloat(i), 0, i);
    }
    if (flagged && !some) {
      wrong = "no flag is expected to be set, so that nothing is compared";
    }
    String shape = ObjectiveSuite.shape(problem);
    boolean nothing = ObjectiveSuite.nothing(oracle.ratio());
    return List.of(
        norm.check("importance_ratio", shape, "f32", variant, ObjectiveSuite.LIMIT, nothing),
        Check.exact("importance_ratio", shape, "f32", variant + ": flags", wrong.isEmpty(), wrong));
  }
}
