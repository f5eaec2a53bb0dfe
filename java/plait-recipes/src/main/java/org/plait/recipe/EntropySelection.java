package org.plait.recipe;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.plait.Role;

/**
 * Prefix-RFT's choice of the prefix tokens that are learned from: those where the policy is least
 * sure (Huang et al. 2025, arXiv:2507.01679; {@code dp_actor.py} of its repository). Of the n
 * prefix tokens of a scope it keeps the
 *
 * <pre>{@code
 * n - floor(drop * n)
 * }</pre>
 *
 * <p>of highest entropy, of equal ones those that come first. Upstream the scope is the
 * micro-batch, so that the result depends on how a batch is split, and ties fall anyhow.
 *
 * <p>This is the definition in plain Java, for tests and small batches. Immutable and thread-safe.
 *
 * @param drop share that is dropped, 0 to 1; 0.8 in the paper
 * @param scope what tokens compete within
 */
public record EntropySelection(double drop, Scope scope) {
  /** What tokens compete within. Immutable and thread-safe. */
  public enum Scope {
    /** Each sequence for itself. */
    SEQUENCE,
    /** All sequences of the call together. */
    BATCH
  }

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if drop is not a share
   */
  public EntropySelection {
    Checks.share("drop", drop);
    Checks.present("scope", scope);
  }

  /**
   * The paper's: the top 20% are kept.
   *
   * @param scope what tokens compete within
   * @return the selection
   */
  public static EntropySelection prefixRft(Scope scope) {
    return new EntropySelection(0.8, scope);
  }

  /**
   * Selects.
   *
   * @param entropies [T] of the policy at each token; a NaN ranks below every number. Those of
   *     tokens outside of prefixes are not looked at
   * @param roles [T]; prefix tokens are {@link Role#HINT}
   * @param offsets [B + 1] of sequences, from 0 to T, never decreasing
   * @return [T], false for the prefix tokens that are dropped, and true for all other tokens
   * @throws IllegalArgumentException if lengths or offsets do not fit
   */
  public boolean[] keep(float[] entropies, Role[] roles, long[] offsets) {
    check(entropies, roles, offsets);
    boolean[] keep = new boolean[roles.length];
    Arrays.fill(keep, true);
    switch (scope) {
      case BATCH -> drop(entropies, roles, 0, roles.length, keep);
      case SEQUENCE -> {
        for (int i = 0; i + 1 < offsets.length; i++) {
          drop(entropies, roles, (int) offsets[i], (int) offsets[i + 1], keep);
        }
      }
    }
    return keep;
  }

  private void drop(float[] entropies, Role[] roles, int from, int to, boolean[] keep) {
    // Stable, so equal entropies stay in the order of their positions.
    List<Integer> ranked =
        IntStream.range(from, to)
            .filter(t -> roles[t] == Role.HINT)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer t) -> rank(entropies[t])).reversed())
            .collect(Collectors.toList());
    int kept = ranked.size() - (int) (drop * ranked.size());
    ranked.subList(kept, ranked.size()).forEach(t -> keep[t] = false);
  }

  /** Adding 0 turns -0 into 0, which it is equal to. */
  private static double rank(float entropy) {
    return Float.isNaN(entropy) ? Double.NEGATIVE_INFINITY : entropy + 0.0;
  }

  private static void check(float[] entropies, Role[] roles, long[] offsets) {
    Checks.present("entropies", entropies);
    Checks.present("roles", roles);
    Checks.present("offsets", offsets);
    Checks.that(
        entropies.length == roles.length, "entropies", roles.length + " tokens", entropies.length);
    Checks.that(offsets.length >= 1, "offsets", "at least 1", 0);
    Checks.that(offsets[0] == 0, "offsets", "0 first", offsets[0]);
    for (int i = 0; i + 1 < offsets.length; i++) {
      Checks.that(offsets[i] <= offsets[i + 1], "offsets", "no decrease", offsets[i + 1]);
    }
    long end = offsets[offsets.length - 1];
    Checks.that(end == roles.length, "offsets", roles.length + " last", end);
  }
}
