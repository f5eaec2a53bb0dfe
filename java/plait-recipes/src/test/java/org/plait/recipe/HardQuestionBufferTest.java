package org.plait.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.recipe.Refusals.assertRefused;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.plait.recipe.HardQuestionBuffer.Options;
import org.plait.recipe.HardQuestionBuffer.Order;

class HardQuestionBufferTest {
  private static final Options OPTIONS = Options.ofCapacity(8);

  private static HardQuestionBuffer<String> buffer(Options options, String... failed) {
    HardQuestionBuffer<String> buffer = new HardQuestionBuffer<>(options, 1);
    for (String question : failed) {
      buffer.observe(question, 0, 0);
    }
    return buffer;
  }

  @Test
  void aQuestionEntersOnlyWhenAllOfItsRolloutsFail() {
    HardQuestionBuffer<String> buffer = buffer(OPTIONS);
    assertEquals(GroupOutcome.SOME_SOLVED, buffer.observe("some", 0, 1));
    assertEquals(GroupOutcome.ALL_SOLVED, buffer.observe("all", 1, 1));
    assertEquals(GroupOutcome.UNSCORED, buffer.observe("unscored", Float.NaN));
    assertEquals(0, buffer.size());
    assertEquals(GroupOutcome.NONE_SOLVED, buffer.observe("none", 0, 0));
    assertEquals(List.of("none"), buffer.take(1));
  }

  @Test
  void questionsWithFormatRewardsEnterWhereUpstreamLosesThem() {
    HardQuestionBuffer<String> buffer = buffer(OPTIONS);
    buffer.observe("mixed", 0, -1);
    buffer.observe("format", -1, -1);
    assertEquals(List.of("format", "mixed"), buffer.take(2));
  }

  @Test
  void emptyBufferWorksWhereUpstreamThrows() {
    HardQuestionBuffer<String> buffer = buffer(OPTIONS);
    assertEquals(0, buffer.size());
    assertEquals(List.of(), buffer.take(0));
    assertEquals(List.of(), buffer.state().questions());
    buffer.observe("a", 0);
    buffer.take(1);
    assertEquals(0, buffer.size());
    assertRefused("count: expected 0 to 0 questions, got 1", () -> buffer.take(1));
  }

  @Test
  void takesInTheOrderOfTheOptions() {
    String[] failed = {"a", "b", "c", "d"};
    HardQuestionBuffer<String> newest = buffer(OPTIONS, failed);
    assertEquals(List.of("d", "c"), newest.take(2));
    assertEquals(List.of("b", "a"), newest.take(2));
    HardQuestionBuffer<String> oldest = buffer(OPTIONS.withOrder(Order.OLDEST_FIRST), failed);
    assertEquals(List.of("a", "b"), oldest.take(2));
    assertEquals(List.of("c", "d"), oldest.take(2));
  }

  @Test
  void randomOrderTakesEveryQuestionAlikeAndOnce() {
    Options options = OPTIONS.withOrder(Order.RANDOM);
    int[] first = new int[4];
    int[] second = new int[4];
    for (int seed = 0; seed < 4000; seed++) {
      HardQuestionBuffer<Integer> buffer = new HardQuestionBuffer<>(options, seed);
      for (int question = 0; question < 4; question++) {
        buffer.observe(question, 0);
      }
      List<Integer> taken = buffer.take(2);
      first[taken.get(0)]++;
      second[taken.get(1)]++;
      assertNotEquals(taken.get(0), taken.get(1));
      assertEquals(2, buffer.size());
    }
    for (int question = 0; question < 4; question++) {
      assertEquals(1000, first[question], 170);
      assertEquals(1000, second[question], 170);
    }
  }

  @Test
  void oldestFirstServesEveryQuestionWhereNewestFirstStarvesSome() {
    assertFalse(servedUnderSteadyInflow(Order.NEWEST_FIRST).contains(0));
    Set<Integer> served = servedUnderSteadyInflow(Order.OLDEST_FIRST);
    for (int question = 0; question < 100; question++) {
      assertTrue(served.contains(question), "question " + question);
    }
  }

