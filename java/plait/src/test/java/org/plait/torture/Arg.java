package org.plait.torture;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.plait.DType;
import org.plait.TensorView;
import org.plait.torture.Arena.Range;

/** An array of a call: what it is, what it holds, where it lies, and what is wrong with it. */
final class Arg {
  /** What a call does with an array. */
  enum Use {
    INPUT,
    OUTPUT,
    /** Workspace: written, but no result. */
    SCRATCH
  }

  /** What a view is made from. */
  private enum Source {
    BUFFER,
    TYPED_BUFFER,
    POINTER,
    LEASE,
    ADDRESS
  }

  /** What is wrong with an array, besides a wrong type or shape. */
  enum Defect {
    NONE,
    ABSENT,
    MISALIGNED,
    SHORT,
    BAD_STRIDE,
    GAPS,
    ON_HEAP,
    BYTE_ORDER,
    READ_ONLY,
    ON_DEVICE,
    CLOSED,
    CLOSED_ROWS
  }

  static final int VECTOR = -1;

  final String name;
  final String nativeName;
  final Use use;
  final boolean required;
  DType dtype;
  int rows;
  int columns;
  double @Nullable [] values;
  Defect defect = Defect.NONE;

  /** Rows of an output that are written; all if null. */
  int @Nullable [] writtenRows;

  /** Whether rows may lie apart. */
  boolean strided;

  /** Bytes that the address is a multiple of, whatever the type. */
  int alignment = 1;

  /** The array that this one lies over. */
  @Nullable Arg over;

  int overBytes;

  private Source source = Source.BUFFER;
  private int stride;
  private int at;
  private @Nullable Lease lease;

  Arg(String name, String nativeName, Use use, boolean required, DType dtype, int rows, int cols) {
    this.name = name;
    this.nativeName = nativeName;
    this.use = use;
    this.required = required;
    this.dtype = dtype;
    this.rows = rows;
    this.columns = cols;
  }

  boolean isVector() {
    return columns == VECTOR;
  }

  int width() {
    return isVector() ? 1 : columns;
  }

  int count() {
    return rows * width();
  }

  int begin() {
    return at;
  }

  /** The byte after the last, gaps between rows included. */
  int end() {
    return at + extent();
  }

  int extent() {
    return count() == 0 ? 0 : ((rows - 1) * stride + width()) * dtype.bytes();
  }

  /** The owner of the memory that the view was made from, if it can be closed; asked for once. */
  @Nullable Lease takeLease() {
    Lease taken = lease;
    lease = null;
    return taken;
  }

  /** Draws how the array lies in memory, and takes the memory. */
  void place(Arena arena, SplittableRandom random) {
    int gap = defect == Defect.GAPS ? 3 : strided && random.nextInt(3) == 0 ? random.nextInt(9) : 0;
    int shift = random.nextInt(2) == 0 ? 0 : random.nextInt(9);
    source = Source.values()[random.nextInt(Source.values().length)];
    stride = width() + gap;
    Arg below = over;
    if (below != null) {
      boolean inPlace = overBytes == 0 && columns == below.columns && dtype == below.dtype;
      stride = inPlace ? below.stride : width();
      at = below.at + overBytes;
      return;
    }
    at = arena.take(extent() + Long.BYTES, shift * Math.max(alignment, dtype.bytes()));
    write(arena.memory());
  }

  private void write(ByteBuffer to) {
    double[] from = values;
    if (from == null) {
      return;
    }
    int width = width();
    for (int i = 0; i < Math.min(from.length, count()); i++) {
      int element = isVector() ? i : i / width * stride + i % width;
      Numbers.put(to, at + element * dtype.bytes(), dtype, from[i]);
    }
  }

  /** The bytes that a call that succeeds may write. */
  void addRanges(List<Range> ranges) {
    if (use == Use.INPUT || defect == Defect.ABSENT) {
      return;
    }
    int[] written = writtenRows;
    for (int i = 0; i < (written == null ? isVector() ? 1 : rows : written.length); i++) {
      int row = written == null ? i : written[i];
      int from = at + row * stride * dtype.bytes();
      ranges.add(new Range(from, from + (isVector() ? count() : width()) * dtype.bytes()));
    }
  }

