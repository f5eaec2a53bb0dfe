package org.plait.cuda;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.plait.PlaitException;

/**
 * A mark in a stream, for measuring how long what lies between two of them takes. Thread-safe, but
 * for closing what another thread is about to use.
 */
public final class CudaEvent implements AutoCloseable {
  private final int device;
  private final CUevent_st event;
  private boolean closed;

  private CudaEvent(int device, CUevent_st event) {
    this.device = device;
    this.event = event;
  }

  /**
   * Makes an event.
   *
   * @param device the ordinal of a device
   * @return a new event
   * @throws IllegalArgumentException if there is no such device
   * @throws PlaitException if CUDA is not available
   */
  public static CudaEvent create(int device) {
    CudaRuntime.requireDevice(device);
    CUevent_st event = new CUevent_st();
    CudaRuntime.on(
        device, () -> CudaRuntime.check(cudart.cudaEventCreate(event), "cudaEventCreate"));
    return new CudaEvent(device, event);
  }

  /**
   * Marks the present end of a stream, instead of what was marked before.
   *
   * @param stream of the same device
   * @throws IllegalArgumentException if the stream is of another device
   * @throws IllegalStateException if the event or the stream was closed
   */
  public void record(CudaStream stream) {
    if (stream == null || stream.device() != device) {
      throw new IllegalArgumentException(
          "stream: expected one of cuda:%d, got %s".formatted(device, stream));
    }
    CUevent_st mark = pointer();
    CUstream_st queue = stream.pointer();
    CudaRuntime.on(
        device, () -> CudaRuntime.check(cudart.cudaEventRecord(mark, queue), "cudaEventRecord"));
  }

  /**
   * Waits until the stream has come to the mark.
   *
   * @throws PlaitException if something before it failed
   * @throws IllegalStateException if the event was closed
   */
  public void synchronize() {
    CudaRuntime.check(cudart.cudaEventSynchronize(pointer()), "cudaEventSynchronize");
  }

  /**
   * Waits for this mark, and returns the time since an earlier one.
   *
   * @param start an event of the same device that was recorded before
   * @return milliseconds, with a resolution of about half a microsecond
   * @throws PlaitException if one of the two was never recorded
   * @throws IllegalStateException if an event was closed
   */
  public float millisSince(CudaEvent start) {
    if (start == null || start.device != device) {
      throw new IllegalArgumentException(
          "start: expected one of cuda:%d, got %s".formatted(device, start));
    }
    synchronize();
    float[] millis = new float[1];
    CudaRuntime.check(
        cudart.cudaEventElapsedTime(millis, start.pointer(), pointer()), "cudaEventElapsedTime");
    return millis[0];
  }

  /** Releases the event; again, does nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      CudaRuntime.on(
          device, () -> CudaRuntime.check(cudart.cudaEventDestroy(event), "cudaEventDestroy"));
    }
  }

  /** The device. */
  @Override
  public String toString() {
    return "CudaEvent[of cuda:" + device + "]";
  }

  private synchronized CUevent_st pointer() {
    if (closed) {
      throw new IllegalStateException("the event has been closed");
    }
    return event;
  }
}
