package org.plait;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Counts that means are taken over, passed in so that micro-batches and ranks add up to one batch.
 * A count of 0 is taken from the batch at hand instead. The number of tokens in a sequence is
 * always taken from the batch at hand, so a sequence must not be split. Immutable and thread-safe.
 *
 * <pre>{@code
 * Normalizers whole = Normalizers.count(first, second);   // two micro-batches, one optimiser step
 * }</pre>
 *
 * @param tokens tokens that are not ignored
 * @param rolloutTokens tokens of {@link Role#ROLLOUT}
 * @param demonstrationTokens tokens of {@link Role#DEMONSTRATION}
 * @param hintTokens tokens of {@link Role#HINT}
 * @param sequences sequences with a token that is not ignored
 * @param rolloutSequences sequences with a rollout token
 * @param demonstrationSequences sequences with a demonstration token
 * @param hintSequences sequences with a hint token
 * @param length L of {@link Aggregation#CONSTANT_LENGTH} and {@link
 *     Aggregation#SEQ_MEAN_CONSTANT_LENGTH}, which need it above 0
 */
public record Normalizers(
    double tokens,
    double rolloutTokens,
    double demonstrationTokens,
    double hintTokens,
    double sequences,
    double rolloutSequences,
    double demonstrationSequences,
    double hintSequences,
    double length) {

  /** Everything is counted in the batch at hand; there is no constant length. */
  public static final Normalizers NONE = new Normalizers(0, 0, 0, 0, 0, 0, 0, 0, 0);

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if a count is negative, infinite or NaN
   */
  public Normalizers {
    check("tokens", tokens);
    check("rolloutTokens", rolloutTokens);
    check("demonstrationTokens", demonstrationTokens);
    check("hintTokens", hintTokens);
    check("sequences", sequences);
    check("rolloutSequences", rolloutSequences);
    check("demonstrationSequences", demonstrationSequences);
    check("hintSequences", hintSequences);
    check("length", length);
  }

  /**
   * Returns the tokens of a role.
   *
   * @param role a role; {@link Role#IGNORED} has none
   * @return the count
   */
  public double tokens(Role role) {
    return switch (role) {
      case IGNORED -> 0;
      case ROLLOUT -> rolloutTokens;
      case DEMONSTRATION -> demonstrationTokens;
      case HINT -> hintTokens;
    };
  }

  /**
   * Returns the sequences of a role.
   *
   * @param role a role; {@link Role#IGNORED} has none
   * @return the count of sequences with a token of that role
   */
  public double sequences(Role role) {
    return switch (role) {
      case IGNORED -> 0;
      case ROLLOUT -> rolloutSequences;
      case DEMONSTRATION -> demonstrationSequences;
      case HINT -> hintSequences;
    };
  }

  /**
   * Changes the count of all tokens.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Normalizers withTokens(double value) {
    return of(value, this::tokens, sequences, this::sequences, length);
  }

  /**
   * Changes the count of a role's tokens.
   *
   * @param role any role but {@link Role#IGNORED}
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Normalizers withTokens(Role role, double value) {
    checkRole(role);
    return of(tokens, r -> r == role ? value : tokens(r), sequences, this::sequences, length);
  }

  /**
   * Changes the count of all sequences.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Normalizers withSequences(double value) {
    return of(tokens, this::tokens, value, this::sequences, length);
  }

  /**
   * Changes the count of a role's sequences.
   *
   * @param role any role but {@link Role#IGNORED}
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Normalizers withSequences(Role role, double value) {
    checkRole(role);
    return of(tokens, this::tokens, sequences, r -> r == role ? value : sequences(r), length);
  }

  /**
   * Changes the constant length.
   *
   * @param value finite, at least 0
   * @return a changed copy
   */
  public Normalizers withLength(double value) {
    return of(tokens, this::tokens, sequences, this::sequences, value);
  }

  /**
   * Counts the tokens and sequences of several batches on the CPU, one element at a time.
   *
   * @param batches the micro-batches of one step
   * @return the counts of all of them together, and no constant length
   */
  public static Normalizers count(TokenBatch... batches) {
    double[] tokens = new double[4];
    double[] sequences = new double[4];
    for (TokenBatch batch : batches) {
      count(batch, tokens, sequences);
    }
    return new Normalizers(
        tokens[0],
        tokens[1],
        tokens[2],
        tokens[3],
        sequences[0],
        sequences[1],
        sequences[2],
        sequences[3],
        0);
  }

  private static void count(TokenBatch batch, double[] tokens, double[] sequences) {
    TensorView offsets = batch.offsets();
    long count = offsets == null ? 1 : batch.sequences();
    for (long i = 0; i < count; i++) {
      long from = offsets == null ? 0 : offsets.getLong(i);
      long to = offsets == null ? batch.tokens() : offsets.getLong(i + 1);
      long[] found = rolesIn(batch.roles(), from, to);
      for (int role = 1; role < 4; role++) {
        found[0] += found[role];
      }
      for (int role = 0; role < 4; role++) {
        tokens[role] += found[role];
        sequences[role] += found[role] > 0 ? 1 : 0;
      }
    }
  }

  /** How many tokens of each role there are, with 0 in place of the ignored ones. */
  private static long[] rolesIn(@Nullable TensorView roles, long from, long to) {
    long[] found = new long[4];
    if (roles == null) {
      found[Role.ROLLOUT.code()] = to - from;
      return found;
    }
    for (long t = from; t < to; t++) {
      found[Math.toIntExact(roles.getLong(t))]++;
    }
    found[Role.IGNORED.code()] = 0;
    return found;
  }

  private static Normalizers of(
      double tokens, ByRole roleTokens, double sequences, ByRole roleSequences, double length) {
    return new Normalizers(
        tokens,
        roleTokens.get(Role.ROLLOUT),
        roleTokens.get(Role.DEMONSTRATION),
        roleTokens.get(Role.HINT),
        sequences,
        roleSequences.get(Role.ROLLOUT),
        roleSequences.get(Role.DEMONSTRATION),
        roleSequences.get(Role.HINT),
        length);
  }

  private static void check(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          name + ": expected a finite number of at least 0, got " + value);
    }
  }

  private static void checkRole(Role role) {
    if (Objects.requireNonNull(role, "role") == Role.IGNORED) {
      throw new IllegalArgumentException("role: expected one that is counted, got IGNORED");
    }
  }

  private interface ByRole {
    double get(Role role);
  }
}
