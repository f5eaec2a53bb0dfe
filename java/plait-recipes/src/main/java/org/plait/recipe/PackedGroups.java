package org.plait.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.plait.Role;

/**
 * Groups of responses laid out as the kernels take them: all tokens of all responses, one response
 * after the other, prompts left out. Row t of the logits is the one that predicts token t.
 *
 * <pre>{@code
 * TokenBatch.builder(packed.tokens())
 *     .offsets(TensorView.copyOf(packed.offsets()))
 *     .roles(TensorView.copyOf(packed.roles()))
 *     .sequenceAdvantages(
 *         GroupAdvantage.drGrpo()
 *             .of(
 *                 TensorView.copyOf(packed.rewards()),
 *                 Groups.ids(TensorView.copyOf(packed.groups()), packed.groupCount())))
 *     .build();
 * }</pre>
 *
 * <p>Arrays are copies. Immutable, and thread-safe if the tokens are.
 *
 * @param <T> type of the tokens
 */
public final class PackedGroups<T> {
  private final List<Response<T>> responses;
  private final long[] offsets;
  private final long[] groups;
  private final long groupCount;

  private PackedGroups(List<Response<T>> responses, long[] groups, long groupCount) {
    this.responses = responses;
    this.groups = groups;
    this.groupCount = groupCount;
    offsets = new long[responses.size() + 1];
    for (int i = 0; i < responses.size(); i++) {
      offsets[i + 1] = offsets[i] + responses.get(i).length();
    }
    Checks.that(
        tokens() <= Integer.MAX_VALUE - 8, "groups", "fewer than 2^31 - 8 tokens", tokens());
  }

  /**
   * Lays out groups.
   *
   * @param groups in the order of the layout; there may be none
   * @param <T> type of the tokens
   * @return the layout
   */
  public static <T> PackedGroups<T> of(List<ResponseGroup<T>> groups) {
    Checks.present("groups", groups);
    List<Response<T>> responses = new ArrayList<>();
    List<Long> ids = new ArrayList<>();
    for (int group = 0; group < groups.size(); group++) {
      for (Response<T> response : groups.get(group).responses()) {
        responses.add(response);
        ids.add((long) group);
      }
    }
    long[] groupOf = ids.stream().mapToLong(Long::longValue).toArray();
    return new PackedGroups<>(List.copyOf(responses), groupOf, groups.size());
  }

  /**
   * Returns the responses, in the order of the layout.
   *
   * @return B responses
   */
  public List<Response<T>> responses() {
    return responses;
  }

  /**
   * Returns the number of tokens.
   *
   * @return T
   */
  public long tokens() {
    return offsets[offsets.length - 1];
  }

  /**
   * Returns where responses start and end.
   *
   * @return [B + 1], from 0 to T
   */
  public long[] offsets() {
    return offsets.clone();
  }

  /**
   * Returns what each token is to the objective.
   *
   * @return [T]
   */
  public Role[] roles() {
    Role[] roles = new Role[(int) tokens()];
    for (int i = 0; i < responses.size(); i++) {
      Response<T> response = responses.get(i);
      int start = (int) offsets[i];
      int continuation = start + response.expertTokens();
      Arrays.fill(roles, start, continuation, response.expertRole());
      Arrays.fill(roles, continuation, (int) offsets[i + 1], Role.ROLLOUT);
    }
    return roles;
  }

  /**
   * Returns whose each response is: for group statistics over rollouts only.
   *
   * @return [B] of {@link Response#origin()}
   */
  public Role[] origins() {
    return responses.stream().map(Response::origin).toArray(Role[]::new);
  }

  /**
   * Returns the group of each response.
   *
   * @return [B], never decreasing, in [0, {@link #groupCount()})
   */
  public long[] groups() {
    return groups.clone();
  }

  /**
   * Returns the number of groups.
   *
   * @return a count
   */
  public long groupCount() {
    return groupCount;
  }

  /**
   * Returns the reward of each response.
   *
   * @return [B], NaN where there is none
   */
  public float[] rewards() {
    float[] rewards = new float[responses.size()];
    for (int i = 0; i < rewards.length; i++) {
      rewards[i] = responses.get(i).reward();
    }
    return rewards;
  }
}
