package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertNotNow;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.recipe.DynamicSampling.Status;

class DynamicSamplingTest {
  @Test
  void keepsGroupsWhoseRewardsDiffer() {
    DynamicSampling<String> sampling = new DynamicSampling<>(2, 10);
    assertFalse(sampling.offer("none", 0, 0));
    assertTrue(sampling.offer("some", 0, 1));
    assertFalse(sampling.offer("all", 1, 1));
    assertEquals(1, sampling.kept());
    assertEquals(Status.MORE, sampling.endBatch());
    assertTrue(sampling.offer("lengths", 1, 1, 0.9f));
    assertEquals(Status.ENOUGH, sampling.endBatch());
    assertEquals(List.of("some", "lengths"), sampling.take());
  }

  @Test
  void equalNonDyadicRewardsDoNotDifferThoughTheirStandardDeviationIsNotZero() {
    float[] rewards = new float[7];
    Arrays.fill(rewards, 0.1f);
    assertFalse(DynamicSampling.differ(rewards));
    rewards[6] = Math.nextUp(0.1f);
    assertTrue(DynamicSampling.differ(rewards));
    assertFalse(DynamicSampling.differ(0f, -0f));
    assertTrue(DynamicSampling.differ(1000, 1000.001f));
  }

  @Test
  void singletonAndUnscorableRewardsHaveNothingToDifferFrom() {
    assertFalse(DynamicSampling.differ());
    assertFalse(DynamicSampling.differ(1));
    assertFalse(DynamicSampling.differ(Float.NaN, Float.NaN));
    assertFalse(DynamicSampling.differ(Float.NaN, 1, Float.NaN, 1));
    assertTrue(DynamicSampling.differ(Float.NaN, 1, Float.NaN, 0));
  }

  @Test
  void surplusGroupsAreDroppedAndTheNextStepStartsAnew() {
    DynamicSampling<Integer> sampling = new DynamicSampling<>(2, 10);
    for (int group = 0; group < 5; group++) {
      assertTrue(sampling.offer(group, 0, 1), "kept although there are enough already");
    }
    assertEquals(Status.ENOUGH, sampling.endBatch());
    assertEquals(List.of(0, 1), sampling.take());
    assertEquals(0, sampling.kept());
    assertEquals(0, sampling.batches());
    assertEquals(Status.MORE, sampling.endBatch());
  }

  @Test
  void givesUpAfterTheMaximumNumberOfBatches() {
    DynamicSampling<Integer> sampling = new DynamicSampling<>(2, 3);
    sampling.offer(1, 0, 1);
    assertEquals(Status.MORE, sampling.endBatch());
    assertEquals(Status.MORE, sampling.endBatch());
    assertEquals(Status.EXHAUSTED, sampling.endBatch());
    assertEquals(List.of(1), sampling.take());
    DynamicSampling<Integer> last = new DynamicSampling<>(1, 1);
    last.offer(1, 0, 1);
    assertEquals(Status.ENOUGH, last.endBatch(), "the last batch counts");
  }

  @Test
  void resumesExactlyInTheMiddleOfABatch() {
    DynamicSampling<Integer> through = new DynamicSampling<>(3, 4);
    through.offer(1, 0, 1);
    through.endBatch();
    through.offer(2, 1, 0);
    DynamicSampling<Integer> resumed = new DynamicSampling<>(3, 4);
    resumed.offer(99, 0, 1);
    resumed.restore(through.state());
    assertEquals(finish(through), finish(resumed));
    assertEquals(through.state(), resumed.state());
  }

  private static List<Object> finish(DynamicSampling<Integer> sampling) {
    List<Object> log = new ArrayList<>();
    log.add(sampling.endBatch());
    sampling.offer(3, 0, 1);
    log.add(sampling.endBatch());
    log.add(sampling.batches());
    log.addAll(sampling.take());
    assertEquals(List.of(Status.MORE, Status.ENOUGH, 3, 1, 2, 3), log);
    return log;
  }

  @Test
  void aFinishedGenerationResumesAsFinished() {
    DynamicSampling<Integer> through = new DynamicSampling<>(1, 4);
    through.offer(1, 0, 1);
    through.endBatch();
    DynamicSampling<Integer> resumed = new DynamicSampling<>(1, 4);
    resumed.restore(through.state());
    assertEquals(List.of(1), resumed.take());
  }

  @Test
  void callsAtTheWrongTimeAreRefused() {
    DynamicSampling<Integer> sampling = new DynamicSampling<>(1, 1);
    assertNotNow("take: expected generation to be over, got MORE", sampling::take);
    sampling.endBatch();
    assertNotNow("offer: expected take() first, got EXHAUSTED", () -> sampling.offer(1, 0, 1));
    assertNotNow("endBatch: expected take() first, got EXHAUSTED", sampling::endBatch);
  }

  @Test
  void impossibleArgumentsAreRefused() {
    assertRefused("prompts: expected at least 1, got 0", () -> new DynamicSampling<>(0, 1));
    assertRefused("maxBatches: expected at least 1, got 0", () -> new DynamicSampling<>(1, 0));
    assertRefused(
        "rewards: expected finite numbers or NaN, got -Infinity",
        () -> DynamicSampling.differ(0, Float.NEGATIVE_INFINITY));
    assertRefused(
        "state: expected 0 to 2 batches, got 3",
        () ->
            new DynamicSampling<Integer>(1, 2)
                .restore(new DynamicSampling.State<>(List.of(), 3, Status.MORE)));
  }
}
