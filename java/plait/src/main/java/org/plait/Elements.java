package org.plait;

import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;

/**
 * Element by element access to a view on the CPU, with conversion of the 16-bit types. Confined to
 * one thread.
 */
final class Elements {
  private final TensorView view;
  private final Memory memory;

  Elements(TensorView view) {
    if (view.device() >= 0) {
      throw new IllegalArgumentException("view: expected one on the CPU, got " + view);
    }
    this.view = view;
    this.memory = new Memory(view.address());
  }

  float getFloat(long index) {
    long at = offset(index);
    return switch (view.dtype()) {
      case FLOAT32 -> memory.getFloat(at);
      case BFLOAT16 -> Float.intBitsToFloat(memory.getShort(at) << 16);
      case FLOAT16 -> HalfFloats.float16ToFloat(memory.getShort(at));
      case INT32, INT64, UINT8 -> throw wrongType("floating-point");
    };
  }

  long getLong(long index) {
    long at = offset(index);
    return switch (view.dtype()) {
      case INT32 -> memory.getInt(at);
      case INT64 -> memory.getLong(at);
      case UINT8 -> memory.get(at) & 0xff;
      case FLOAT32, BFLOAT16, FLOAT16 -> throw wrongType("integer");
    };
  }

  void setFloat(long index, float value) {
    long at = writable(index);
    switch (view.dtype()) {
      case FLOAT32 -> memory.putFloat(at, value);
      case BFLOAT16 -> memory.putShort(at, HalfFloats.floatToBfloat16(value));
      case FLOAT16 -> memory.putShort(at, HalfFloats.floatToFloat16(value));
      case INT32, INT64, UINT8 -> throw wrongType("floating-point");
    }
  }

  void setLong(long index, long value) {
    long at = writable(index);
    switch (view.dtype()) {
      case INT32 -> memory.putInt(at, Math.toIntExact(value));
      case INT64 -> memory.putLong(at, value);
      case UINT8 -> memory.put(at, (byte) Checks.unsignedByte(value));
      case FLOAT32, BFLOAT16, FLOAT16 -> throw wrongType("integer");
    }
  }

  private long writable(long index) {
    if (view.isReadOnly()) {
      throw new IllegalStateException("the view, " + view + ", is of a read-only buffer");
    }
    return offset(index);
  }

  private long offset(long index) {
    Objects.checkIndex(index, view.elements());
    long columns = view.rank() == 1 ? 1 : view.size(1);
    long element = index / columns * view.rowStride() + index % columns;
    return element * view.dtype().bytes();
  }

  private IllegalStateException wrongType(String expected) {
    return new IllegalStateException("expected a view of " + expected + " elements, got " + view);
  }

  /** A pointer to memory that it does not own. */
  private static final class Memory extends BytePointer {
    Memory(long address) {
      this.address = address;
    }
  }
}
