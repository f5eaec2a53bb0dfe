package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.plait.Role.DEMONSTRATION;
import static org.plait.Role.HINT;
import static org.plait.Role.IGNORED;
import static org.plait.Role.ROLLOUT;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.Role;

class PackedGroupsTest {
  private static final Response<int[]> SHORT = Response.rollout(new int[] {1, 2}, 0);
  private static final Response<int[]> LONG = Response.rollout(new int[] {3, 4, 5}, 1);
  private static final Response<int[]> EXPERT = Response.demonstration(new int[] {6, 7}, 1);

  @Test
  void laysOutMixedGroups() {
    PackedGroups<int[]> packed =
        PackedGroups.of(
            List.of(
                ResponseGroup.mixed(3, List.of(SHORT, LONG), EXPERT),
                ResponseGroup.mixed(2, List.of(SHORT), EXPERT)));
    assertEquals(11, packed.tokens());
    assertEquals(2, packed.groupCount());
    assertArrayEquals(new long[] {0, 2, 5, 7, 9, 11}, packed.offsets());
    assertArrayEquals(new long[] {0, 0, 0, 1, 1}, packed.groups());
    assertArrayEquals(new float[] {0, 1, 1, 0, 1}, packed.rewards());
    assertArrayEquals(
        new Role[] {
          ROLLOUT,
          ROLLOUT,
          ROLLOUT,
          ROLLOUT,
          ROLLOUT,
          DEMONSTRATION,
          DEMONSTRATION,
          ROLLOUT,
          ROLLOUT,
          DEMONSTRATION,
          DEMONSTRATION
        },
        packed.roles());
    assertArrayEquals(
        new Role[] {ROLLOUT, ROLLOUT, DEMONSTRATION, ROLLOUT, DEMONSTRATION}, packed.origins());
    assertSame(EXPERT, packed.responses().get(2));
  }

  @Test
  void hintTokensHaveARoleInThePackedLayoutWhichUpstreamsHintLossCannotRead() {
    Response<int[]> hinted = Response.continued(new int[] {1, 2, 3, 4}, 3, HINT, 1);
    Response<int[]> anchored = Response.continued(new int[] {5, 6}, 1, IGNORED, 0);
    PackedGroups<int[]> packed =
        PackedGroups.of(List.of(new ResponseGroup<>(List.of(hinted, anchored))));
    assertArrayEquals(new Role[] {HINT, HINT, HINT, ROLLOUT, IGNORED, ROLLOUT}, packed.roles());
    assertArrayEquals(new Role[] {ROLLOUT, ROLLOUT}, packed.origins());
    for (int t = 0; t < 4; t++) {
      assertEquals(packed.roles()[t], hinted.role(t));
    }
  }

  @Test
  void tokensMayBeOfAnyType() {
    Response<String> rollout = Response.rollout("six by seven", 3, Float.NaN);
    Response<String> expert = Response.demonstration("42", 1, 1);
    PackedGroups<String> packed =
        PackedGroups.of(List.of(ResponseGroup.mixed(2, List.of(rollout), expert)));
    assertArrayEquals(new long[] {0, 3, 4}, packed.offsets());
    assertArrayEquals(new float[] {Float.NaN, 1}, packed.rewards());
    assertEquals("42", packed.responses().get(1).tokens());
  }

  @Test
  void noGroupsAndEmptyRolloutsWork() {
    PackedGroups<int[]> none = PackedGroups.of(List.of());
    assertArrayEquals(new long[] {0}, none.offsets());
    assertEquals(0, none.roles().length);
    Response<int[]> aborted = Response.rollout(new int[0], 0);
    PackedGroups<int[]> packed =
        PackedGroups.of(List.of(ResponseGroup.mixed(2, List.of(aborted), EXPERT)));
    assertArrayEquals(new long[] {0, 0, 2}, packed.offsets());
    assertArrayEquals(new Role[] {ROLLOUT, DEMONSTRATION}, packed.origins());
    assertEquals(ROLLOUT, Response.continued(new int[0], 0, DEMONSTRATION, 0).origin());
  }

  @Test
  void changingAReturnedArrayChangesNothing() {
    PackedGroups<int[]> packed = PackedGroups.of(List.of(new ResponseGroup<>(List.of(SHORT))));
    packed.offsets()[1] = 99;
    packed.groups()[0] = 99;
    assertArrayEquals(new long[] {0, 2}, packed.offsets());
    assertArrayEquals(new long[] {0}, packed.groups());
  }

  @Test
  void moreTokensThanAnArrayHoldsAreRefused() {
    Response<String> huge = Response.rollout("huge", Integer.MAX_VALUE, 0);
    assertRefused(
        "groups: expected fewer than 2^31 - 8 tokens, got 4294967294",
        () -> PackedGroups.of(List.of(new ResponseGroup<>(List.of(huge, huge)))));
  }

  @Test
  void aMixedGroupWithoutRolloutsOrDemonstrationIsRefusedWhereLuffyThrowsAKeyError() {
    assertRefused(
        "size: expected at least 2: a rollout and a demonstration, got 1",
        () -> ResponseGroup.mixed(1, List.of(), EXPERT));
    assertRefused(
        "rollouts: expected 7 for a group of 8, got 2",
        () -> ResponseGroup.mixed(8, List.of(SHORT, LONG), EXPERT));
    assertRefused(
        "expert: expected at least 1 expert token, got 0",
        () -> ResponseGroup.mixed(2, List.of(SHORT), LONG));
    assertRefused(
        "rollouts: expected no expert tokens, got 2",
        () -> ResponseGroup.mixed(2, List.of(EXPERT), EXPERT));
    assertRefused(
        "responses: expected at least 1 response, got 0", () -> new ResponseGroup<>(List.of()));
  }

  @Test
  void aDemonstrationWithoutTokensWhoseMeanWouldBeNaNIsRefused() {
    assertRefused(
        "length: expected a demonstration of at least 1 token, got 0",
        () -> Response.demonstration(new int[0], 1));
  }

  @Test
  void responsesThatCannotBeAreRefused() {
    assertRefused(
        "expertTokens: expected 0 to the length of 2, got 3",
        () -> Response.continued(new int[2], 3, HINT, 0));
    assertRefused(
        "expertRole: expected DEMONSTRATION, HINT or IGNORED, got ROLLOUT",
        () -> Response.continued(new int[2], 1, ROLLOUT, 0));
    assertRefused(
        "reward: expected a finite number or NaN, got Infinity",
        () -> Response.rollout(new int[2], Float.POSITIVE_INFINITY));
    assertRefused("length: expected at least 0, got -1", () -> Response.rollout("", -1, 0));
    assertRefused("position: expected 0 to below 2, got 2", () -> SHORT.role(2));
  }
}
