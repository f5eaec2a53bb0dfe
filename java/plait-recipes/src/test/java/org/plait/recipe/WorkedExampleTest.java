package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.TensorView;
import org.plait.TokenBatch;

/** The example of the package's documentation, with the kernel behind it. */
class WorkedExampleTest {
  private static final int[][] EXPERT = {{1, 2, 9}, {3, 9}};
  private static final int[][][] SAMPLED = {{{1, 2, 9}, {4, 9}}, {{5, 5, 9}, {9}}};

  @Test
  void theDemonstrationOfAPromptThatNoRolloutSolvesHasTheLargestAdvantage() {
    BinaryReward reward = BinaryReward.ONE_ZERO;
    List<ResponseGroup<int[]>> groups = new ArrayList<>();
    for (int prompt = 0; prompt < 2; prompt++) {
      List<Response<int[]>> rollouts = new ArrayList<>();
      for (int[] answer : SAMPLED[prompt]) {
        boolean accepted = Arrays.equals(answer, EXPERT[prompt]);
        rollouts.add(Response.rollout(answer, reward.of(accepted)));
      }
      groups.add(ResponseGroup.mixed(3, rollouts, Response.demonstration(EXPERT[prompt], 1)));
    }
    PackedGroups<int[]> packed = PackedGroups.of(groups);

    TensorView advantages =
        GroupAdvantage.drGrpo()
            .of(
                TensorView.copyOf(packed.rewards()),
                Groups.ids(TensorView.copyOf(packed.groups()), packed.groupCount()));
    TokenBatch batch =
        TokenBatch.builder(packed.tokens())
            .offsets(TensorView.copyOf(packed.offsets()))
            .roles(TensorView.copyOf(packed.roles()))
            .sequenceAdvantages(advantages)
            .build();

    float third = 1f / 3;
    assertArrayEquals(
        new float[] {third, -2 * third, third, -third, -third, 2 * third},
        advantages.toFloats(),
        1e-6f);
    assertEquals(14, batch.tokens());
    assertEquals(6, batch.sequences());
  }
}
