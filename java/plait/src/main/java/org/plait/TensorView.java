package org.plait;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.plait.internal.NativeLibrary;

/**
 * A typed view of native memory that somebody else owns: address, {@link DType}, shape of one or
 * two dimensions, and the distance between rows.
 *
 * <p>A view copies nothing. It keeps its {@link #owner()} reachable, so memory that is freed by the
 * garbage collector lives at least as long as the view. Memory that is freed by hand does not: when
 * the owner is a JavaCPP {@link Pointer} that has been closed, {@link #address()} and every kernel
 * that is given the view throw {@link IllegalStateException}; other owners cannot be asked, and
 * must not be freed while a view is in use. A call asks before it starts: an owner must not be
 * closed while one runs.
 *
 * <p>Vectors, and the elements of a row, are contiguous. Rows may be further apart than they are
 * long.
 *
 * <p>Immutable and thread-safe; the elements are as safe as memory shared between threads is.
 */
public final class TensorView {
  private static final int CPU = -1;

  private final long address;
  private final DType dtype;
  private final int rank;
  private final long rows;
  private final long columns;
  private final long rowStride;
  private final int device;
  private final boolean readOnly;
  private final Object owner;
  private final @Nullable Pointer closeable;

  private TensorView(
      long address,
      DType dtype,
      int rank,
      long rows,
      long columns,
      long rowStride,
      int device,
      boolean readOnly,
      Object owner,
      @Nullable Pointer closeable) {
    this.address = address;
    this.dtype = dtype;
    this.rank = rank;
    this.rows = rows;
    this.columns = columns;
    this.rowStride = rowStride;
    this.device = device;
    this.readOnly = readOnly;
    this.owner = owner;
    this.closeable = closeable;
  }

  /**
   * Views a buffer as FLOAT32 of shape [remaining].
   *
   * @param buffer direct, in native byte order
   * @return a view of the elements between position and limit
   * @throws IllegalArgumentException if the buffer is on the heap or in the other byte order
   */
  public static TensorView of(FloatBuffer buffer) {
    Shapes.checkBuffer(buffer, buffer.order());
    return of(buffer, DType.FLOAT32, buffer.remaining());
  }

  /**
   * Views a buffer as INT32 of shape [remaining].
   *
   * @param buffer direct, in native byte order
   * @return a view of the elements between position and limit
   * @throws IllegalArgumentException if the buffer is on the heap or in the other byte order
   */
  public static TensorView of(IntBuffer buffer) {
    Shapes.checkBuffer(buffer, buffer.order());
    return of(buffer, DType.INT32, buffer.remaining());
  }

  /**
   * Views a buffer as INT64 of shape [remaining].
   *
   * @param buffer direct, in native byte order
   * @return a view of the elements between position and limit
   * @throws IllegalArgumentException if the buffer is on the heap or in the other byte order
   */
  public static TensorView of(LongBuffer buffer) {
    Shapes.checkBuffer(buffer, buffer.order());
    return of(buffer, DType.INT64, buffer.remaining());
  }

  /**
   * Views the bytes of a buffer, from its position on.
   *
   * @param buffer direct; in native byte order unless elements are bytes, because kernels read the
   *     elements in that order whatever the buffer says
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view of the first elements that remain
   * @throws IllegalArgumentException if the buffer is on the heap, in the other byte order, not
   *     aligned to an element, or holds too few bytes
   */
  public static TensorView of(ByteBuffer buffer, DType dtype, long... shape) {
    Shapes.checkBuffer(buffer, dtype.bytes() == 1 ? ByteOrder.nativeOrder() : buffer.order());
    Shapes.checkCapacity("buffer", buffer.remaining(), dtype, shape);
    return view(NativeLibrary.address(buffer, 1), dtype, shape, CPU, buffer.isReadOnly(), buffer);
  }

  /**
   * Views the memory of a JavaCPP pointer, from its position on.
   *
   * @param pointer neither null nor closed, with a limit that covers the view (a pointer that
   *     native code returned may not know its size: set it with {@link Pointer#capacity(long)})
   * @param dtype type of an element; the pointer's own type does not matter
   * @param shape one or two sizes
   * @return a dense view
   * @throws IllegalArgumentException if the pointer is null, not aligned to an element, or too
   *     short
   */
  public static TensorView of(Pointer pointer, DType dtype, long... shape) {
    if (Pointer.isNull(pointer)) {
      throw new IllegalArgumentException("pointer: expected an open pointer, got a null one");
    }
    long left = (pointer.limit() - pointer.position()) * pointer.sizeof();
    Shapes.checkCapacity("pointer", left, dtype, shape);
    long address = pointer.address() + pointer.position() * pointer.sizeof();
    return view(address, dtype, shape, CPU, false, pointer);
  }

