package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.plait.Aggregation;
import org.plait.HybridObjectives;
import org.plait.KlEstimator;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.Rule;
import org.plait.Term;

/**
 * The definition of the objective is itself checked: derivatives by finite differences, weights and
 * bounds by hand.
 */
class TokenObjectiveOracleTest {

  private static final double[] LOG_PROBS = {-0.5, -1.2, -2.0, -0.1, -3.0, -0.7, -1.1, -0.9};
  private static final double[] OLD = {-0.6, -1.2, -1.5, -0.9, -2.9, -2.7, -1.0, -0.2};
  private static final double[] REFERENCE = {-0.4, -1.3, -2.2, -1.1, -3.0, -0.6, -2.1, -0.8};
  private static final double[] ENTROPY = {1.5, 0.2, 2.5, 0.9, 3.1, 1.0, 0.4, 2.0};
  private static final double[] ADVANTAGES = {1, 1, -0.5, -0.5, -0.5, -2, -2, 0};
  private static final byte[] ROLES = {1, 1, 2, 0, 3, 1, 1, 1};
  private static final long[] OFFSETS = {0, 2, 2, 5, 8};

  private static TokenProblem problem(Objective objective) {
    return TokenProblem.of(
            LOG_PROBS, ENTROPY, ROLES, OFFSETS, ADVANTAGES, OLD, REFERENCE, objective)
        .withNormalizers(new double[4], new double[4], 10);
  }

  private static Objective everything(KlEstimator kl, Aggregation aggregation) {
    Term term = new Term(0.7f, aggregation, Population.OWN_ROLE);
    Rule rule =
        Rule.builder()
            .policy(PolicyLoss.CLIP, term)
            .clip(0.2f, 0.28f)
            .dualClip(3)
            .nll(term.withCoefficient(0.3f))
            .kl(kl, term.withCoefficient(0.2f))
            .entropy(term.withCoefficient(0.1f))
            .build();
    Rule reinforce = rule.toBuilder().policy(PolicyLoss.REINFORCE, term).build();
    return new Objective(rule, reinforce, Rule.builder().nll(term).build());
  }

  @ParameterizedTest
  @EnumSource(Aggregation.class)
  void cAndHAreTheDerivativesOfTheLoss(Aggregation aggregation) {
    for (KlEstimator kl : KlEstimator.values()) {
      TokenProblem problem = problem(everything(kl, aggregation));
      TokenObjectiveOracle.Result result = TokenObjectiveOracle.evaluate(problem);
      double step = 1e-6;
      for (int t = 0; t < problem.tokens(); t++) {
        double c =
            (loss(problem, moved(LOG_PROBS, t, step), ENTROPY)
                    - loss(problem, moved(LOG_PROBS, t, -step), ENTROPY))
                / (2 * step);
        double h =
            (loss(problem, LOG_PROBS, moved(ENTROPY, t, step))
                    - loss(problem, LOG_PROBS, moved(ENTROPY, t, -step)))
                / (2 * step);
        assertEquals(c, result.c()[t], 1e-8, kl + ", c of token " + t);
        assertEquals(h, result.h()[t], 1e-8, kl + ", h of token " + t);
      }
      assertTrue(Arrays.stream(result.c()).filter(c -> c != 0).count() >= 6);
    }
  }

  private static double[] moved(double[] values, int at, double by) {
    double[] result = values.clone();
    result[at] += by;
    return result;
  }

  private static double loss(TokenProblem problem, double[] logProbs, double[] entropy) {
    return TokenObjectiveOracle.evaluate(problem.at(logProbs, entropy)).sums().loss();
  }

  @Test
  void tokenLossesAddUpToTheLoss() {
    TokenObjectiveOracle.Result result =
        TokenObjectiveOracle.evaluate(
            problem(everything(KlEstimator.K3, Aggregation.SEQ_MEAN_TOKEN_MEAN)));
    assertEquals(result.sums().loss(), Arrays.stream(result.tokenLoss()).sum(), 1e-14);
    assertEquals(result.sums().lossMagnitude(), Arrays.stream(result.lossMagnitude()).sum(), 1e-14);
    assertTrue(result.sums().lossMagnitude() > Math.abs(result.sums().loss()));
  }

  @Test
  void weightsCountWhatThePopulationSays() {
    Rule nll = Rule.builder().nll(Term.of(1)).build();
    double[] all = c(nll, Aggregation.TOKEN_MEAN, Population.ALL_TOKENS);
    assertArrayEquals(new double[] {-1 / 7.0, -1 / 7.0, 0, 0, 0}, Arrays.copyOf(all, 5), 1e-16);
    double[] own = c(nll, Aggregation.TOKEN_MEAN, Population.OWN_ROLE);
    assertEquals(-1 / 5.0, own[0], 1e-16);
    // Three sequences have a token, two have a rollout token; the last one has three of those.
    double[] sequences = c(nll, Aggregation.SEQ_MEAN_TOKEN_MEAN, Population.ALL_TOKENS);
    assertEquals(-1 / (3 * 2.0), sequences[0], 1e-16);
    assertEquals(-1 / (3 * 3.0), sequences[7], 1e-16);
    double[] rollouts = c(nll, Aggregation.SEQ_MEAN_TOKEN_SUM, Population.OWN_ROLE);
    assertEquals(-1 / 2.0, rollouts[7], 1e-16);
    assertEquals(-1 / 10.0, c(nll, Aggregation.CONSTANT_LENGTH, Population.OWN_ROLE)[0], 1e-16);
    assertEquals(
        -1 / 30.0, c(nll, Aggregation.SEQ_MEAN_CONSTANT_LENGTH, Population.ALL_TOKENS)[0], 1e-16);
  }

