package org.plait;

import java.nio.Buffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/** Sizes of dense arrays, and whether memory can hold them. */
final class Shapes {
  private Shapes() {}

  /** Bytes of a dense array. */
  static long denseBytes(DType dtype, long... shape) {
    Objects.requireNonNull(dtype, "dtype");
    if (shape.length < 1 || shape.length > 2) {
      throw new IllegalArgumentException(
          "shape: expected one or two dimensions, got " + shape.length);
    }
    long bytes = dtype.bytes();
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException(
            "shape: expected sizes of at least 0, got " + describe(dtype, shape));
      }
      try {
        bytes = Math.multiplyExact(bytes, size);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "shape: expected fewer than 2^63 bytes, got " + describe(dtype, shape), e);
      }
    }
    return bytes;
  }

  static void checkBuffer(Buffer buffer, ByteOrder order) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException("buffer: expected a direct buffer, got one on the heap");
    }
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "buffer: expected the byte order %s, got %s; call order(ByteOrder.nativeOrder())"
              .formatted(ByteOrder.nativeOrder(), order));
    }
  }

  static void checkCapacity(String name, long available, DType dtype, long... shape) {
    long bytes = denseBytes(dtype, shape);
    if (available < bytes) {
      throw new IllegalArgumentException(
          "%s: expected at least %d bytes for %s, got %d"
              .formatted(name, bytes, describe(dtype, shape), available));
    }
  }

  /** {@code FLOAT32 [4, 8]}. */
  static String describe(DType dtype, long... shape) {
    return Arrays.stream(shape)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", dtype + " [", "]"));
  }
}
