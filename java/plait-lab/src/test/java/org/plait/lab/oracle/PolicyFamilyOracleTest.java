package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.plait.Aggregation;
import org.plait.Behaviour;
import org.plait.Covariance;
import org.plait.EntropySelection;
import org.plait.EntropyWeighting;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;

/** The definitions of the policy losses: by hand, and by differences of the sequence's loss. */
class PolicyFamilyOracleTest {

  private static final double[] LOG_PROBS = {-0.5, -1.5, -0.1, -2.0, -0.7, -0.05, -3.0};
  private static final double[] OLD = {-0.7, -1.4, -0.6, -1.9, -1.1, -0.15, -2.9};
  private static final double[] ENTROPY = {0.9, 1.1, 0.2, 2.0, 0.4, 0.4, 1.5};
  private static final long[] OFFSETS = {0, 3, 7};
  private static final double[] ADVANTAGES = {1.5, 1.5, 1.5, -0.8, -0.8, -0.8, -0.8};
  private static final Term SEQUENCES = Term.of(1).withAggregation(Aggregation.SEQ_MEAN_TOKEN_MEAN);
  private static final Term SUM = Term.of(1).withAggregation(Aggregation.CONSTANT_LENGTH);

  private static TokenProblem problem(Rule.Builder rule, double[] logProbs) {
    return TokenProblem.of(
            logProbs,
            ENTROPY,
            null,
            OFFSETS,
            ADVANTAGES,
            OLD,
            null,
            new Objective(rule.build(), Rule.NONE, Rule.NONE))
        .withNormalizers(new double[4], new double[4], 1);
  }

  private static double[] c(Rule.Builder rule) {
    return TokenObjectiveOracle.evaluate(problem(rule, LOG_PROBS)).c();
  }

  private static double[] differences(Rule.Builder rule) {
    double step = 1e-6;
    double[] result = new double[LOG_PROBS.length];
    for (int t = 0; t < result.length; t++) {
      double[] up = LOG_PROBS.clone();
      double[] down = LOG_PROBS.clone();
      up[t] += step;
      down[t] -= step;
      result[t] =
          (TokenObjectiveOracle.evaluate(problem(rule, up)).sums().loss()
                  - TokenObjectiveOracle.evaluate(problem(rule, down)).sums().loss())
              / (2 * step);
    }
    return result;
  }

  @ParameterizedTest
  @EnumSource(RatioLevel.class)
  void aSequencesLossHasTheGradientThatItsTokensShare(RatioLevel level) {
    for (PolicyLoss loss : new PolicyLoss[] {PolicyLoss.CLIP, PolicyLoss.SAPO}) {
      Rule.Builder rule = Rule.builder().policy(loss, SEQUENCES).ratioLevel(level);
      assertArrayEquals(differences(rule), c(rule), 1e-9, loss + " " + level);
    }
  }

  @Test
  void gmpoIsTheGeometricMeanOfBoundedRatios() {
    Rule.Builder rule = Rule.builder().policy(PolicyLoss.GMPO, SEQUENCES).clip(0.15f, 0.3f);
    assertArrayEquals(differences(rule), c(rule), 1e-9);
    double rho = Math.exp((0.2 - 0.1 + (double) 0.3f) / 3);
    assertEquals(-1.5 * rho / 2 / 3, c(rule)[0], 1e-15);
    assertEquals(0, c(rule)[2]); // 0.5 is held at 0.3
  }

