package org.plait.torture;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Comparator;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;

/**
 * The memory of one worker: the arrays of a call lie in it one after another, with gaps between
 * them, so that one comparison finds whatever a call wrote beyond its outputs. Confined to one
 * thread.
 */
final class Arena {
  private static final int BYTES = 1 << 20;
  private static final int ALIGNMENT = 64;

  /**
   * Bytes that a call may write.
   *
   * @param from the first
   * @param to the one after the last
   */
  record Range(int from, int to) {}

  private final ByteBuffer memory = direct();
  private final ByteBuffer before = direct();
  private final BytePointer pointer = new BytePointer(memory);
  private int used;

  private static ByteBuffer direct() {
    return ByteBuffer.allocateDirect(BYTES + ALIGNMENT)
        .alignedSlice(ALIGNMENT)
        .order(ByteOrder.nativeOrder());
  }

  /** Takes all memory back, and fills what was used with a byte. */
  void clear(int canary) {
    long word = (canary & 0xffL) * 0x0101010101010101L;
    for (int at = 0; at < used + ALIGNMENT; at += Long.BYTES) {
      memory.putLong(at, word);
    }
    used = 0;
  }

  /** Takes bytes that start {@code shift} bytes after an aligned address. */
  int take(int bytes, int shift) {
    int at = (used + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + shift;
    used = at + bytes;
    if (used > BYTES - 2 * ALIGNMENT) {
      throw new IllegalStateException("a call needs more memory than a worker has: " + used);
    }
    return at;
  }

  ByteBuffer memory() {
    return memory;
  }

  ByteBuffer slice(int at, int bytes) {
    return memory.slice(at, bytes).order(ByteOrder.nativeOrder());
  }

  /** A pointer to bytes, of the kind that native code returns: it owns nothing. */
  BytePointer pointer(int at, int bytes) {
    return new BytePointer(pointer).position(at).limit(at + bytes);
  }

  long address(int at) {
    return pointer.address() + at;
  }

  /** Remembers what everything holds. */
  void remember() {
    before.put(0, memory, 0, used + ALIGNMENT);
  }

  /** The first byte that has changed since, outside of these ranges, or -1. */
  int changed(List<Range> written) {
    int from = 0;
    for (Range range : written.stream().sorted(Comparator.comparingInt(Range::from)).toList()) {
      int at = mismatch(from, range.from);
      if (at >= 0) {
        return at;
      }
      from = Math.max(from, range.to);
    }
    return mismatch(from, used + ALIGNMENT);
  }

  private int mismatch(int from, int to) {
    if (from >= to) {
      return -1;
    }
    int at = memory.slice(from, to - from).mismatch(before.slice(from, to - from));
    return at < 0 ? -1 : from + at;
  }
}