  @Test
  void probabilityWeightingsAreConstantsOfTheTokensOwnProbability() {
    double[] p = Arrays.stream(LOG_PROBS).map(Math::exp).toArray();
    double[] dft = TokenObjectiveOracle.evaluate(problem(Objective.dft())).c();
    double[] chord = TokenObjectiveOracle.evaluate(problem(HybridObjectives.chord(0.25f))).c();
    assertEquals(-p[0] / 7, dft[0], 1e-16);
    assertEquals(-p[4] / 7, dft[4], 1e-16);
    assertEquals(-0.25 * p[2] * (1 - p[2]), chord[2], 1e-16);
    Rule impossible =
        Rule.builder()
            .nll(Term.of(1))
            .nllProbabilityWeighting(ProbabilityWeighting.VARIANCE)
            .build();
    TokenProblem problem = problem(new Objective(impossible, Rule.NONE, Rule.NONE));
    double[] logProbs = LOG_PROBS.clone();
    logProbs[0] = Double.NEGATIVE_INFINITY;
    logProbs[1] = 0;
    TokenObjectiveOracle.Result result =
        TokenObjectiveOracle.evaluate(problem.at(logProbs, ENTROPY));
    assertArrayEquals(new double[2], Arrays.copyOf(result.tokenLoss(), 2));
    assertEquals(0, Math.abs(result.c()[0]) + Math.abs(result.c()[1]));
  }

  private static double[] c(Rule rule, Aggregation aggregation, Population population) {
    Rule changed =
        rule.toBuilder()
            .nll(rule.nll().term().withAggregation(aggregation).withPopulation(population))
            .build();
    return TokenObjectiveOracle.evaluate(problem(new Objective(changed, Rule.NONE, Rule.NONE))).c();
  }

  @Test
  void givenCountsReplaceThoseOfTheBatch() {
    TokenProblem problem =
        problem(Objective.sft()).withNormalizers(new double[] {70, 0, 0, 0}, new double[4], 0);
    assertEquals(-1 / 70.0, TokenObjectiveOracle.evaluate(problem).c()[0], 1e-16);
  }

  @Test
  void clippedTokensHaveNoGradientAndAreCounted() {
    Rule clip =
        Rule.builder().policy(PolicyLoss.CLIP, Term.of(1)).clip(0.5f, 0.5f).dualClip(3).build();
    double[] old = {0, 0, 0, 0, 0, 0};
    double[] ratios = {0.4, 0.4, 1.6, 1.6, 3.5, 1};
    double[] logProbs = Arrays.stream(ratios).map(Math::log).toArray();
    double[] advantages = {1, -1, 1, -1, -1, 1};
    TokenObjectiveOracle.Result result =
        TokenObjectiveOracle.evaluate(
            TokenProblem.of(
                logProbs,
                null,
                null,
                null,
                advantages,
                old,
                null,
                new Objective(clip, Rule.NONE, Rule.NONE)));
    double[] expected = {-0.4, 0, 0, 1.6, 0, -1};
    double[] losses = {-0.4, 0.5, -1.5, 1.6, 3, -1};
    for (int t = 0; t < expected.length; t++) {
      assertEquals(expected[t] / 6, result.c()[t], 1e-15, "c of token " + t);
      assertEquals(losses[t] / 6, result.tokenLoss()[t], 1e-15, "loss of token " + t);
    }
    assertEquals(1, result.sums().clipLowCount());
    assertEquals(1, result.sums().clipHighCount());
    assertEquals(1, result.sums().dualClipCount());
    assertEquals(3.5, result.sums().ratioMax(), 1e-14);
  }

  @Test
  void k3IsExactForSmallDifferences() {
    Rule rule = Rule.builder().kl(KlEstimator.K3, Term.of(1)).build();
    double d = 1e-6;
    TokenObjectiveOracle.Result result =
        TokenObjectiveOracle.evaluate(
            TokenProblem.of(
                new double[] {-1},
                null,
                null,
                null,
                null,
                null,
                new double[] {-1 - d},
                new Objective(rule, Rule.NONE, Rule.NONE)));
    assertEquals(d * d / 2, result.sums().loss(), 1e-18);
    assertEquals(d, result.c()[0], 1e-12);
  }

  @Test
  void ignoredTokensAreNotRead() {
    double[] spoilt = LOG_PROBS.clone();
    spoilt[3] = Double.NaN;
    TokenProblem problem = problem(everything(KlEstimator.K1, Aggregation.TOKEN_MEAN));
    TokenObjectiveOracle.Result expected = TokenObjectiveOracle.evaluate(problem);
    TokenObjectiveOracle.Result result = TokenObjectiveOracle.evaluate(problem.at(spoilt, ENTROPY));
    assertArrayEquals(expected.c(), result.c());
    assertEquals(0, result.c()[3]);
    assertEquals(expected.sums().loss(), result.sums().loss());
  }
}
