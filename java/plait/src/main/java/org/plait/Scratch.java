package org.plait;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;
import org.plait.internal.StructWriter;
import org.plait.internal.Structs;

/**
 * Native memory of one thread for the structures of a call, so that a call allocates nothing. What
 * was packed last stays packed: training loops pass the same objective every time. Confined to its
 * thread.
 */
final class Scratch {
  private static final ThreadLocal<Scratch> LOCAL = ThreadLocal.withInitial(Scratch::new);

  private final Thread owner = Thread.currentThread();
  private final ByteBuffer objective = Structs.allocate(Structs.OBJECTIVE_SIZE);
  private final ByteBuffer normalizers = Structs.allocate(Structs.NORMALIZERS_SIZE);
  private final ByteBuffer advantage = Structs.allocate(Structs.ADVANTAGE_OPTIONS_SIZE);
  private final ByteBuffer slot = Structs.allocate(Long.BYTES);
  private final long objectiveAddress = NativeLibrary.address(objective, 1);
  private final long normalizersAddress = NativeLibrary.address(normalizers, 1);
  private final long advantageAddress = NativeLibrary.address(advantage, 1);
  private final long slotAddress = NativeLibrary.address(slot, 1);
  private @Nullable Objective packedObjective;
  private @Nullable Normalizers packedNormalizers;
  private @Nullable GroupAdvantage packedAdvantage;

  private Scratch() {}

  /** The scratch of this thread, which keeps it reachable. */
  static Scratch get() {
    return LOCAL.get();
  }

  /** Whether this is the scratch of the calling thread. */
  boolean isOwned() {
    return owner == Thread.currentThread();
  }

  // Identity is a shortcut for the common case; packing an equal value again is harmless.
  @SuppressWarnings("ReferenceEquality")
  long pack(Objective value) {
    if (packedObjective != value) {
      StructWriter.put(objective, value);
      packedObjective = value;
    }
    return objectiveAddress;
  }

  @SuppressWarnings("ReferenceEquality")
  long pack(Normalizers value) {
    if (packedNormalizers != value) {
      StructWriter.put(normalizers, value);
      packedNormalizers = value;
    }
    return normalizersAddress;
  }

  @SuppressWarnings("ReferenceEquality")
  long pack(GroupAdvantage value) {
    if (packedAdvantage != value) {
      StructWriter.put(advantage, value);
      packedAdvantage = value;
    }
    return advantageAddress;
  }

  /** Address of eight bytes for a result. */
  long slot() {
    return slotAddress;
  }

  long slotLong() {
    return slot.getLong(0);
  }

  double slotDouble() {
    return slot.getDouble(0);
  }
}
