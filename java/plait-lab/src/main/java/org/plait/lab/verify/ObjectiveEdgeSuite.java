package org.plait.lab.verify;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.Aggregation;
import org.plait.Metrics;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.Rule;
import org.plait.Term;
import org.plait.lab.oracle.TokenProblem;

/**
 * What {@code token_objective} does at bounds, with NaN, with ignored tokens, in parts and on any
 * number of threads.
 */
final class ObjectiveEdgeSuite {

  private static final Objective MIXED =
      Objectives.mixed(Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.OWN_ROLE);

  private final Plan plan;

  private ObjectiveEdgeSuite(Plan plan) {
    this.plan = plan;
  }

  static List<Step> steps(Plan plan) {
    ObjectiveEdgeSuite suite = new ObjectiveEdgeSuite(plan);
    return List.of(
        new Step("objective edges", suite::run),
        new Step("objective draws", () -> ClipDraw.checks(plan, ProblemSample.LONG)));
  }

  private List<Check> run() {
    return List.of(
        check("at a clip bound the gradient is whole", this::clipBound),
        check("at the log-ratio limit the gradient is whole, beyond it zero", this::limit),
        check("no old log-probs are equal ones", this::withoutOld),
        check("a NaN log-prob gives NaN to its token alone", this::undefined),
        check("ignored tokens are not read", this::ignored),
        check("ignored tokens between others change no bit", this::layouts),
        check("micro-batches add up", this::microBatches),
        check("1, 2, 3 and 5 threads give the same bits", this::threads));
  }

  private static Check check(String variant, Supplier<String> difference) {
    String found = difference.get();
    return Check.exact("token_objective edges", "", "f32", variant, found.isEmpty(), found);
  }

  private static TokenProblem tokens(
      Rule rule, double[] logProbs, double[] old, double[] advantages) {
    Objective objective = new Objective(rule, Rule.NONE, Rule.NONE);
    return TokenProblem.of(logProbs, null, null, null, advantages, old, null, objective);
  }

  private String clipBound() {
    Rule rule = Rule.builder().policy(PolicyLoss.CLIP, Term.of(2)).clip(0, 0).build();
    double[] logProbs = {-1, -2};
    ObjectiveRun run =
        ObjectiveRun.of(
            plan.kernels(), tokens(rule, logProbs, logProbs.clone(), new double[] {1, -1}));
    return run.c()[0] == -1 && run.c()[1] == 1 ? "" : "c is " + Arrays.toString(run.c());
  }

  private String limit() {
    Rule rule = Rule.builder().policy(PolicyLoss.CLIP, Term.of(4)).logRatioLimit(2).build();
    double[] logProbs = {-1, -3, -1, -3.5};
    double[] old = {-3, -1, -3.25, -1};
    ObjectiveRun run =
        ObjectiveRun.of(plan.kernels(), tokens(rule, logProbs, old, new double[] {1, 1, 1, 1}));
    float[] c = run.c();
    boolean whole =
        Math.abs(c[0] / -Math.exp(2) - 1) < 1e-6 && Math.abs(c[1] / -Math.exp(-2) - 1) < 1e-6;
    return whole && c[2] == 0 && c[3] == 0 ? "" : "c is " + Arrays.toString(c);
  }

  private String withoutOld() {
    TokenProblem given = ProblemSample.RAGGED.with(MIXED);
    TokenProblem without = withOld(given, null);
    TokenProblem equal = withOld(given, given.logProbs());
    return ObjectiveRun.of(plan.kernels(), without)
        .difference(ObjectiveRun.of(plan.kernels(), equal));
  }

  private static TokenProblem withOld(TokenProblem p, double @Nullable [] old) {
    return TokenProblem.of(
        p.logProbs(),
        p.entropy(),
        p.roles(),
        p.offsets(),
        p.advantages(),
        old,
        p.referenceLogProbs(),
        p.objective());
  }

  private String undefined() {
    TokenProblem problem = ProblemSample.RAGGED.with(MIXED);
    ObjectiveRun expected = ObjectiveRun.of(plan.kernels(), problem);
    int token = 0;
    for (int role = 1; role <= 3; role++) {
      while (problem.role(token) != role) {
        token++;
      }
      double[] logProbs = problem.logProbs().clone();
      logProbs[token] = Double.NaN;
      ObjectiveRun run = ObjectiveRun.of(plan.kernels(), problem.at(logProbs, problem.entropy()));
      for (int t = 0; t < problem.tokens(); t++) {
        boolean right =
            t == token
                ? Float.isNaN(run.c()[t])
                    && Float.isNaN(run.h()[t])
                    && Float.isNaN(run.tokenLoss()[t])
                : run.c()[t] == expected.c()[t] && run.h()[t] == expected.h()[t];
        if (!right) {
          return "NaN at token "
              + token
              + ", role "
              + role
              + ", gives token "
              + t
              + " c "
              + run.c()[t]
              + ", h "
              + run.h()[t]
              + ", loss "
              + run.tokenLoss()[t];
        }
      }
    }
    return "";
  }

  private String ignored() {
    TokenProblem problem = ProblemSample.RAGGED.with(MIXED);
    ObjectiveRun expected = ObjectiveRun.of(plan.kernels(), problem);
    TokenProblem spoilt =
        TokenProblem.of(
                spoil(problem, problem.logProbs()),
                spoil(problem, problem.entropy()),
                problem.roles(),
                problem.offsets(),
                spoil(problem, problem.advantages()),
                spoil(problem, problem.oldLogProbs()),
                spoil(problem, problem.referenceLogProbs()),
                problem.objective())
            .withSampler(spoil(problem, problem.samplerLogProbs()));
    ObjectiveRun run = ObjectiveRun.of(plan.kernels(), spoilt);
    for (int t = 0; t < problem.tokens(); t++) {
      if (problem.role(t) == 0 && (run.c()[t] != 0 || run.h()[t] != 0 || run.tokenLoss()[t] != 0)) {
        return "ignored token " + t + " has c " + run.c()[t];
      }
    }
    return run.difference(expected);
  }

