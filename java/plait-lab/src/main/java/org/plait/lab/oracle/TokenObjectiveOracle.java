package org.plait.lab.oracle;

import java.util.Arrays;
import java.util.List;
import org.plait.CovarianceKind;
import org.plait.EntropyWeighting;
import org.plait.KlTerm;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.PolicyTerm;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;

/**
 * Definition of {@code token_objective}: c, h, losses and metrics of T tokens, in float64.
 *
 * <p>Token t of role R contributes {@code w_policy * policy - w_nll * logp + w_kl * kl - w_entropy
 * * entropy} by the rule of R, where each w is the term's coefficient times its aggregation weight;
 * w_policy and w_nll also times their entropy weighting, and w_policy times the sampler's weight
 * and 0 where the token is dropped. c is the derivative with respect to logp, h that with respect
 * to the entropy.
 */
public final class TokenObjectiveOracle {

  /**
   * The answer.
   *
   * @param c [T] derivative of the loss with respect to each log-probability
   * @param h [T] derivative of the loss with respect to each entropy
   * @param tokenLoss [T] each token's summands of the loss
   * @param cMagnitude [T] sum of the absolute values of the terms of c
   * @param lossMagnitude [T] sum of the absolute values of the terms of tokenLoss
   * @param gates [T] what was decided of each token before it was evaluated
   * @param sums everything that is summed over the tokens
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Result(
      double[] c,
      double[] h,
      double[] tokenLoss,
      double[] cMagnitude,
      double[] lossMagnitude,
      Gates gates,
      ObjectiveSums sums) {}

  /**
   * What was decided of each token.
   *
   * @param roles 0 for ignored and rejected tokens
   * @param samplerWeights of the sampler correction
   * @param dropped whether the policy term is lost
   * @param penalised whether the covariance penalty is added
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Gates(
      int[] roles, double[] samplerWeights, boolean[] dropped, boolean[] penalised) {

    /** Those of an objective that decides nothing. */
    static Gates open(TokenProblem problem) {
      int n = problem.tokens();
      int[] roles = new int[n];
      Arrays.setAll(roles, problem::role);
      double[] weights = new double[n];
      Arrays.fill(weights, 1);
      return new Gates(roles, weights, new boolean[n], new boolean[n]);
    }
  }

  private final TokenProblem problem;
  private final Rule[] rules; // by role - 1
  private final SamplerOracle.Result sampler;
  private final int[] roles;
  private final BatchGates gates;
  private final SequenceSums[][] sums; // [sequence][role]
  private final int[][] tokensOf; // [sequence][0: all, role: of that role]
  private final double[] tokenCounts = new double[4];
  private final double[] sequenceCounts = new double[4];

  private TokenObjectiveOracle(TokenProblem problem) {
    this.problem = problem;
    this.rules =
        new Rule[] {
          problem.objective().rollout(),
          problem.objective().demonstration(),
          problem.objective().hint()
        };
    this.sampler = SamplerOracle.evaluate(problem);
    this.roles = new int[problem.tokens()];
    for (int t = 0; t < roles.length; t++) {
      roles[t] = sampler.rejected()[t] ? 0 : problem.role(t);
    }
    this.gates = new BatchGates(problem, roles);
    this.sums = new SequenceSums[problem.sequences()][4];
    this.tokensOf = new int[problem.sequences()][4];
    for (int i = 0; i < problem.sequences(); i++) {
      addSequence(i);
    }
    count();
    for (int role = 1; role <= 3; role++) {
      PolicyTerm policy = rules[role - 1].policy();
      if (policy.isOn()) {
        gates.select(role, policy.selection());
        gates.covariance(role, policy);
      }
    }
  }

  private void addSequence(int i) {
    for (int role = 0; role < 4; role++) {
      sums[i][role] = new SequenceSums();
    }
    for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
      int role = roles[t];
      if (role != 0) {
        tokensOf[i][0]++;
        tokensOf[i][role]++;
        sums[i][role].add(problem, t, rules[role - 1].policy(), sampler.weights()[t]);
      }
    }
  }

  private void count() {
    for (int k = 0; k < 4; k++) {
      for (int[] counts : tokensOf) {
        tokenCounts[k] += counts[k];
        sequenceCounts[k] += counts[k] > 0 ? 1 : 0;
      }
      if (problem.tokenCounts()[k] > 0) {
        tokenCounts[k] = problem.tokenCounts()[k];
      }
      if (problem.sequenceCounts()[k] > 0) {
        sequenceCounts[k] = problem.sequenceCounts()[k];
      }
    }
  }

  /** Evaluates every token. */
  public static Result evaluate(TokenProblem problem) {
    return new TokenObjectiveOracle(problem).evaluate();
  }

  /** What is decided of each token before it is evaluated. */
  public static Gates gates(TokenProblem problem) {
    Objective objective = problem.objective();
    boolean gated = objective.correction().isOn();
    for (Rule rule : List.of(objective.rollout(), objective.demonstration(), objective.hint())) {
      PolicyTerm policy = rule.policy();
      gated |=
          policy.selection().isOn()
              || policy.covariance().kind() != CovarianceKind.NONE
              || policy.maxProbability() < Float.POSITIVE_INFINITY
              || policy.offPolicyThreshold() < Float.POSITIVE_INFINITY;
    }
    return gated ? evaluate(problem).gates() : Gates.open(problem);
  }

  /** Clip-cov's candidates among the tokens of a role, and at most how many are drawn. */
  public static ClipCandidates clipCandidates(TokenProblem problem, int role) {
    TokenObjectiveOracle oracle = new TokenObjectiveOracle(problem);
    PolicyTerm policy = oracle.rules[role - 1].policy();
    return new ClipCandidates(
        oracle.gates.candidates(role, policy), oracle.gates.limit(role, policy.covariance()));
  }

  /**
   * What clip-cov draws from.
   *
   * @param tokens the candidates, in the order in which they are drawn
   * @param limit at most how many are drawn
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record ClipCandidates(int[] tokens, int limit) {}

  private Result evaluate() {
    int n = problem.tokens();
    Result result =
        new Result(
            new double[n],
            new double[n],
            new double[n],
            new double[n],
            new double[n],
            new Gates(roles, sampler.weights(), gates.dropped, gates.penalised),
            new ObjectiveSums(problem.objective().correction()));
    for (int i = 0; i < problem.sequences(); i++) {
      for (int t = problem.begin(i); t < problem.begin(i + 1); t++) {
        if (roles[t] != 0) {
          evaluateToken(t, i, result);
        }
      }
    }
    SamplerOracle.addSums(problem, sampler, result.sums.sampler);
    return result;
  }

  private void evaluateToken(int t, int sequence, Result result) {
    int role = roles[t];
    Rule rule = rules[role - 1];
    ObjectiveSums sum = result.sums();
    double logp = problem.logProbs()[t];
    sum.addToken(role, logp, problem.oldLogProb(t));
    if (problem.entropy() != null) {
      sum.entropy.add(problem.entropy()[t]);
    }
    if (rule.policy().isOn()) {
      policy(t, sequence, rule.policy(), result);
    }
    if (rule.nll().term().coefficient() != 0) {
      double weighting =
          weighting(rule.nll().weighting(), t, sequence)
              * weighting(rule.nll().probabilityWeighting(), logp);
      if (rule.nll().weighting().isOn() || rule.nll().probabilityWeighting().isOn()) {
        sum.nllWeightingTokens++;
        sum.nllWeighting.add(weighting);
      }
      double w = weight(rule.nll().term(), sequence, role) * weighting;
      double loss = w == 0 ? 0 : -w * logp;
      sum.nllLoss.add(loss);
      addTerm(result, t, loss, -w);
    }
    if (rule.kl().term().coefficient() != 0) {
      kl(t, sequence, rule.kl(), result);
    }
    if (rule.entropy().coefficient() != 0) {
      double w = weight(rule.entropy(), sequence, role);
      double entropy = TokenProblem.required(problem.entropy(), "entropies")[t];
      sum.entropyLoss.add(-w * entropy);
      addTerm(result, t, -w * entropy, 0);
      result.h[t] = -w;
    }
    if (Double.isNaN(logp)) {
      result.c[t] = Double.NaN;
      result.h[t] = Double.NaN;
      result.tokenLoss[t] = Double.NaN;
    }
  }

  private void policy(int t, int sequence, PolicyTerm policy, Result result) {
    ObjectiveSums sum = result.sums();
    SequenceSums shared = sums[sequence][roles[t]];
    PolicyOracle loss = new PolicyOracle(problem, t, policy, shared, gates.penalised[t]);
    sum.addPolicy(roles[t], loss);
    // How far the policy has moved, whatever x the rule takes: of the token at any level.
    double limit = policy.logRatioLimit();
    double moved = Math.max(-limit, Math.min(limit, problem.logRatio(t)));
    sum.approxKlK1.add(-moved);
    sum.approxKlK3.add(KlOracle.expMinusOneMinus(moved));
    if (policy.loss() == PolicyLoss.RESHAPED) {
      sum.reshapedTokens++;
      sum.reshaped.add(loss.reshaped);
      sum.reshapeLowCount += loss.reshapedLow ? 1 : 0;
      sum.reshapeHighCount += loss.reshapedHigh ? 1 : 0;
    }
    double weighting = weighting(policy.weighting(), t, sequence);
    if (policy.weighting().scope() != Scope.NONE) {
      sum.policyWeightingTokens++;
      sum.policyWeighting.add(weighting);
    }
    gates.dropped[t] |=
        Math.exp(problem.logProbs()[t]) > policy.maxProbability()
            || (problem.advantage(t) < 0 && shared.drift() > policy.offPolicyThreshold());
    if (gates.dropped[t]) {
      sum.droppedTokens++;
      return;
    }
    // VESPO has the sampler's weights inside phi.
    boolean corrected = policy.samplerCorrection() && policy.loss() != PolicyLoss.VESPO;
    double w =
        weight(policy.term(), sequence, roles[t])
            * weighting
            * (corrected ? sampler.weights()[t] : 1);
    if (w == 0) {
      return; // also where the loss is infinite
    }
    sum.addPolicyLoss(w * loss.value, w * loss.valueMagnitude);
    result.tokenLoss[t] += w * loss.value;
    result.lossMagnitude[t] += w * loss.valueMagnitude;
    result.c[t] += w * loss.slope;
    result.cMagnitude[t] += w * loss.slopeMagnitude;
  }

  private void kl(int t, int sequence, KlTerm term, Result result) {
    double w = weight(term.term(), sequence, roles[t]);
    double[] reference = TokenProblem.required(problem.referenceLogProbs(), "reference log-probs");
    KlOracle kl = KlOracle.of(term, problem.logProbs()[t] - reference[t], problem.logRatio(t));
    result.sums().referenceKl.add(kl.value());
    result.sums().referenceKlTokens++;
    result.sums().klLoss.add(w * kl.value());
    addTerm(result, t, w * kl.value(), w * kl.slope());
    result.cMagnitude[t] += w * (kl.slopeMagnitude() - Math.abs(kl.slope()));
  }

  private double weighting(EntropyWeighting weighting, int t, int sequence) {
    boolean positive =
        weighting.positiveOnly() && problem.advantages() != null && problem.advantage(t) > 0;
    if (weighting.scope() == Scope.NONE || (weighting.positiveOnly() && !positive)) {
      return 1;
    }
    double entropy =
        weighting.scope() == Scope.TOKEN
            ? TokenProblem.required(problem.entropy(), "entropies")[t]
            : sums[sequence][roles[t]].entropy();
    return weighting.scale() * Math.exp(weighting.exponent() * entropy);
  }

  private static double weighting(ProbabilityWeighting weighting, double logp) {
    return switch (weighting) {
      case NONE -> 1;
      case PROBABILITY -> Math.exp(logp);
      case VARIANCE -> -Math.exp(logp) * Math.expm1(logp);
    };
  }

  /** The coefficient times 1 / N, 1 / (B n), 1 / B, 1 / L or 1 / (B L). */
  private double weight(Term term, int sequence, int role) {
    int k = term.population() == Population.ALL_TOKENS ? 0 : role;
    double denominator =
        switch (term.aggregation()) {
          case TOKEN_MEAN -> tokenCounts[k];
          case SEQ_MEAN_TOKEN_MEAN -> sequenceCounts[k] * tokensOf[sequence][k];
          case SEQ_MEAN_TOKEN_SUM -> sequenceCounts[k];
          case CONSTANT_LENGTH -> problem.length();
          case SEQ_MEAN_CONSTANT_LENGTH -> sequenceCounts[k] * problem.length();
        };
    return term.coefficient() / denominator;
  }

  private static void addTerm(Result result, int t, double loss, double slope) {
    result.tokenLoss[t] += loss;
    result.lossMagnitude[t] += Math.abs(loss);
    result.c[t] += slope;
    result.cMagnitude[t] += Math.abs(slope);
  }
}
