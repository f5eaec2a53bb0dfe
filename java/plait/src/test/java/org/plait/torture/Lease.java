package org.plait.torture;

import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;

/**
 * A pointer that owns memory, as those of an allocator do: it can be closed from any thread, and is
 * given back by the garbage collector when nothing reaches it. The memory itself outlives it, so
 * that a call can be caught between the two without the process being at stake.
 */
final class Lease extends Pointer {
  static final AtomicLong TAKEN = new AtomicLong();
  static final AtomicLong RETURNED = new AtomicLong();

  /** Counts; it must not keep the pointer reachable. */
  private static final class Return implements Deallocator {
    @Override
    public void deallocate() {
      RETURNED.incrementAndGet();
    }
  }

  Lease(long address, long bytes) {
    this.address = address;
    this.limit = bytes;
    this.capacity = bytes;
    TAKEN.incrementAndGet();
    deallocator(new Return());
  }

  @Override
  public int sizeof() {
    return 1;
  }
}
