package org.plait.torture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.plait.torture.Torture.Tally;

/**
 * The API cannot be broken: {@link Torture}, as many calls as {@code -Dplait.test.torture.calls}
 * says, from {@code -Dplait.test.torture.seed} on. A failure names the seed of its call, which
 * {@code -Dplait.test.torture.replay} makes again.
 */
@Timeout(7200)
class TortureTest {
  private static final long CALLS = Long.getLong("plait.test.torture.calls", 100_000);
  private static final long SEED = Long.getLong("plait.test.torture.seed", 1);
  private static final int THREADS = 8;

  /** More than compiled code, classes and malloc's arenas of eight threads come to. */
  private static final long RESIDENT_KILOBYTES = 64 << 10;

  @Test
  void noCallCrashesWritesWhereItMayNotOrLeaks() throws Exception {
    Torture torture = new Torture(SEED, THREADS);
    Tally warm = torture.run(0, CALLS / 5);
    NativeMemory before = NativeMemory.settled();
    Tally tally = torture.run(CALLS / 5, CALLS);
    NativeMemory after = NativeMemory.settled();
    Tally all = warm.plus(tally);
    System.out.println("Torture of seed " + SEED + ": " + all);
    System.out.println("Before: " + before);
    System.out.println("After: " + after);

    assertEquals(CALLS, all.calls());
    assertTrue(all.refused() > CALLS / 4, all::toString);
    assertTrue(all.repeated() > CALLS / 20, all::toString);
    assertTrue(all.closed() > 0 && all.closed() < all.raced(), all::toString);
    assertEquals(before.pointers(), after.pointers(), "pointers");
    assertEquals(before.pointerBytes(), after.pointerBytes(), "bytes of pointers");
    assertEquals(before.buffers(), after.buffers(), "direct buffers");
    assertEquals(before.bufferBytes(), after.bufferBytes(), "bytes of direct buffers");
    assertEquals(Lease.TAKEN.get(), Lease.RETURNED.get(), "owners that were given back");
    long heap = Math.max(0, after.heapKilobytes() - before.heapKilobytes());
    long grown = after.residentKilobytes() - before.residentKilobytes() - heap;
    assertTrue(grown < RESIDENT_KILOBYTES, "resident kilobytes more than before: " + grown);
  }

  @Test
  void theCallOfASeedGoesAsItHasTo() {
    Long seed = Long.getLong("plait.test.torture.replay");
    Assumptions.assumeTrue(seed != null, "-Dplait.test.torture.replay=SEED");
    Trial trial = Trial.of(seed);
    System.out.println(trial);
    long digest = trial.run(new Arena(), ~seed, null).digest();
    Trial again = Trial.of(seed);
    if (again.refusal() == null) {
      again.call().moveGradient();
      assertEquals(digest, again.run(new Arena(), seed, null).digest());
    }
  }
}
