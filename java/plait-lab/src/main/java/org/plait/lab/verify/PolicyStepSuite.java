package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.plait.Aggregation;
import org.plait.CovarianceKind;
import org.plait.DType;
import org.plait.Logits;
import org.plait.Objective;
import org.plait.Population;
import org.plait.RatioLevel;
import org.plait.Rule;
import org.plait.TensorView;
import org.plait.lab.oracle.RowOracle;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/**
 * {@code policy_step}, from logits to their gradient in one call: against the oracle and PyTorch's
 * autograd of the whole loss, and bit for bit against the three kernels one after another.
 */
final class PolicyStepSuite {

  private final Plan plan;

  private PolicyStepSuite(Plan plan) {
    this.plan = plan;
  }

  static List<Step> steps(Plan plan) {
    PolicyStepSuite suite = new PolicyStepSuite(plan);
    Map<String, Objective> objectives = objectives();
    List<Scenario> kinds = List.of(Scenario.values());
    List<Step> steps = new ArrayList<>();
    for (int vocab : plan.vocabs()) {
      for (Precision precision : Precision.values()) {
        objectives.forEach(
            (name, objective) -> {
              if (plan.quick() && vocab >= 10_000 && !name.equals("mixed")) {
                return;
              }
              // Every kind of logits over the objectives and types, not each with each.
              Scenario scenario = kinds.get((steps.size() + steps.size() / 5) % kinds.size());
              String title = name + ", " + scenario.label();
              steps.add(
                  new Step(
                      "policy_step V=" + vocab + " " + precision.label() + " " + title,
                      () -> suite.run(vocab, precision, scenario, objective, title)));
            });
      }
    }
    return steps;
  }

  /** Of one pass and of two, with roles of their own, weights, selections and rejections. */
  private static Map<String, Objective> objectives() {
    Map<String, Objective> objectives = new LinkedHashMap<>();
    objectives.put("mixed", Objectives.mixed(Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.OWN_ROLE));
    Map<String, Objective> all = Objectives.all();
    for (String name :
        List.of(
            "sft",
            "reinforce",
            "grpo",
            "dapo",
            "luffy",
            "mixture, one pass",
            "correction by token, truncate",
            "clip, sequence mean",
            "srft_hpt",
            "prefix_rft",
            "mixture, gmpo of sequences",
            "mixture, vespo of sequences",
            "filter by sequence_mean k3, reject",
            "kl-cov 0.1",
            "clip_cov")) {
      Objective objective = all.get(name);
      if (objective == null) {
        throw new IllegalStateException("there is no objective '" + name + "'");
      }
      objectives.put(name, objective);
    }
    return objectives;
  }

  /** Whether the objective ranks tokens by numbers that near ties and rounding may exchange. */
  static boolean ranksByCovariance(Objective objective) {
    return objective.rollout().policy().covariance().kind() != CovarianceKind.NONE;
  }

  private List<Check> run(
      int vocab, Precision precision, Scenario scenario, Objective objective, String title) {
    TokenProblem drawn = tokens(vocab, objective).with(objective);
    RowSample sample = RowSample.of(scenario, precision, drawn.tokens(), vocab);
    RowOracle.Statistics[] rows = statistics(sample);
    TokenProblem problem = onPolicyOf(drawn, rows, precision);
    List<Check> checks = new ArrayList<>();
    StepRun fused = bits(plan.kernels(), sample, problem, title, checks);
    boolean zero = vocab == 1 || scenario == Scenario.ONE_FINITE; // p is 0 or 1
    // One impossible token makes its sequence's ratio 0, or clips it.
    zero |=
        scenario == Scenario.FAR_BELOW
            && objective.rollout().policy().ratioLevel() != RatioLevel.TOKEN;
    if (!ranksByCovariance(objective)) {
      checks.add(
          gradient(sample, rows, problem, fused.gradient())
              .check("policy_step", shape(sample), precision.label(), title, zero));
    }
    return checks;
  }

  static RowOracle.Statistics[] statistics(RowSample sample) {
    int vocab = sample.vocab;
    RowOracle.Statistics[] rows = new RowOracle.Statistics[sample.rows];
    IntStream.range(0, rows.length)
        .parallel()
        .forEach(
            t ->
                rows[t] =
                    RowOracle.statistics(
                        sample.x, t * vocab, vocab, sample.targets[t], sample.temperatures[t]));
    return rows;
  }

  /** The step, once it is the same as the three kernels, and as itself in place. */
  static StepRun bits(
      Kernels kernels, RowSample sample, TokenProblem problem, String title, List<Check> checks) {
    Logits logits = sample.logits(problem.tokens(), DType.INT64);
    spoilIgnored(problem, logits.data());
    StepRun fused = StepRun.fused(kernels, logits, problem, false);
    StepRun separate = StepRun.separate(kernels, logits, problem);
    Logits again = sample.logits(problem.tokens(), DType.INT32);
    spoilIgnored(problem, again.data());
    StepRun inPlace = StepRun.fused(kernels, again, problem, true);
    String dtype = sample.precision.label();
    String bits =
        fused.differenceFromStages(separate, t -> keepsExponentials(problem, t, sample.precision));
    String place = inPlace.difference(fused);
    checks.add(
        Check.exact(
            "policy_step bits",
            shape(sample),
            dtype,
            title + ": three kernels",
            bits.isEmpty(),
            bits));
    checks.add(
        Check.exact(
            "policy_step bits",
            shape(sample),
            dtype,
            title + ": in place",
            place.isEmpty(),
            place));
    return fused;
  }

  private static String shape(RowSample sample) {
    return sample.rows + "x" + sample.vocab;
  }

