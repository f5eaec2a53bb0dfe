package org.plait.recipe;

import org.plait.Role;

/**
 * A response to a prompt: sampled by the policy, taken from an expert, or begun by an expert and
 * continued by the policy. Without the prompt, which no loss is taken over. Immutable and
 * thread-safe if its tokens are.
 *
 * @param tokens the tokens, in whatever form the trainer holds them; never looked at
 * @param length number of tokens
 * @param expertTokens how many of them, from the first on, are the expert's
 * @param expertRole what those are to the objective: {@link Role#DEMONSTRATION}, {@link Role#HINT},
 *     or {@link Role#IGNORED} if no loss is taken over them; the rest are {@link Role#ROLLOUT}
 * @param reward of the whole response, expert tokens included; NaN if it could not be scored
 * @param <T> type of the tokens, such as {@code int[]}
 */
public record Response<T>(T tokens, int length, int expertTokens, Role expertRole, float reward) {

  /**
   * Checks the arguments.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public Response {
    Checks.present("tokens", tokens);
    Checks.that(length >= 0, "length", "at least 0", length);
    Checks.that(
        expertTokens >= 0 && expertTokens <= length,
        "expertTokens",
        "0 to the length of " + length,
        expertTokens);
    Checks.that(
        expertRole != null && expertRole != Role.ROLLOUT,
        "expertRole",
        "DEMONSTRATION, HINT or IGNORED",
        expertRole);
    Checks.that(!Float.isInfinite(reward), "reward", "a finite number or NaN", reward);
  }

  /**
   * A response that the policy sampled.
   *
   * @param tokens the tokens
   * @param length number of tokens
   * @param reward of the response
   * @param <T> type of the tokens
   * @return the response
   */
  public static <T> Response<T> rollout(T tokens, int length, float reward) {
    return new Response<>(tokens, length, 0, Role.IGNORED, reward);
  }

  /**
   * A response that the policy sampled.
   *
   * @param tokens the tokens; kept, not copied
   * @param reward of the response
   * @return the response
   */
  public static Response<int[]> rollout(int[] tokens, float reward) {
    return rollout(tokens, lengthOf(tokens), reward);
  }

  /**
   * An expert's response.
   *
   * @param tokens the tokens
   * @param length number of tokens, at least 1: a demonstration of none has no loss, and a mean
   *     over its tokens would be NaN
   * @param reward of the response, from the same verifier as that of the rollouts
   * @param <T> type of the tokens
   * @return the response
   */
  public static <T> Response<T> demonstration(T tokens, int length, float reward) {
    Checks.that(length >= 1, "length", "a demonstration of at least 1 token", length);
    return new Response<>(tokens, length, length, Role.DEMONSTRATION, reward);
  }

  /**
   * An expert's response.
   *
   * @param tokens the tokens, at least 1; kept, not copied
   * @param reward of the response, from the same verifier as that of the rollouts
   * @return the response
   */
  public static Response<int[]> demonstration(int[] tokens, float reward) {
    return demonstration(tokens, lengthOf(tokens), reward);
  }

  /**
   * A response that an expert began and the policy continued: with a hint (UFT), from an anchor
   * (BREAD) or after a prefix (Prefix-RFT). The hint is the first tokens of the trace as it was
   * tokenised whole, so that hint and continuation cannot be cut at different places.
   *
   * @param tokens hint and continuation
   * @param length number of tokens, the hint's included
   * @param hintTokens length of the hint; 0 makes it a plain rollout
   * @param hintRole {@link Role#HINT} if the objective has a rule for it, {@link Role#IGNORED} to
   *     take no loss over it, as BREAD does
   * @param reward of the whole text
   * @param <T> type of the tokens
   * @return the response
   */
  public static <T> Response<T> continued(
      T tokens, int length, int hintTokens, Role hintRole, float reward) {
    return new Response<>(tokens, length, hintTokens, hintRole, reward);
  }

  /**
   * As {@link #continued(Object, int, int, Role, float)}.
   *
   * @param tokens hint and continuation; kept, not copied
   * @param hintTokens length of the hint; 0 makes it a plain rollout
   * @param hintRole {@link Role#HINT} or {@link Role#IGNORED}
   * @param reward of the whole text
   * @return the response
   */
  public static Response<int[]> continued(
      int[] tokens, int hintTokens, Role hintRole, float reward) {
    return continued(tokens, lengthOf(tokens), hintTokens, hintRole, reward);
  }

  /**
   * Says what a token is to the objective.
   *
   * @param position from 0 to {@code length - 1}
   * @return its role
   * @throws IllegalArgumentException if there is no such token
   */
  public Role role(int position) {
    Checks.that(position >= 0 && position < length, "position", "0 to below " + length, position);
    return position < expertTokens ? expertRole : Role.ROLLOUT;
  }

  /**
   * Says whose response this is.
   *
   * @return {@link Role#DEMONSTRATION} if all of it is the expert's; {@link Role#ROLLOUT} if the
   *     policy had a part in it
   */
  public Role origin() {
    return length > 0 && expertTokens == length && expertRole == Role.DEMONSTRATION
        ? Role.DEMONSTRATION
        : Role.ROLLOUT;
  }

  private static int lengthOf(int[] tokens) {
    Checks.present("tokens", tokens);
    return tokens.length;
  }
}
