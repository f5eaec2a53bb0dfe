package org.plait.cuda;

import java.util.function.Consumer;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.plait.DType;
import org.plait.PlaitException;
import org.plait.TensorView;

/**
 * Memory that is freed once, and views of it, which ask their owner whether it has been. Closing is
 * thread-safe.
 */
final class Block {
  private final Pointer memory;
  private final Consumer<Pointer> free;

  Block(Pointer memory, Consumer<Pointer> free) {
    this.memory = memory;
    this.free = free;
  }

  static void checkSize(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes: expected at least 0, got " + bytes);
    }
  }

  static void checkAllocated(int status, String call, long bytes, String where) {
    if (status == cudart.cudaErrorMemoryAllocation) {
      cudart.cudaGetLastError();
      throw new PlaitException(
          PlaitException.Code.OUT_OF_MEMORY,
          "out of memory: %d bytes %s could not be allocated".formatted(bytes, where));
    }
    CudaRuntime.check(status, call);
  }

  synchronized long address() {
    if (memory.isNull()) {
      throw new IllegalStateException("the memory has been freed");
    }
    return memory.address();
  }

  TensorView view(long bytes, long offset, DType dtype, long[] shape, int device) {
    long left = bytes - offset;
    if (offset < 0 || left < 0) {
      throw new IllegalArgumentException(
          "offset: expected 0 to %d, got %d".formatted(bytes, offset));
    }
    long columns = shape.length == 2 ? shape[1] : 1;
    TensorView view =
        TensorView.ofAddress(address() + offset, dtype, shape, columns, device, memory);
    // The view's own checks make sure that this does not overflow.
    long needed = view.elements() * dtype.bytes();
    if (needed > left) {
      throw new IllegalArgumentException(
          "shape: expected at most %d bytes, got %d for %s".formatted(left, needed, view));
    }
    return view;
  }

  synchronized void close() {
    if (!memory.isNull()) {
      try {
        free.accept(memory);
      } finally {
        // Views ask this pointer whether they may still be used.
        memory.setNull();
      }
    }
  }
}
