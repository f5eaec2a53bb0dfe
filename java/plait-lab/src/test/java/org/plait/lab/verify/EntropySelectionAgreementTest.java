package org.plait.lab.verify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.plait.Backend;
import org.plait.EntropySelection;
import org.plait.Objective;
import org.plait.PolicyLoss;
import org.plait.Role;
import org.plait.Rule;
import org.plait.Scope;
import org.plait.Term;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;

/** The kernel, the oracle and the recipe keep the same tokens of ties, signed zeros and NaN. */
class EntropySelectionAgreementTest {
  private static final float[] VALUES = {0f, -0f, Float.NaN, 0.5f, 0.5f, 1f, -Float.NaN};

  @ParameterizedTest
  @EnumSource(
      value = Scope.class,
      names = {"SEQUENCE", "BATCH"})
  void kernelOracleAndRecipeKeepTheSameTokens(Scope scope) {
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 200; round++) {
      int n = 1 + random.nextInt(40);
      float[] entropies = new float[n];
      Role[] roles = new Role[n];
      for (int t = 0; t < n; t++) {
        entropies[t] = VALUES[random.nextInt(VALUES.length)];
        roles[t] = random.nextInt(4) == 0 ? Role.ROLLOUT : Role.HINT;
      }
      long cut = random.nextInt(n + 1);
      long[] offsets = {0, cut, cut, n};
      float drop = new float[] {0, 0.2f, 0.5f, 0.7f, 0.8f}[round % 5];
      check(scope, drop, entropies, roles, offsets);
    }
  }

  private static void check(
      Scope scope, float drop, float[] entropies, Role[] roles, long[] offsets) {
    int n = roles.length;
    double[] ones = new double[n];
    Arrays.fill(ones, -1);
    double[] entropy = new double[n];
    byte[] codes = new byte[n];
    for (int t = 0; t < n; t++) {
      entropy[t] = entropies[t];
      codes[t] = roles[t].code();
    }
    Rule plain = Rule.builder().policy(PolicyLoss.REINFORCE, Term.of(1)).build();
    Rule hint = plain.toBuilder().selection(new EntropySelection(scope, drop)).build();
    TokenProblem problem =
        TokenProblem.of(
            ones, entropy, codes, offsets, ones, null, null, new Objective(plain, plain, hint));
    boolean[] expected =
        new org.plait.recipe.EntropySelection(
                Double.parseDouble(Float.toString(drop)),
                org.plait.recipe.EntropySelection.Scope.valueOf(scope.name()))
            .keep(entropies, roles, offsets);
    float[] kernel = ObjectiveRun.of(Kernels.of(Backend.cpu()), problem).c();
    double[] oracle = TokenObjectiveOracle.evaluate(problem).c();
    boolean[] keptByKernel = new boolean[n];
    boolean[] keptByOracle = new boolean[n];
    for (int t = 0; t < n; t++) {
      keptByKernel[t] = kernel[t] != 0;
      keptByOracle[t] = oracle[t] != 0;
    }
    String what = scope + ", drop " + drop + " of " + Arrays.toString(entropies);
    assertArrayEquals(expected, keptByKernel, what);
    assertArrayEquals(expected, keptByOracle, what);
  }
}