  /** Folds the elements into a hash; NaNs, whose bits are nobody's business, are alike. */
  long digest(Arena arena, long hash) {
    if (use != Use.OUTPUT || defect == Defect.ABSENT) {
      return hash;
    }
    long result = Numbers.mix(hash + name.hashCode());
    if (name.equals("metrics")) {
      for (int i = 0; i < rows; i += Double.BYTES) {
        double value = arena.memory().getDouble(at + i);
        result = Numbers.mix(result ^ Double.doubleToLongBits(value));
      }
      return result;
    }
    int[] written = writtenRows;
    int rowCount = written == null ? rows : written.length;
    for (int i = 0; i < rowCount; i++) {
      int row = written == null ? i : written[i];
      for (int j = 0; j < width(); j++) {
        int element = isVector() ? row : row * stride + j;
        int from = at + element * dtype.bytes();
        result = Numbers.mix(result ^ Numbers.bits(arena.memory(), from, dtype));
      }
    }
    return result;
  }

  @Nullable TensorView view(Arena arena) {
    lease = null;
    long[] shape = isVector() ? new long[] {rows} : new long[] {rows, columns};
    long address = arena.address(at);
    int bytes = extent();
    switch (defect) {
      case ABSENT -> {
        return null;
      }
      case MISALIGNED -> {
        int off = alignment > dtype.bytes() ? 4 : 1;
        return TensorView.ofAddress(address + off, dtype, shape, stride, -1, arena);
      }
      case SHORT -> {
        return source == Source.BUFFER
            ? TensorView.of(arena.slice(at, bytes - 1), dtype, shape)
            : TensorView.of(arena.pointer(at, bytes - 1), dtype, shape);
      }
      case BAD_STRIDE -> {
        return TensorView.ofAddress(address, dtype, shape, columns - 1L, -1, arena);
      }
      case ON_HEAP -> {
        return TensorView.of(FloatBuffer.allocate(count()));
      }
      case BYTE_ORDER -> {
        boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        ByteOrder other = little ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        return TensorView.of(arena.slice(at, bytes).order(other), dtype, shape);
      }
      case READ_ONLY -> {
        ByteBuffer readOnly = arena.slice(at, bytes).asReadOnlyBuffer();
        return TensorView.of(readOnly.order(ByteOrder.nativeOrder()), dtype, shape);
      }
      case ON_DEVICE -> {
        return TensorView.ofAddress(address, dtype, shape, stride, 0, arena);
      }
      case CLOSED, CLOSED_ROWS -> {
        Lease owner = leased(address, bytes);
        TensorView view = TensorView.ofAddress(address, dtype, shape, stride, -1, owner);
        owner.close();
        return defect == Defect.CLOSED ? view : view.rows(0, rows);
      }
      case NONE, GAPS -> {
        return sound(arena, address, bytes, shape);
      }
    }
    throw new IllegalStateException("no such defect: " + defect);
  }

  private TensorView sound(Arena arena, long address, int bytes, long[] shape) {
    boolean dense = stride == width();
    if (source == Source.LEASE) {
      return TensorView.ofAddress(
          address, dtype, shape, stride, -1, leased(address, Math.max(bytes, 1)));
    }
    if (source == Source.ADDRESS || !dense) {
      return TensorView.ofAddress(address, dtype, shape, stride, -1, arena);
    }
    if (source == Source.POINTER) {
      return TensorView.of(arena.pointer(at, bytes), dtype, shape);
    }
    ByteBuffer buffer = arena.slice(at, bytes);
    if (source == Source.TYPED_BUFFER && isVector()) {
      switch (dtype) {
        case FLOAT32 -> {
          return TensorView.of(buffer.asFloatBuffer());
        }
        case INT32 -> {
          return TensorView.of(buffer.asIntBuffer());
        }
        case INT64 -> {
          return TensorView.of(buffer.asLongBuffer());
        }
        default -> {}
      }
    }
    return TensorView.of(buffer, dtype, shape);
  }

  private Lease leased(long address, int bytes) {
    Lease owner = new Lease(address, bytes);
    lease = owner;
    return owner;
  }

  @Override
  public String toString() {
    String shape = isVector() ? "[" + rows + "]" : "[" + rows + ", " + columns + "]";
    String where = over == null ? "" : " over " + over.name + (overBytes == 0 ? "" : "+");
    return name + "=" + dtype + shape + (defect == Defect.NONE ? "" : " " + defect) + where;
  }
}