  /** Three new questions a step and two taken, for as long as the buffer has room. */
  private static Set<Integer> servedUnderSteadyInflow(Order order) {
    HardQuestionBuffer<Integer> buffer =
        new HardQuestionBuffer<>(Options.ofCapacity(100).withOrder(order), 0);
    Set<Integer> served = new HashSet<>();
    for (int step = 0; step < 60; step++) {
      for (int i = 0; i < 3; i++) {
        buffer.observe(3 * step + i, 0);
      }
      served.addAll(buffer.take(2));
    }
    return served;
  }

  @Test
  void aQuestionThatFailsAgainIsHeldOnce() {
    HardQuestionBuffer<String> newest = buffer(OPTIONS, "a", "b", "a", "a");
    assertEquals(2, newest.size());
    assertEquals(List.of("a", "b"), newest.take(2));
    HardQuestionBuffer<String> oldest =
        buffer(OPTIONS.withOrder(Order.OLDEST_FIRST), "a", "b", "a", "a");
    assertEquals(List.of("a", "b"), oldest.take(2), "failing again must not make it wait again");
  }

  @Test
  void aQuestionThatIsSolvedLaterLeavesIfTheOptionsSaySo() {
    HardQuestionBuffer<String> removing = buffer(OPTIONS, "a", "b");
    removing.observe("a", 0, 1);
    assertEquals(List.of("b"), removing.take(removing.size()));
    HardQuestionBuffer<String> keeping = buffer(OPTIONS.withRemoveSolved(false), "a", "b");
    keeping.observe("a", 0, 1);
    assertEquals(List.of("b", "a"), keeping.take(keeping.size()));
  }

  @Test
  void whenTheBufferIsFullTheQuestionThatEnteredFirstLeaves() {
    for (Order order : Order.values()) {
      HardQuestionBuffer<String> buffer =
          buffer(Options.ofCapacity(2).withOrder(order), "a", "b", "c");
      assertEquals(Set.of("b", "c"), new HashSet<>(buffer.take(2)), order.toString());
    }
  }

  @Test
  void resumesExactly() {
    for (Order order : Order.values()) {
      HardQuestionBuffer<Integer> through = new HardQuestionBuffer<>(OPTIONS.withOrder(order), 9);
      run(through, 0, 20);
      HardQuestionBuffer.State<Integer> saved = through.state();
      HardQuestionBuffer<Integer> resumed =
          new HardQuestionBuffer<>(OPTIONS.withOrder(order), 12345);
      resumed.restore(saved);
      assertEquals(run(through, 20, 60), run(resumed, 20, 60), order.toString());
      assertEquals(through.state(), resumed.state());
      assertNotEquals(saved, through.state(), "a saved state does not move");
    }
  }

  private static List<Integer> run(HardQuestionBuffer<Integer> buffer, int from, int to) {
    List<Integer> taken = new ArrayList<>();
    for (int step = from; step < to; step++) {
      buffer.observe(step % 7, step % 3 == 0 ? 1 : 0, 0);
      buffer.observe(step % 11 + 7, 0, 0);
      taken.addAll(buffer.take(Math.min(step % 2, buffer.size())));
    }
    return taken;
  }

  @Test
  void refusesStatesOfOtherBuffersAndStaysAsItIs() {
    HardQuestionBuffer<String> buffer = buffer(Options.ofCapacity(2), "a");
    assertRefused(
        "state: expected at most 2 questions, got 3",
        () -> buffer.restore(new HardQuestionBuffer.State<>(List.of("x", "y", "z"), 0)));
    assertRefused(
        "state: expected each question once, got [x, x]",
        () -> buffer.restore(new HardQuestionBuffer.State<>(List.of("x", "x"), 0)));
    assertEquals(List.of("a"), buffer.state().questions());
  }

  @Test
  void refusesImpossibleOptions() {
    assertRefused("capacity: expected at least 1, got 0", () -> Options.ofCapacity(0));
    assertRefused(
        "failReward: expected a number, got NaN", () -> OPTIONS.withFailReward(Float.NaN));
    assertRefused("count: expected 0 to 1 questions, got -1", () -> buffer(OPTIONS, "a").take(-1));
  }
}
