package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.plait.Role.DEMONSTRATION;
import static org.plait.Role.HINT;
import static org.plait.Role.IGNORED;
import static org.plait.Role.ROLLOUT;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.plait.Role;
import org.plait.recipe.EntropySelection.Scope;

class EntropySelectionTest {
  private static final boolean T = true;
  private static final boolean F = false;

  private static Role[] hints(int count) {
    Role[] roles = new Role[count];
    Arrays.fill(roles, HINT);
    return roles;
  }

  private static int kept(int tokens, double drop) {
    float[] entropies = new float[tokens];
    for (int t = 0; t < tokens; t++) {
      entropies[t] = t * 7 % 11;
    }
    boolean[] keep =
        new EntropySelection(drop, Scope.BATCH)
            .keep(entropies, hints(tokens), new long[] {0, tokens});
    int count = 0;
    for (boolean one : keep) {
      count += one ? 1 : 0;
    }
    return count;
  }

  @Test
  void keepsTheTokensOfHighestEntropy() {
    float[] entropies = {0.1f, 0.9f, 0.2f, 0.8f, 0.3f, 0.7f, 0.4f, 0.6f, 0.5f, 0.0f};
    assertArrayEquals(
        new boolean[] {F, T, F, T, F, F, F, F, F, F},
        EntropySelection.prefixRft(Scope.BATCH).keep(entropies, hints(10), new long[] {0, 10}));
  }

  @Test
  void droppedTokensAreRoundedDownSoThatKeptOnesAreRoundedUp() {
    int[] expected = {0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3}; // n - floor(0.8 n)
    for (int n = 0; n < expected.length; n++) {
      assertEquals(expected[n], kept(n, 0.8), n + " prefix tokens");
    }
    assertEquals(10, kept(10, 0));
    assertEquals(0, kept(10, 1));
  }

  @Test
  void tiesFallByPositionWhereUpstreamLetsThemFallAnyhow() {
    float[] entropies = {0.5f, 0.7f, 0.5f, 0.5f, 0.7f, 0.5f};
    assertArrayEquals(
        new boolean[] {T, T, F, F, T, F},
        new EntropySelection(0.5, Scope.BATCH).keep(entropies, hints(6), new long[] {0, 6}));
    assertArrayEquals(
        new boolean[] {T, F},
        new EntropySelection(0.5, Scope.BATCH)
            .keep(new float[] {-0f, 0f}, hints(2), new long[] {0, 2}),
        "-0 ties with 0");
  }

  @Test
  void tokensCompeteWithinTheirScope() {
    float[] entropies = {0.1f, 0.2f, 0.3f, 0.4f, 1.1f, 1.2f, 1.3f, 1.4f};
    long[] offsets = {0, 4, 4, 8};
    assertArrayEquals(
        new boolean[] {F, F, T, T, F, F, T, T},
        new EntropySelection(0.5, Scope.SEQUENCE).keep(entropies, hints(8), offsets));
    assertArrayEquals(
        new boolean[] {F, F, F, F, T, T, T, T},
        new EntropySelection(0.5, Scope.BATCH).keep(entropies, hints(8), offsets));
  }

  @Test
  void aSequenceKeepsTheSameTokensHoweverTheBatchIsSplit() {
    EntropySelection selection = EntropySelection.prefixRft(Scope.SEQUENCE);
    float[] entropies = new float[30];
    for (int t = 0; t < 30; t++) {
      entropies[t] = t * 13 % 17;
    }
    boolean[] whole = selection.keep(entropies, hints(30), new long[] {0, 12, 30});
    boolean[] first = selection.keep(Arrays.copyOf(entropies, 12), hints(12), new long[] {0, 12});
    boolean[] second =
        selection.keep(Arrays.copyOfRange(entropies, 12, 30), hints(18), new long[] {0, 18});
    assertArrayEquals(Arrays.copyOf(whole, 12), first);
    assertArrayEquals(Arrays.copyOfRange(whole, 12, 30), second);
  }

  @Test
  void onlyPrefixTokensAreDroppedWhereUpstreamsLowVariantDropsRolloutsToo() {
    Role[] roles = {HINT, HINT, ROLLOUT, DEMONSTRATION, IGNORED};
    float[] entropies = {0.2f, 0.1f, 0.01f, 0, Float.NaN};
    assertArrayEquals(
        new boolean[] {T, F, T, T, T},
        new EntropySelection(0.5, Scope.SEQUENCE).keep(entropies, roles, new long[] {0, 5}));
  }

  @Test
  void noPrefixTokensIsNoError() {
    Role[] roles = {ROLLOUT, ROLLOUT};
    for (Scope scope : Scope.values()) {
      EntropySelection selection = EntropySelection.prefixRft(scope);
      assertArrayEquals(
          new boolean[] {T, T}, selection.keep(new float[2], roles, new long[] {0, 2}));
      assertEquals(0, selection.keep(new float[0], new Role[0], new long[] {0}).length);
    }
  }

  @Test
  void aNaNEntropyRanksLast() {
    float[] entropies = {Float.NaN, 0.1f, -Float.NaN, 0.2f};
    assertArrayEquals(
        new boolean[] {F, T, F, T},
        new EntropySelection(0.5, Scope.BATCH).keep(entropies, hints(4), new long[] {0, 4}));
  }

  @Test
  void argumentsThatDoNotFitAreRefused() {
    EntropySelection selection = EntropySelection.prefixRft(Scope.SEQUENCE);
    assertRefused("drop: expected 0 to 1, got 80.0", () -> new EntropySelection(80, Scope.BATCH));
    assertRefused(
        "entropies: expected 2 tokens, got 3",
        () -> selection.keep(new float[3], hints(2), new long[] {0, 2}));
    assertRefused(
        "offsets: expected 2 last, got 1",
        () -> selection.keep(new float[2], hints(2), new long[] {0, 1}));
    assertRefused(
        "offsets: expected no decrease, got 1",
        () -> selection.keep(new float[2], hints(2), new long[] {0, 2, 1}));
    assertRefused(
        "offsets: expected 0 first, got 1",
        () -> selection.keep(new float[2], hints(2), new long[] {1, 2}));
    assertRefused(
        "offsets: expected at least 1, got 0",
        () -> selection.keep(new float[0], hints(0), new long[0]));
  }
}
