package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.recipe.HardQuestionBuffer.Options;
import org.plait.recipe.HardQuestionBuffer.Order;

class ReliftTest {
  private static final Options OPTIONS = Options.ofCapacity(100);

  @Test
  void noHardQuestionYetIsNoErrorAsItIsUpstream() {
    Relift<Integer> relift = new Relift<>(OPTIONS, 2, 0);
    assertEquals(List.of(), relift.afterRlStep());
    relift.observe(1, 1, 1);
    assertEquals(List.of(), relift.afterRlStep());
    assertEquals(0, relift.sftSteps());
  }

  @Test
  void fineTunesAsSoonAsThereAreEnoughQuestionsAndNoSooner() {
    Relift<Integer> relift = new Relift<>(OPTIONS, 3, 0);
    relift.observe(1, 0, 0);
    relift.observe(2, 0, 0);
    assertEquals(List.of(), relift.afterRlStep());
    assertEquals(2, relift.waiting());
    relift.observe(3, 0, 0);
    assertEquals(List.of(3, 2, 1), relift.afterRlStep());
    assertEquals(0, relift.waiting());
    assertEquals(List.of(), relift.afterRlStep(), "the emptied buffer works");
  }

  @Test
  void thereIsAtMostOneSftUpdateForEachRlStep() {
    Relift<Integer> relift = new Relift<>(OPTIONS, 2, 0);
    for (int question = 0; question < 7; question++) {
      relift.observe(question, 0);
    }
    List<Integer> sizes = new ArrayList<>();
    for (int step = 0; step < 5; step++) {
      sizes.add(relift.afterRlStep().size());
    }
    assertEquals(List.of(2, 2, 2, 0, 0), sizes);
    assertEquals(1, relift.waiting());
  }

  @Test
  void sftUpdatesDoNotAdvanceTheCountOfRlSteps() {
    Relift<Integer> relift = new Relift<>(OPTIONS, 1, 0);
    for (int step = 0; step < 10; step++) {
      relift.observe(step, step % 2);
      relift.afterRlStep();
    }
    assertEquals(10, relift.rlSteps());
    assertEquals(5, relift.sftSteps());
  }

  @Test
  void resumesExactly() {
    Options options = OPTIONS.withOrder(Order.RANDOM);
    Relift<Integer> through = new Relift<>(options, 3, 5);
    run(through, 0, 25);
    Relift<Integer> resumed = new Relift<>(options, 3, 6);
    resumed.restore(through.state());
    List<List<Integer>> expected = run(through, 25, 80);
    assertEquals(expected, run(resumed, 25, 80));
    assertTrue(expected.stream().anyMatch(batch -> batch.size() == 3));
    assertEquals(through.state(), resumed.state());
    assertEquals(80, resumed.rlSteps());
  }

  private static List<List<Integer>> run(Relift<Integer> relift, int from, int to) {
    List<List<Integer>> batches = new ArrayList<>();
    for (int step = from; step < to; step++) {
      relift.observe(3 * step % 13, 0, 0);
      relift.observe(7 * step % 29, 0, step % 2);
      batches.add(relift.afterRlStep());
    }
    return batches;
  }

  @Test
  void refusesATriggerThatTheBufferCanNeverReach() {
    assertRefused(
        "sftQuestions: expected 1 to the buffer's capacity of 100, got 101",
        () -> new Relift<>(OPTIONS, 101, 0));
    assertRefused(
        "sftQuestions: expected 1 to the buffer's capacity of 100, got 0",
        () -> new Relift<>(OPTIONS, 0, 0));
    HardQuestionBuffer.State<Integer> empty = new HardQuestionBuffer.State<>(List.of(), 0);
    assertRefused(
        "state: expected from 0 to rlSteps = 1 sftSteps, got 2",
        () -> new Relift<Integer>(OPTIONS, 1, 0).restore(new Relift.State<>(empty, 1, 2)));
  }
}
