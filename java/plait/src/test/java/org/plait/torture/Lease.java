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

  /** Whether the memory has been given back; it does not keep the pointer reachable. */
  static final class State implements Deallocator {
    private volatile boolean returned;

    @Override
    public void deallocate() {
      returned = true;
      RETURNED.incrementAndGet();
    }

    boolean isReturned() {
      return returned;
    }
  }

  private final State state = new State();

  Lease(long address, long bytes) {
    this.address = address;
    this.limit = bytes;
    this.capacity = bytes;
    TAKEN.incrementAndGet();
    deallocator(state);
  }

  State state() {
    return state;
  }

  @Override
  public int sizeof() {
    return 1;
  }
}