  private static double[] spoil(TokenProblem problem, double @Nullable [] values) {
    double[] result = Objects.requireNonNull(values).clone();
    for (int t = 0; t < result.length; t++) {
      if (problem.role(t) == 0) {
        result[t] = t % 2 == 0 ? Double.NaN : Double.POSITIVE_INFINITY;
      }
    }
    return result;
  }

  /** The counted tokens alone, packed, against the same ones with ignored tokens between them. */
  private String layouts() {
    for (Map.Entry<String, Objective> objective : Objectives.all().entrySet()) {
      TokenProblem spread =
          ProblemSample.RAGGED
              .with(objective.getValue())
              .withNormalizers(new double[4], new double[4], 64);
      int[] counted =
          IntStream.range(0, spread.tokens()).filter(t -> spread.role(t) != 0).toArray();
      ObjectiveRun expected = ObjectiveRun.of(plan.kernels(), spread).at(counted);
      String found =
          ObjectiveRun.of(plan.kernels(), packed(spread, counted)).tokenDifference(expected);
      if (!found.isEmpty()) {
        return objective.getKey() + ": " + found;
      }
    }
    return "";
  }

  private static TokenProblem packed(TokenProblem problem, int[] counted) {
    long[] offsets = new long[problem.sequences() + 1];
    Arrays.setAll(offsets, i -> Arrays.stream(counted).filter(t -> t < problem.begin(i)).count());
    byte[] roles = new byte[counted.length];
    for (int i = 0; i < roles.length; i++) {
      roles[i] = (byte) problem.role(counted[i]);
    }
    return TokenProblem.of(
            pick(problem.logProbs(), counted),
            pick(problem.entropy(), counted),
            roles,
            offsets,
            pick(problem.advantages(), counted),
            pick(problem.oldLogProbs(), counted),
            pick(problem.referenceLogProbs(), counted),
            problem.objective())
        .withSampler(pick(problem.samplerLogProbs(), counted))
        .withNormalizers(problem.tokenCounts(), problem.sequenceCounts(), problem.length());
  }

  private static double[] pick(double @Nullable [] values, int[] tokens) {
    double[] given = Objects.requireNonNull(values);
    return Arrays.stream(tokens).mapToDouble(t -> given[t]).toArray();
  }

  /**
   * The first sequences and the rest, each with the counts of both, give the same c and the same
   * sums.
   */
  private String microBatches() {
    TokenProblem whole = ProblemSample.RAGGED.with(MIXED);
    Metrics total = new Metrics();
    ObjectiveRun expected = ObjectiveRun.of(plan.kernels(), whole, total);
    double[] tokens = new double[4];
    double[] sequences = new double[4];
    count(whole, tokens, sequences);
    Metrics sum = new Metrics();
    int cut = 4;
    int begin = whole.begin(cut);
    for (boolean second : new boolean[] {false, true}) {
      int from = second ? begin : 0;
      int to = second ? whole.tokens() : begin;
      TokenProblem part = part(whole, second ? cut : 0, second ? whole.sequences() : cut);
      Metrics metrics = new Metrics();
      ObjectiveRun run =
          ObjectiveRun.of(plan.kernels(), part.withNormalizers(tokens, sequences, 0), metrics);
      sum.add(metrics);
      if (!Arrays.equals(run.c(), Arrays.copyOfRange(expected.c(), from, to))
          || !Arrays.equals(run.h(), Arrays.copyOfRange(expected.h(), from, to))) {
        return "c or h of tokens " + from + " to " + to + " differ";
      }
    }
    double distance = Math.abs(sum.loss() - total.loss());
    return distance <= 1e-12 * total.lossMagnitude() && sum.tokens() == total.tokens()
        ? ""
        : "the losses add up to " + sum.loss() + ", not " + total.loss();
  }

  private static void count(TokenProblem problem, double[] tokens, double[] sequences) {
    for (int i = 0; i < problem.sequences(); i++) {
      double[] found = new double[4];
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        found[problem.role(t)]++;
      }
      found[0] = found[1] + found[2] + found[3];
      for (int k = 0; k < 4; k++) {
        tokens[k] += found[k];
        sequences[k] += Math.signum(found[k]);
      }
    }
  }

  private static TokenProblem part(TokenProblem whole, int first, int last) {
    int from = whole.begin(first);
    int to = whole.begin(last);
    long[] offsets = new long[last - first + 1];
    Arrays.setAll(offsets, i -> whole.begin(first + i) - from);
    return TokenProblem.of(
            Arrays.copyOfRange(whole.logProbs(), from, to),
            Arrays.copyOfRange(whole.entropy(), from, to),
            Arrays.copyOfRange(whole.roles(), from, to),
            offsets,
            Arrays.copyOfRange(whole.advantages(), from, to),
            Arrays.copyOfRange(whole.oldLogProbs(), from, to),
            Arrays.copyOfRange(whole.referenceLogProbs(), from, to),
            whole.objective())
        .withSampler(Arrays.copyOfRange(whole.samplerLogProbs(), from, to));
  }

  private String threads() {
    TokenProblem problem = ProblemSample.LONG.with(MIXED);
    ObjectiveRun expected = ObjectiveRun.of(plan.kernels(), problem);
    int before = torch.get_num_threads();
    try {
      for (int threads : new int[] {1, 2, 3, 5}) {
        torch.set_num_threads(threads);
        String found = ObjectiveRun.of(plan.kernels(), problem).difference(expected);
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