  /**
   * Views memory at an address. The caller vouches for its size.
   *
   * @param address of the first element; 0 only if there are no elements
   * @param dtype type of an element
   * @param shape one or two sizes
   * @param rowStride elements from one row to the next, at least the second size; ignored for one
   *     dimension
   * @param device -1 for the CPU, or the ordinal of a CUDA device
   * @param owner what keeps the memory alive; a {@link Pointer} is asked whether it is still open
   * @return a view
   * @throws IllegalArgumentException if an argument does not fit the others
   */
  public static TensorView ofAddress(
      long address, DType dtype, long[] shape, long rowStride, int device, Object owner) {
    if (device < CPU) {
      throw new IllegalArgumentException("device: expected -1 or an ordinal, got " + device);
    }
    TensorView dense = view(address, dtype, shape, device, false, owner);
    if (dense.rank == 1 || rowStride == dense.columns) {
      return dense;
    }
    if (rowStride < dense.columns) {
      throw new IllegalArgumentException(
          "rowStride: expected at least the " + dense.columns + " columns, got " + rowStride);
    }
    Shapes.denseBytes(dtype, dense.rows, rowStride);
    return new TensorView(
        dense.address,
        dtype,
        2,
        dense.rows,
        dense.columns,
        rowStride,
        device,
        false,
        owner,
        dense.closeable);
  }

  /**
   * Allocates zeroed CPU memory and views it; for outputs that are reused, and for small data.
   *
   * <p>The memory is freed when neither the view nor anything made from it is reachable, or when
   * its {@link #owner()}, a {@link Pointer}, is closed. An enclosing {@code PointerScope} does not
   * free it.
   *
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view of new memory
   * @throws PlaitException if the native library cannot be loaded
   */
  public static TensorView allocate(DType dtype, long... shape) {
    long bytes = Shapes.denseBytes(dtype, shape);
    NativeLibrary.require();
    BytePointer memory = new BytePointer(Math.max(bytes, 8)).retainReference();
    Pointer.memset(memory, 0, memory.capacity());
    return view(memory.address(), dtype, shape, CPU, false, memory);
  }

  /**
   * Allocates a FLOAT32 vector and copies values into it.
   *
   * @param values the elements
   * @return a view of new memory, as from {@link #allocate}
   */
  public static TensorView copyOf(float... values) {
    TensorView view = allocate(DType.FLOAT32, values.length);
    view.copyFrom(values);
    return view;
  }

  /**
   * Allocates an INT64 vector and copies values into it.
   *
   * @param values the elements
   * @return a view of new memory, as from {@link #allocate}
   */
  public static TensorView copyOf(long... values) {
    TensorView view = allocate(DType.INT64, values.length);
    view.copyFrom(values);
    return view;
  }

  /**
   * Allocates a UINT8 vector and copies the codes of roles into it.
   *
   * @param roles the elements
   * @return a view of new memory, as from {@link #allocate}
   */
  public static TensorView copyOf(Role... roles) {
    TensorView view = allocate(DType.UINT8, roles.length);
    for (int i = 0; i < roles.length; i++) {
      view.setLong(i, roles[i].code());
    }
    return view;
  }

  /**
   * Returns the address of the first element.
   *
   * @return the address; that of an empty view is valid but has no elements
   * @throws IllegalStateException if the owner is a {@link Pointer} that has been closed
   */
  public long address() {
    return address("view");
  }

  /** The address for a call that takes this view as an argument of that name. */
  long address(String argument) {
    Pointer p = closeable;
    if (p != null && p.isNull()) {
      throw new IllegalStateException(
          argument + ": expected open memory, got " + this + ", whose owner has been closed");
    }
    return address;
  }

  /**
   * Returns the type of an element.
   *
   * @return the type
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * Returns the number of dimensions.
   *
   * @return 1 or 2
   */
  public int rank() {
    return rank;
  }

  /**
   * Returns the size of a dimension.
   *
   * @param dim 0, or 1 for a view of two dimensions
   * @return the number of rows (elements of a vector) or columns
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long size(int dim) {
    return Objects.checkIndex(dim, rank) == 0 ? rows : columns;
  }

  /**
   * Returns the distance between rows.
   *
   * @return elements from the start of one row to the start of the next; 1 for a vector
   */
  public long rowStride() {
    return rowStride;
  }

  /**
   * Returns where the memory is.
   *
   * @return -1 for the CPU, or the ordinal of a CUDA device
   */
  public int device() {
    return device;
  }

  /**
   * Returns the number of elements.
   *
   * @return the product of the sizes
   */
  public long elements() {
    return rows * columns;
  }

  /**
   * Says whether rows follow each other without gaps.
   *
   * @return true for vectors, and where the row stride equals the columns
   */
  public boolean isContiguous() {
    return rowStride == columns;
  }

  /**
   * Says whether the view was made from a read-only buffer; kernels refuse it as an output.
   *
   * @return true if nothing may write through this view
   */
  public boolean isReadOnly() {
    return readOnly;
  }

  /**
   * Returns the object that keeps the memory alive.
   *
   * @return the buffer, pointer or other object that the view was made from
   */
  public Object owner() {
    return owner;
  }

