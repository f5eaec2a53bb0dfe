package org.plait.lab.verify;

import java.util.ArrayList;
import java.util.List;
import org.plait.TensorView;

/**
 * A stage whose arrays are copied: each to memory of its own, so that a checker of memory accesses
 * sees where it ends, with the gaps between its rows, and as far from an aligned address as on the
 * host.
 */
abstract class CopyStage implements Memory.Stage {

  /** What addresses are compared by; that of a cache line is 64, of a device's transaction 128. */
  private static final int ALIGNMENT = 256;

  /** Bytes on the host and their copy. */
  private record Pair(TensorView host, TensorView there) {
    boolean contains(TensorView span) {
      return from() <= span.address() && span.address() + span.elements() <= to();
    }

    boolean overlaps(TensorView span) {
      return span.address() < to() && from() < span.address() + span.elements();
    }

    long from() {
      return host.address();
    }

    long to() {
      return host.address() + host.elements();
    }
  }

  private final List<Pair> pairs = new ArrayList<>();
  private final int device;

  CopyStage(int device) {
    this.device = device;
  }

  /** New memory where the kernel runs, aligned to 256 bytes: UINT8 [bytes]. */
  abstract TensorView allocate(long bytes);

  /** Copies between the host and there, in order with the call. */
  abstract void copy(TensorView from, TensorView to);

  /** Waits for the call and the copies. */
  abstract void await();

  @Override
  public TensorView at(TensorView view) {
    TensorView span = Views.span(view);
    if (span.elements() == 0) {
      return Views.at(view, 0, device, view.owner());
    }
    Pair pair = find(span);
    long address = pair.there.address() + (span.address() - pair.from());
    return Views.at(view, address, device, pair.there.owner());
  }

  private Pair find(TensorView span) {
    for (Pair pair : pairs) {
      if (pair.contains(span)) {
        return pair;
      }
      if (pair.overlaps(span)) {
        throw new IllegalStateException("an array overlaps another one of the call in part");
      }
    }
    long shift = span.address() % ALIGNMENT;
    TensorView there = allocate(shift + span.elements()).rows(shift, shift + span.elements());
    copy(span, there);
    Pair pair = new Pair(span, there);
    pairs.add(pair);
    return pair;
  }

  @Override
  public void finish() {
    for (Pair pair : pairs) {
      copy(pair.there, pair.host);
    }
    await();
  }
}
