package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.plait.Refusals.refused;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorViewTest {
  @Test
  void viewOfABufferSharesItsMemoryFromPositionToLimit() {
    FloatBuffer buffer = direct(6 * 4).asFloatBuffer();
    buffer.put(new float[] {0, 1, 2, 3, 4, 5}).position(2).limit(5);
    TensorView view = TensorView.of(buffer);
    assertArrayEquals(new float[] {2, 3, 4}, view.toFloats());
    view.setFloat(0, 20);
    assertEquals(20, buffer.get(2));
    buffer.put(4, 40);
    assertEquals(40, view.getFloat(2));
    assertSame(buffer, view.owner());
  }

  @Test
  void viewOfASlicedBufferStartsWhereTheSliceDoes() {
    LongBuffer buffer = direct(4 * 8).asLongBuffer().put(new long[] {1, 2, 3, 4});
    TensorView view = TensorView.of(buffer.position(1).slice());
    assertArrayEquals(new long[] {2, 3, 4}, view.toLongs());
    IntBuffer ints = direct(8).asIntBuffer().put(new int[] {-5, 6}).flip();
    assertArrayEquals(new long[] {-5, 6}, TensorView.of(ints).toLongs());
  }

  @Test
  void viewOfBytesHasTheTypeAndShapeThatItIsGiven() {
    ByteBuffer buffer = direct(32);
    buffer.putFloat(8, 1.5f).putFloat(28, -2.5f).position(8);
    TensorView view = TensorView.of(buffer, DType.FLOAT32, 2, 3);
    assertEquals(2, view.rank());
    assertEquals(2, view.size(0));
    assertEquals(3, view.size(1));
    assertEquals(3, view.rowStride());
    assertEquals(6, view.elements());
    assertEquals(-1, view.device());
    assertEquals(1.5f, view.getFloat(0));
    assertEquals(-2.5f, view.getFloat(5));
    assertEquals("FLOAT32 [2, 3]", view.toString());
    assertThrows(IndexOutOfBoundsException.class, () -> view.size(2));
    assertThrows(IndexOutOfBoundsException.class, () -> view.getFloat(6));
  }

  @Test
  void viewOfAPointerStartsAtItsPosition() {
    try (FloatPointer pointer = new FloatPointer(1, 2, 3, 4)) {
      TensorView view = TensorView.of(pointer.position(1), DType.FLOAT32, 3);
      assertArrayEquals(new float[] {2, 3, 4}, view.toFloats());
      assertSame(pointer, view.owner());
    }
  }

  @Test
  void viewOfAClosedPointerIsLoudAndNotDangling() {
    FloatPointer pointer = new FloatPointer(8);
    TensorView view = TensorView.of(pointer, DType.FLOAT32, 8);
    TensorView part = view.rows(2, 4);
    assertNotEquals(0, view.address());
    pointer.close();
    pointer.close();
    assertThrows(IllegalStateException.class, view::address);
    assertThrows(IllegalStateException.class, part::address);
    assertThrows(IllegalStateException.class, () -> view.getFloat(0));
    assertThrows(IllegalStateException.class, () -> view.rows(2, 4));
    long[] shape = {8};
    refused("owner", () -> TensorView.ofAddress(4096, DType.FLOAT32, shape, 1, -1, pointer));
    refused("pointer", () -> TensorView.of(pointer, DType.FLOAT32, 8));
  }

  @Test
  void closingAllocatedMemoryTwiceIsSafe() {
    TensorView view = TensorView.allocate(DType.FLOAT32, 8);
    Pointer owner = assertInstanceOf(Pointer.class, view.owner());
    assertNotEquals(0, view.address());
    owner.close();
    owner.close();
    assertThrows(IllegalStateException.class, view::address);
  }

  @Test
  void anEnclosingPointerScopeDoesNotFreeAllocatedMemory() {
    TensorView view;
    try (PointerScope scope = new PointerScope()) {
      view = TensorView.allocate(DType.FLOAT32, 3);
      scope.attach(new FloatPointer(1));
    }
    view.setFloat(2, 7);
    assertArrayEquals(new float[] {0, 0, 7}, view.toFloats());
  }

  @Test
  void rowsOfAStridedViewSkipTheGaps() {
    TensorView memory = TensorView.copyOf(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    TensorView view =
        TensorView.ofAddress(memory.address(), DType.FLOAT32, new long[] {3, 3}, 4, -1, memory);
    assertFalse(view.isContiguous());
    assertArrayEquals(new float[] {0, 1, 2, 4, 5, 6, 8, 9, 10}, view.toFloats());
    assertArrayEquals(new float[] {4, 5, 6, 8, 9, 10}, view.rows(1, 3).toFloats());
    assertEquals(0, view.rows(3, 3).elements());
    assertThrows(IndexOutOfBoundsException.class, () -> view.rows(1, 4));
    assertArrayEquals(new float[] {2, 3}, memory.rows(2, 4).toFloats());
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void elementsOfEveryTypeCanBeWrittenAndReadBack(DType dtype) {
    TensorView view = TensorView.allocate(dtype, 3);
    assertTrue(view.isContiguous());
    if (dtype.isFloating()) {
      view.copyFrom(1.5f, -0.25f, Float.NEGATIVE_INFINITY);
      assertArrayEquals(new float[] {1.5f, -0.25f, Float.NEGATIVE_INFINITY}, view.toFloats());
      assertThrows(IllegalStateException.class, () -> view.getLong(0));
      assertThrows(IllegalStateException.class, () -> view.setLong(0, 1));
    } else {
      view.copyFrom(1L, 0, 200);
      assertArrayEquals(new long[] {1, 0, 200}, view.toLongs());
      assertThrows(IllegalStateException.class, () -> view.getFloat(0));
      assertThrows(IllegalStateException.class, () -> view.setFloat(0, 1));
    }
  }

  @Test
  void integersOutOfTheRangeOfTheTypeAreRefused() {
    TensorView bytes = TensorView.allocate(DType.UINT8, 1);
    refused("value", () -> bytes.setLong(0, 256));
    refused("value", () -> bytes.setLong(0, -1));
    TensorView ints = TensorView.allocate(DType.INT32, 1);
    assertThrows(ArithmeticException.class, () -> ints.setLong(0, 1L << 31));
    refused("values", () -> ints.copyFrom(1L, 2L));
  }

  @Test
  void viewsWithoutElementsHaveAnAddressAllTheSame() {
    assertNotEquals(0, TensorView.allocate(DType.FLOAT32, 0, 5).address());
    assertNotEquals(
        0, TensorView.ofAddress(0, DType.INT64, new long[] {0}, 1, -1, "nobody").address());
    assertArrayEquals(new float[0], TensorView.of(direct(0).asFloatBuffer()).toFloats());
  }

  @Test
  void buffersThatKernelsCannotReadAreRefused() {
    refused("buffer", () -> TensorView.of(FloatBuffer.allocate(4)));
    refused("buffer", () -> TensorView.of(ByteBuffer.allocate(16), DType.FLOAT32, 4));
    ByteOrder other =
        ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
            ? ByteOrder.BIG_ENDIAN
            : ByteOrder.LITTLE_ENDIAN;
    refused("buffer", () -> TensorView.of(direct(16).order(other).asFloatBuffer()));
    refused("buffer", () -> TensorView.of(direct(16).order(other), DType.FLOAT32, 4));
    assertEquals(16, TensorView.of(direct(16).order(other), DType.UINT8, 16).elements());
    refused("buffer", () -> TensorView.of(direct(15), DType.FLOAT32, 4));
    refused("address", () -> TensorView.of(direct(17).position(1), DType.FLOAT32, 4));
  }

  @Test
  void sizesThatMakeNoSenseAreRefused() {
    refused("shape", () -> TensorView.allocate(DType.FLOAT32));
    refused("shape", () -> TensorView.allocate(DType.FLOAT32, 1, 2, 3));
    refused("shape", () -> TensorView.allocate(DType.FLOAT32, -1));
    refused("shape", () -> TensorView.allocate(DType.FLOAT32, Long.MAX_VALUE, 2));
    refused("address", () -> TensorView.ofAddress(0, DType.UINT8, new long[] {1}, 1, -1, "x"));
    refused("rowStride", () -> TensorView.ofAddress(8, DType.UINT8, new long[] {2, 3}, 2, -1, "x"));
    refused("device", () -> TensorView.ofAddress(8, DType.UINT8, new long[] {1}, 1, -2, "x"));
    try (FloatPointer pointer = new FloatPointer(4)) {
      refused("pointer", () -> TensorView.of(pointer, DType.FLOAT32, 5));
      refused("pointer", () -> TensorView.of(pointer.position(1), DType.FLOAT32, 4));
    }
  }

  @Test
  void aReadOnlyBufferCannotBeWrittenThroughItsView() {
    TensorView view =
        TensorView.of(direct(16).asReadOnlyBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer());
    assertTrue(view.isReadOnly());
    assertTrue(view.rows(0, 1).isReadOnly());
    assertThrows(IllegalStateException.class, () -> view.setFloat(0, 1));
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}
