package org.plait.recipe;

import java.util.ArrayList;
import java.util.List;

/**
 * The responses to one prompt, which group statistics are taken over. Immutable and thread-safe if
 * the tokens are.
 *
 * @param responses at least one
 * @param <T> type of the tokens
 */
public record ResponseGroup<T>(List<Response<T>> responses) {
  /**
   * Checks the argument and copies it.
   *
   * @throws IllegalArgumentException if there is no response
   */
  public ResponseGroup {
    Checks.present("responses", responses);
    Checks.that(!responses.isEmpty(), "responses", "at least 1 response", 0);
    responses = List.copyOf(responses);
  }

  /**
   * A mixed group: {@code size - 1} rollouts and, last, a response that is an expert's or was begun
   * by one. That is how LUFFY (Yan et al. 2025, arXiv:2504.14945) and SRFT (Fu et al. 2025,
   * arXiv:2506.19767) add a demonstration to a group, and Prefix-RFT (Huang et al. 2025,
   * arXiv:2507.01679) a hybrid of prefix and continuation.
   *
   * @param size responses of the group, at least 2; 8 in all three
   * @param rollouts {@code size - 1} responses without a token of the expert's
   * @param expert a response with one
   * @param <T> type of the tokens
   * @return the group
   * @throws IllegalArgumentException if there are more or fewer rollouts, or responses are not what
   *     they should be
   */
  public static <T> ResponseGroup<T> mixed(
      int size, List<Response<T>> rollouts, Response<T> expert) {
    Checks.that(size >= 2, "size", "at least 2: a rollout and a demonstration", size);
    Checks.present("rollouts", rollouts);
    Checks.that(
        rollouts.size() == size - 1,
        "rollouts",
        (size - 1) + " for a group of " + size,
        rollouts.size());
    for (Response<T> rollout : rollouts) {
      Checks.that(
          rollout.expertTokens() == 0, "rollouts", "no expert tokens", rollout.expertTokens());
    }
    Checks.present("expert", expert);
    Checks.that(expert.expertTokens() > 0, "expert", "at least 1 expert token", 0);
    List<Response<T>> all = new ArrayList<>(rollouts);
    all.add(expert);
    return new ResponseGroup<>(all);
  }

  /**
   * Returns the rewards, in the order of the responses.
   *
   * @return a new array
   */
  public float[] rewards() {
    float[] rewards = new float[responses.size()];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = responses.get(i).reward();
    }
    return rewards;
  }
}