  /** Whether one exponential per logit may serve the statistics and the gradient of a token. */
  private static boolean keepsExponentials(TokenProblem problem, int t, Precision precision) {
    Objective objective = problem.objective();
    Rule rule =
        switch (problem.role(t)) {
          case 0 -> Rule.NONE;
          case 1 -> objective.rollout();
          case 2 -> objective.demonstration();
          default -> objective.hint();
        };
    return precision == Precision.FLOAT32
        && objective.isOnePass()
        && rule.entropy().coefficient() == 0;
  }

  private ProblemSample tokens(int vocab, Objective objective) {
    if (vocab >= 10_000) {
      return ProblemSample.FEW;
    }
    if (!objective.isOnePass()) {
      return ProblemSample.MANY;
    }
    return plan.quick() ? ProblemSample.MIXED : ProblemSample.RAGGED;
  }

  /**
   * The problem at the log-probs of the logits, with old and reference log-probs as far from them
   * as drawn.
   */
  static TokenProblem onPolicyOf(
      TokenProblem drawn, RowOracle.Statistics[] rows, Precision precision) {
    int n = drawn.tokens();
    double[] logProbs = new double[n];
    double[] entropy = new double[n];
    double[] old = new double[n];
    double[] reference = new double[n];
    double[] drawnOld = Objects.requireNonNull(drawn.oldLogProbs());
    double[] drawnReference = Objects.requireNonNull(drawn.referenceLogProbs());
    double[] sampler = new double[n];
    double[] drawnSampler = Objects.requireNonNull(drawn.samplerLogProbs());
    for (int t = 0; t < n; t++) {
      logProbs[t] = rows[t].logProb();
      entropy[t] = rows[t].entropy();
      // A token that the policy holds impossible was not sampled by it: -inf has no ratio.
      double at = Math.max(rows[t].logProb(), -1000);
      old[t] = (float) (at + drawnOld[t] - drawn.logProbs()[t]);
      reference[t] = (float) (at + drawnReference[t] - drawn.logProbs()[t]);
      sampler[t] = (float) (old[t] + drawnSampler[t] - drawnOld[t]);
    }
    return new TokenProblem(
        logProbs,
        entropy,
        drawn.roles(),
        drawn.offsets(),
        drawn.advantages(),
        old,
        reference,
        sampler,
        drawn.objective(),
        counts(precision),
        counts(precision),
        16);
  }

  /**
   * Counts from the batch; in float16 small ones, which scale the loss up as it is done in
   * training.
   */
  private static double[] counts(Precision precision) {
    double[] counts = new double[4];
    Arrays.fill(counts, precision == Precision.FLOAT16 ? 1 / 64.0 : 0);
    return counts;
  }

  static void spoilIgnored(TokenProblem problem, TensorView data) {
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == 0) {
        TensorView row = data.rows(t, t + 1);
        for (long j = 0; j < row.elements(); j++) {
          row.setFloat(j, Float.NaN);
        }
      }
    }
  }

  /** How far a gradient is from the oracle's, and autograd in float32 with it. */
  static ErrorNorm gradient(
      RowSample sample, RowOracle.Statistics[] rows, TokenProblem problem, float[] kernel) {
    TokenObjectiveOracle.Result oracle = TokenObjectiveOracle.evaluate(problem);
    double[] inherited = InheritedError.of(problem, rows, sample.temperatures);
    float[] textbook = textbook(sample, problem, oracle.gates());
    int vocab = sample.vocab;
    int[] roles = oracle.gates().roles();
    List<ErrorNorm> norms =
        IntStream.range(0, sample.rows)
            .parallel()
            .mapToObj(
                t -> {
                  double temperature = sample.temperatures[t];
                  double h = oracle.h()[t];
                  double[] gradient = new double[vocab];
                  RowScale scale = RowScale.of(rows[t], temperature);
                  if (roles[t] != 0) {
                    RowOracle.gradient(
                        sample.x,
                        t * vocab,
                        vocab,
                        sample.targets[t],
                        temperature,
                        oracle.c()[t],
                        h,
                        gradient);
                  }
                  double c = oracle.cMagnitude()[t] + inherited[t];
                  ErrorNorm norm = new ErrorNorm(sample.precision);
                  for (int j = 0; j < vocab; j++) {
                    int at = t * vocab + j;
                    double allowed =
                        roles[t] == 0
                            ? 0
                            : scale.gradient(sample.x[at], j == sample.targets[t], c, h);
                    norm.add(gradient[j], allowed, kernel[at], textbook[at], scale.flush(c, h), at);
                  }
                  return norm;
                })
            .toList();
    ErrorNorm total = new ErrorNorm(sample.precision);
    norms.forEach(total::merge);
    return total;
  }

  /** Autograd of the whole loss in float32. */
  @SuppressWarnings("try") // the scope frees the tensors
  private static float[] textbook(
      RowSample sample, TokenProblem problem, TokenObjectiveOracle.Gates gates) {
    try (PointerScope scope = new PointerScope()) {
      long n = sample.rows;
      Tensor x = AbstractTensor.create(sample.x, n, sample.vocab).set_requires_grad(true);
      Tensor z = x.div(AbstractTensor.create(sample.temperatures, n, 1));
      Tensor logSoftmax = z.log_softmax(1);
      Tensor logProb = logSoftmax.gather(1, AbstractTensor.create(sample.targets, n, 1)).squeeze(1);
      Tensor entropy = TorchRows.entropy(logSoftmax);
      new TorchObjective(problem, ScalarType.Float, gates).loss(logProb, entropy).backward();
      return TorchArrays.floats(x.grad());
    }
  }
}