  /**
   * Views some of the rows, or some of the elements of a vector.
   *
   * @param from the first row
   * @param to the row after the last
   * @return a view of the same memory
   * @throws IndexOutOfBoundsException unless {@code 0 <= from <= to <= size(0)}
   * @throws IllegalStateException if the owner is a {@link Pointer} that has been closed
   */
  public TensorView rows(long from, long to) {
    Objects.checkFromToIndex(from, to, rows);
    long first = address();
    long start = from == to ? first : first + from * rowStride * dtype.bytes();
    return new TensorView(
        start, dtype, rank, to - from, columns, rowStride, device, readOnly, owner, closeable);
  }

  /** The same memory as elements of another type, for which it must be aligned and large enough. */
  TensorView asVector(DType type, long length) {
    return new TensorView(address, type, 1, length, 1, 1, device, readOnly, owner, closeable);
  }

  /**
   * Reads an element of a floating-point view; a JNI call, not for large data.
   *
   * @param index in row-major order, rows counted without the gaps between them
   * @return the element, which float32 represents exactly
   */
  public float getFloat(long index) {
    return new Elements(this).getFloat(index);
  }

  /**
   * Reads an element of an integer view; a JNI call, not for large data.
   *
   * @param index in row-major order, rows counted without the gaps between them
   * @return the element
   */
  public long getLong(long index) {
    return new Elements(this).getLong(index);
  }

  /**
   * Writes an element of a floating-point view, rounded to nearest even; not for large data.
   *
   * @param index in row-major order, rows counted without the gaps between them
   * @param value the new value
   */
  public void setFloat(long index, float value) {
    new Elements(this).setFloat(index, value);
  }

  /**
   * Writes an element of an integer view; not for large data.
   *
   * @param index in row-major order, rows counted without the gaps between them
   * @param value the new value, in the range of the type
   */
  public void setLong(long index, long value) {
    new Elements(this).setLong(index, value);
  }

  /**
   * Copies a floating-point view into an array.
   *
   * @return the elements in row-major order
   */
  public float[] toFloats() {
    Elements from = new Elements(this);
    float[] values = new float[Math.toIntExact(elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = from.getFloat(i);
    }
    return values;
  }

  /**
   * Copies an integer view into an array.
   *
   * @return the elements in row-major order
   */
  public long[] toLongs() {
    Elements from = new Elements(this);
    long[] values = new long[Math.toIntExact(elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = from.getLong(i);
    }
    return values;
  }

  /**
   * Overwrites a floating-point view.
   *
   * @param values as many as there are elements, in row-major order
   */
  public void copyFrom(float... values) {
    Checks.count("values", elements(), values.length);
    Elements to = new Elements(this);
    for (int i = 0; i < values.length; i++) {
      to.setFloat(i, values[i]);
    }
  }

  /**
   * Overwrites an integer view.
   *
   * @param values as many as there are elements, in row-major order
   */
  public void copyFrom(long... values) {
    Checks.count("values", elements(), values.length);
    Elements to = new Elements(this);
    for (int i = 0; i < values.length; i++) {
      to.setLong(i, values[i]);
    }
  }

  /** Type and shape, as error messages give them: {@code BFLOAT16 [4, 151936]}. */
  @Override
  public String toString() {
    String shape = rank == 1 ? Shapes.describe(dtype, rows) : Shapes.describe(dtype, rows, columns);
    return device == CPU ? shape : shape + " on cuda:" + device;
  }

  private static TensorView of(Buffer buffer, DType dtype, long elements) {
    long address = NativeLibrary.address(buffer, dtype.bytes());
    return view(address, dtype, new long[] {elements}, CPU, buffer.isReadOnly(), buffer);
  }

  private static TensorView view(
      long address, DType dtype, long[] shape, int device, boolean readOnly, Object owner) {
    Objects.requireNonNull(owner, "owner");
    long bytes = Shapes.denseBytes(dtype, shape);
    if (bytes == 0) {
      // An absent array is a null address in C; one without elements must not look like it.
      address = NoElements.ADDRESS;
    } else if (address == 0) {
      throw new IllegalArgumentException(
          "address: expected the address of " + bytes + " bytes, got 0");
    }
    if (address % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          "address: expected a multiple of %d for %s, got 0x%x"
              .formatted(dtype.bytes(), dtype, address));
    }
    Pointer closeable = owner instanceof Pointer p ? p : null;
    if (closeable != null && closeable.isNull()) {
      if (bytes > 0) {
        throw new IllegalArgumentException("owner: expected an open pointer, got a null one");
      }
      closeable = null;
    }
    long columns = shape.length == 1 ? 1 : shape[1];
    return new TensorView(
        address,
        dtype,
        shape.length,
        shape[0],
        columns,
        columns,
        device,
        readOnly,
        owner,
        closeable);
  }

  /** Where views without elements point. */
  private static final class NoElements {
    private static final ByteBuffer MEMORY = ByteBuffer.allocateDirect(64);
    private static final long ADDRESS = NativeLibrary.address(MEMORY, 1);
  }
}