  @ParameterizedTest
  @EnumSource(value = Reshape.class, mode = Mode.EXCLUDE, names = "RATIONAL_RATIO")
  void reshapedProbabilitiesHaveTheDerivativeOfTheirReshaping(Reshape reshape) {
    Rule.Builder rule =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, SUM)
            .behaviour(Behaviour.CERTAIN)
            .reshape(reshape, 0.3f);
    assertArrayEquals(differences(rule), c(rule), 1e-9);
    assertArrayEquals(differences(rule.reshapeBounds(0.2f, 0.6f)), c(rule), 1e-9);
  }

  @Test
  void luffysWeightPeaksAtAQuarterWhereTheProbabilityIsItsParameter() {
    Rule.Builder rule =
        Rule.builder()
            .policy(PolicyLoss.RESHAPED, SUM)
            .behaviour(Behaviour.CERTAIN)
            .reshape(Reshape.RATIONAL, 0.1f);
    double[] logProbs = LOG_PROBS.clone();
    logProbs[0] = Math.log(0.1f);
    double[] c = TokenObjectiveOracle.evaluate(problem(rule, logProbs)).c();
    assertEquals(-1.5 / 4, c[0], 1e-15);
  }

  @Test
  void cispoKeepsTheGradientOfClippedTokens() {
    double[] c = c(Rule.builder().policy(PolicyLoss.CISPO, SUM).clip(0.05f, 0.1f));
    assertEquals(-1.5 * (1 + (double) 0.1f), c[0], 1e-15);
    assertEquals(-1.5 * (1 - (double) 0.05f), c[1], 1e-15);
    assertEquals(0.8 * (1 - (double) 0.05f), c[3], 1e-15);
  }

  @Test
  void vespoIsOneWhereThePolicyHasNotMoved() {
    Rule.Builder rule = Rule.builder().policy(PolicyLoss.VESPO, SUM);
    double[] c = TokenObjectiveOracle.evaluate(problem(rule, OLD)).c();
    assertArrayEquals(Arrays.stream(ADVANTAGES).map(a -> -a).toArray(), c, 1e-15);
  }

  @Test
  void entropyWeightsAreConstantsOfTheirTokenOrSequence() {
    EntropyWeighting weighting = new EntropyWeighting(Scope.SEQUENCE, 0.5f, 2, true);
    double[] c = c(Rule.builder().policy(PolicyLoss.REINFORCE, SUM).policyWeighting(weighting));
    double mean = (0.9 + 1.1 + 0.2) / 3;
    assertEquals(-1.5 * 0.5 * Math.exp(2 * mean), c[0], 1e-14);
    assertEquals(0.8, c[3], 1e-15); // only where the advantage is above 0
  }

  @Test
  void selectionDropsTheLowestAndOfEqualOnesTheLater() {
    Rule.Builder rule = Rule.builder().policy(PolicyLoss.REINFORCE, SUM);
    // 2 of 7: 0.2, and of the two 0.4 the later; 1 of 3 and 2 of 4 by sequence.
    assertKept("1101101", rule.selection(new EntropySelection(Scope.BATCH, 0.3f)));
    assertKept("1101001", rule.selection(new EntropySelection(Scope.SEQUENCE, 0.5f)));
    assertKept("1111111", rule.selection(new EntropySelection(Scope.BATCH, 0)));
    assertKept("0001001", rule.selection(new EntropySelection(Scope.BATCH, 0.8f)));
  }

  private static void assertKept(String expected, Rule.Builder rule) {
    StringBuilder kept = new StringBuilder();
    for (double slope : c(rule)) {
      kept.append(slope == 0 ? '0' : '1');
    }
    assertEquals(expected, kept.toString());
  }

  @Test
  void droppedFractionsAreThoseOfFloat32() {
    double[] entropy = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    Rule rule =
        Rule.builder()
            .policy(PolicyLoss.REINFORCE, SUM)
            .selection(new EntropySelection(Scope.BATCH, 0.7f))
            .build();
    double[] ones = new double[10];
    Arrays.fill(ones, -1);
    TokenProblem problem =
        TokenProblem.of(
                ones,
                entropy,
                null,
                null,
                ones,
                null,
                null,
                new Objective(rule, Rule.NONE, Rule.NONE))
            .withNormalizers(new double[4], new double[4], 1);
    assertEquals(7, TokenObjectiveOracle.evaluate(problem).sums().droppedTokens());
  }

  @Test
  void highCovarianceAddsAPenalty() {
    Rule.Builder plain = Rule.builder().policy(PolicyLoss.CLIP, SUM);
    double[] before = c(plain);
    double[] after = c(plain.covariance(Covariance.kl(0.3f, 2)));
    double[] difference = new double[7];
    Arrays.setAll(difference, t -> after[t] - before[t]);
    // Covariances: sequence 0 has the higher advantage, so its likely tokens, then sequence 1's
    // unlikely ones. 2 of 7 are taken.
    assertArrayEquals(new double[] {0, 0, 2, 0, 0, 0, -2}, difference, 1e-14);
  }

  @Test
  void clipCovarianceTakesTheFirstOfItsCandidates() {
    Rule.Builder rule =
        Rule.builder()
            .policy(PolicyLoss.CLIP, SUM)
            .clip(Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY)
            .covariance(Covariance.clip(0, 0.3f, -9, 9));
    TokenProblem problem = problem(rule, LOG_PROBS);
    TokenObjectiveOracle.ClipCandidates candidates =
        TokenObjectiveOracle.clipCandidates(problem, 1);
    assertEquals(2, candidates.limit());
    assertEquals(7, candidates.tokens().length);
    double[] c = TokenObjectiveOracle.evaluate(problem).c();
    for (int i = 0; i < 7; i++) {
      assertEquals(i < 2, c[candidates.tokens()[i]] == 0);
    }
  }

  @Test
  void likelyTokensAndDriftedSequencesLoseTheirPolicyTerm() {
    double[] likely = c(Rule.builder().policy(PolicyLoss.REINFORCE, SUM).maxProbability(0.9f));
    assertArrayEquals(new double[] {-1.5, -1.5, 0, 0.8, 0.8, 0, 0.8}, likely, 1e-15);
    // Mean of old - logp of sequence 1: (0.1 - 0.4 - 0.1 + 0.1) / 4 = -0.075.
    Rule.Builder rule = Rule.builder().policy(PolicyLoss.REINFORCE, SUM);
    assertEquals(0, c(rule.offPolicyThreshold(-0.08f))[3]);
    assertEquals(0.8, c(rule.offPolicyThreshold(-0.07f))[3], 1e-15);
    assertEquals(-1.5, c(rule.offPolicyThreshold(-9))[0], 1e-15);
  }
}
