package org.plait.lab.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Returns and advantages of tokens by hand. */
class TokenAdvantageOracleTest {

  private static final long[] ONE = {0, 4};

  @Test
  void withoutACriticTheAdvantageIsTheReturnToGo() {
    TokenAdvantageOracle.Result result =
        TokenAdvantageOracle.evaluate(new double[] {0, 1, 0, 2}, null, null, ONE, 0.5, 1, false);
    assertArrayEquals(new double[] {0.75, 1.5, 1, 2}, result.advantages());
    assertArrayEquals(result.advantages(), result.returns());
  }

  @Test
  void generalisedAdvantagesDecayByGammaLambda() {
    double[] values = {0.5, 0.25, 1, 0};
    TokenAdvantageOracle.Result result =
        TokenAdvantageOracle.evaluate(new double[] {0, 0, 0, 1}, values, null, ONE, 1, 0.5, false);
    double[] delta = {-0.25, 0.75, -1, 1};
    double third = delta[2] + 0.5 * delta[3];
    double second = delta[1] + 0.5 * third;
    assertArrayEquals(
        new double[] {delta[0] + 0.5 * second, second, third, 1}, result.advantages(), 1e-16);
    assertEquals(third + 1, result.returns()[2], 1e-16);
  }

  @Test
  void ignoredTokensAreSteppedOverOrEndWhatFollows() {
    double[] rewards = {1, 9, 2, 4};
    byte[] roles = {1, 0, 1, 1};
    assertArrayEquals(
        new double[] {1 + 2 + 4, 0, 6, 4},
        TokenAdvantageOracle.evaluate(rewards, null, roles, ONE, 1, 1, false).advantages());
    assertArrayEquals(
        new double[] {1, 0, 6, 4},
        TokenAdvantageOracle.evaluate(rewards, null, roles, ONE, 1, 1, true).advantages());
  }

  @Test
  void whiteningIsOverAllTokensThatAreNotIgnored() {
    double[] x = {1, 99, 3};
    byte[] roles = {1, 0, 2};
    assertArrayEquals(
        new double[] {-1 / Math.sqrt(2), 0, 1 / Math.sqrt(2)},
        TokenAdvantageOracle.whiten(x, roles, true, true, 0, 0),
        1e-15);
    assertArrayEquals(
        new double[] {-1, 0, 1}, TokenAdvantageOracle.whiten(x, roles, false, true, 0, 0), 1e-15);
    assertArrayEquals(
        new double[] {0.5, 0, 1.5},
        TokenAdvantageOracle.whiten(x, roles, true, false, 4, 0),
        1e-15);
  }

  @Test
  void equalOrSingleTokensBecomeZero() {
    assertArrayEquals(
        new double[2], TokenAdvantageOracle.whiten(new double[] {5, 5}, null, true, true, 0, 1));
    assertArrayEquals(
        new double[1], TokenAdvantageOracle.whiten(new double[] {5}, null, true, true, 0, 1));
  }
}
