package org.plait;

import org.jspecify.annotations.Nullable;

/**
 * The checks that only this side can make: types, shapes and devices, which C is not told. Values
 * and overlaps are checked in C, next to what they would break.
 */
final class Checks {
  private Checks() {}

  /** A FLOAT32 vector, say, of a known length, where it is needed. */
  static void vector(String name, TensorView view, DType dtype, long length, int device) {
    if (view == null || view.dtype() != dtype || view.rank() != 1 || view.size(0) != length) {
      throw unexpected(name, Shapes.describe(dtype, length), view);
    }
    device(name, view, device);
  }

  /** As {@link #vector}, unless it is absent. */
  static void optional(
      String name, @Nullable TensorView view, DType dtype, long length, int device) {
    if (view != null) {
      vector(name, view, dtype, length, device);
    }
  }

  /** A vector that the call writes to. */
  static void output(String name, TensorView view, DType dtype, long length, int device) {
    vector(name, view, dtype, length, device);
    writable(name, view);
  }

  /** As {@link #output}, unless it is absent. */
  static void optionalOutput(
      String name, @Nullable TensorView view, DType dtype, long length, int device) {
    if (view != null) {
      output(name, view, dtype, length, device);
    }
  }

  /** A dense FLOAT32 matrix. */
  static void matrix(String name, TensorView view, long rows, long columns, int device) {
    if (view == null
        || view.dtype() != DType.FLOAT32
        || view.rank() != 2
        || view.size(0) != rows
        || view.size(1) != columns) {
      throw unexpected(name, Shapes.describe(DType.FLOAT32, rows, columns), view);
    }
    if (!view.isContiguous()) {
      throw new IllegalArgumentException(
          "%s: expected contiguous rows, got a row stride of %d for %s"
              .formatted(name, view.rowStride(), view));
    }
    device(name, view, device);
  }

  /** A matrix like another one in type and shape, which the call writes to. */
  static void outputLike(String name, TensorView view, TensorView like, int device) {
    if (view == null
        || view.dtype() != like.dtype()
        || view.rank() != 2
        || view.size(0) != like.size(0)
        || view.size(1) != like.size(1)) {
      throw unexpected(name, Shapes.describe(like.dtype(), like.size(0), like.size(1)), view);
    }
    device(name, view, device);
    writable(name, view);
  }

  /** Memory for a call to work in. */
  static void workspace(TensorView view, int device) {
    if (view == null || view.dtype() != DType.UINT8 || view.rank() != 1) {
      throw unexpected("workspace", "UINT8 [bytes]", view);
    }
    device("workspace", view, device);
    writable("workspace", view);
  }

  static void device(String name, TensorView view, int device) {
    if (view.device() != device) {
      throw new IllegalArgumentException(
          "%s: expected a view on %s, got %s on %s"
              .formatted(
                  name,
                  Backend.deviceName(device),
                  describe(view),
                  Backend.deviceName(view.device())));
    }
  }

  static void writable(String name, TensorView view) {
    if (view.isReadOnly()) {
      throw new IllegalArgumentException(
          name + ": expected a writable view, got a read-only buffer");
    }
  }

  static void present(String name, @Nullable Object value) {
    if (value == null) {
      throw new IllegalArgumentException(name + ": expected a value, got null");
    }
  }

  static void count(String name, long expected, long actual) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          "%s: expected %d, got %d".formatted(name, expected, actual));
    }
  }

  static int unsignedByte(long value) {
    if (value < 0 || value > 255) {
      throw new IllegalArgumentException("value: expected 0 to 255, got " + value);
    }
    return (int) value;
  }

  /** Refuses NaN along with everything else that {@code ok} is false for. */
  static void that(boolean ok, String name, String expected, float actual) {
    if (!ok) {
      throw new IllegalArgumentException(
          "%s: expected %s, got %s".formatted(name, expected, actual));
    }
  }

  static void finite(String name, float value) {
    that(Float.isFinite(value), name, "a finite number", value);
  }

  static void finiteAtLeastZero(String name, float value) {
    that(Float.isFinite(value) && value >= 0, name, "a finite number of at least 0", value);
  }

  static void finiteAboveZero(String name, float value) {
    that(Float.isFinite(value) && value > 0, name, "a finite number above 0", value);
  }

  static void notNaN(String name, float value) {
    that(!Float.isNaN(value), name, "a number", value);
  }

  static void fraction(String name, float value) {
    that(value >= 0 && value <= 1, name, "a number in [0, 1]", value);
  }

  static IllegalArgumentException unexpected(
      String name, String expected, @Nullable TensorView actual) {
    return new IllegalArgumentException(
        "%s: expected %s, got %s".formatted(name, expected, actual == null ? "null" : actual));
  }

  private static String describe(TensorView view) {
    return view.rank() == 1
        ? Shapes.describe(view.dtype(), view.size(0))
        : Shapes.describe(view.dtype(), view.size(0), view.size(1));
  }

  /** Address of an argument for C, where an absent one is 0. */
  static long address(String name, @Nullable TensorView view) {
    return view == null ? 0 : view.address(name);
  }
}
