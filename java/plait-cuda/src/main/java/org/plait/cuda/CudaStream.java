package org.plait.cuda;

import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.plait.Backend;
import org.plait.PlaitException;
import org.plait.TensorView;

/**
 * A queue of work for a CUDA device: kernels, by {@link Backend#onStream}, and copies, one after
 * the other. Thread-safe, but for closing what another thread is about to use.
 */
public final class CudaStream implements AutoCloseable {
  private final int device;
  private final boolean owned;
  private final CUstream_st stream;
  private boolean closed;

  private CudaStream(int device, boolean owned, CUstream_st stream) {
    this.device = device;
    this.owned = owned;
    this.stream = stream;
  }

  /**
   * Makes a stream that does not wait for the device's default one.
   *
   * @param device the ordinal of a device
   * @return a new stream
   * @throws IllegalArgumentException if there is no such device
   * @throws PlaitException if CUDA is not available
   */
  public static CudaStream create(int device) {
    CudaRuntime.requireDevice(device);
    CUstream_st stream = new CUstream_st();
    CudaRuntime.on(
        device,
        () ->
            CudaRuntime.check(
                cudart.cudaStreamCreateWithFlags(stream, cudart.cudaStreamNonBlocking),
                "cudaStreamCreateWithFlags"));
    return new CudaStream(device, true, stream);
  }

  /**
   * Returns the default stream of a device: the one of a {@link Backend#cuda} without another.
   *
   * @param device the ordinal of a device
   * @return the stream whose handle is 0; closing it closes this object alone
   * @throws IllegalArgumentException if there is no such device
   * @throws PlaitException if CUDA is not available
   */
  public static CudaStream ofDefault(int device) {
    CudaRuntime.requireDevice(device);
    return new CudaStream(device, false, new CUstream_st());
  }

  /**
   * Returns what {@link Backend#onStream} takes.
   *
   * @return address of the {@code cudaStream_t}, 0 for the default stream
   * @throws IllegalStateException if the stream was closed
   */
  public long handle() {
    return pointer().isNull() ? 0 : stream.address();
  }

  /**
   * Returns whose work is queued.
   *
   * @return the ordinal of the device
   */
  public int device() {
    return device;
  }

  /**
   * Enqueues a copy. If one side is host memory that is not page-locked, this may wait for it.
   * Until the stream has been synchronised neither side may be freed.
   *
   * @param from contiguous, on the host or a device
   * @param to contiguous and writable, on the host or a device, of the same type and as many
   *     elements
   * @throws IllegalArgumentException if a view does not fit
   * @throws IllegalStateException if the stream or the memory of a view was closed
   */
  public void copy(TensorView from, TensorView to) {
    contiguous("from", from);
    contiguous("to", to);
    if (to.isReadOnly()) {
      throw new IllegalArgumentException("to: expected a writable view, got a read-only buffer");
    }
    if (to.dtype() != from.dtype() || to.elements() != from.elements()) {
      throw new IllegalArgumentException(
          "to: expected %d elements of %s, got %s".formatted(from.elements(), from.dtype(), to));
    }
    CUstream_st queue = pointer();
    Pointer source = new Address(from.address());
    Pointer target = new Address(to.address());
    long bytes = bytes(from);
    if (bytes > 0) {
      CudaRuntime.on(
          device,
          () ->
              CudaRuntime.check(
                  cudart.cudaMemcpyAsync(target, source, bytes, cudart.cudaMemcpyDefault, queue),
                  "cudaMemcpyAsync"));
    }
  }

  /**
   * Enqueues the zeroing of memory.
   *
   * @param view contiguous, on this stream's device
   * @throws IllegalArgumentException if the view does not fit
   * @throws IllegalStateException if the stream or the memory of the view was closed
   */
  public void zero(TensorView view) {
    contiguous("view", view);
    if (view.device() != device) {
      throw new IllegalArgumentException(
          "view: expected one on cuda:%d, got %s".formatted(device, view));
    }
    CUstream_st queue = pointer();
    Pointer target = new Address(view.address());
    if (bytes(view) > 0) {
      CudaRuntime.on(
          device,
          () ->
              CudaRuntime.check(
                  cudart.cudaMemsetAsync(target, 0, bytes(view), queue), "cudaMemsetAsync"));
    }
  }

  /**
   * Waits until everything that was enqueued has been done.
   *
   * @throws PlaitException if something of it failed
   * @throws IllegalStateException if the stream was closed
   */
  public void synchronize() {
    CUstream_st queue = pointer();
    CudaRuntime.on(
        device,
        () -> CudaRuntime.check(cudart.cudaStreamSynchronize(queue), "cudaStreamSynchronize"));
  }

  /** Releases the stream, which first does what was enqueued; again, does nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      if (owned) {
        CudaRuntime.on(
            device, () -> CudaRuntime.check(cudart.cudaStreamDestroy(stream), "cudaStreamDestroy"));
      }
    }
  }

  /** Device and handle. */
  @Override
  public String toString() {
    return "CudaStream[0x" + Long.toHexString(stream.address()) + " of cuda:" + device + "]";
  }

  synchronized CUstream_st pointer() {
    if (closed) {
      throw new IllegalStateException("the stream has been closed");
    }
    return stream;
  }

  private static long bytes(TensorView view) {
    return view.elements() * view.dtype().bytes();
  }

  private static void contiguous(String name, TensorView view) {
    if (view == null || !view.isContiguous()) {
      throw new IllegalArgumentException(
          "%s: expected a contiguous view, got %s".formatted(name, view));
    }
  }

  /** A pointer to memory that it does not own. */
  private static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }
}
