package org.plait.cuda;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.plait.DType;
import org.plait.PlaitException;
import org.plait.TensorView;

/**
 * Memory of a CUDA device. It is freed by {@link #close()} alone, not by the garbage collector;
 * views of it then throw {@link IllegalStateException}. What it holds at first is not defined; see
 * {@link CudaStream#zero}. Thread-safe, but for closing what another thread is about to use.
 */
public final class DeviceMemory implements AutoCloseable {
  private final int device;
  private final long bytes;
  private final Block block;

  private DeviceMemory(int device, long bytes, Pointer memory) {
    this.device = device;
    this.bytes = bytes;
    this.block =
        new Block(
            memory,
            pointer ->
                CudaRuntime.on(
                    device, () -> CudaRuntime.check(cudart.cudaFree(pointer), "cudaFree")));
  }

  /**
   * Allocates memory; this waits for the device.
   *
   * @param device the ordinal of a device
   * @param bytes how much, at least 0
   * @return new memory, aligned to 256 bytes
   * @throws IllegalArgumentException if there is no such device, or the size is negative
   * @throws PlaitException if CUDA is not available, or {@link PlaitException.Code#OUT_OF_MEMORY}
   *     if the device has too little memory left
   */
  public static DeviceMemory allocate(int device, long bytes) {
    Block.checkSize(bytes);
    CudaRuntime.requireDevice(device);
    Pointer memory = new Pointer();
    CudaRuntime.on(
        device,
        () ->
            Block.checkAllocated(
                cudart.cudaMalloc(memory, Math.max(bytes, 1)),
                "cudaMalloc",
                bytes,
                "on cuda:" + device));
    return new DeviceMemory(device, bytes, memory);
  }

  /**
   * Views the memory from its start.
   *
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view on the device
   * @throws IllegalArgumentException if it does not fit
   * @throws IllegalStateException if the memory has been freed
   */
  public TensorView view(DType dtype, long... shape) {
    return viewAt(0, dtype, shape);
  }

  /**
   * Views the memory from some byte on.
   *
   * @param offset where the view starts, a multiple of the element's size
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view on the device
   * @throws IllegalArgumentException if it does not fit
   * @throws IllegalStateException if the memory has been freed
   */
  public TensorView viewAt(long offset, DType dtype, long... shape) {
    return block.view(bytes, offset, dtype, shape, device);
  }

  /**
   * Returns the address of the first byte.
   *
   * @return an address of the device
   * @throws IllegalStateException if the memory has been freed
   */
  public long address() {
    return block.address();
  }

  /**
   * Returns the size.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }

  /**
   * Returns where the memory is.
   *
   * @return the ordinal of the device
   */
  public int device() {
    return device;
  }

  /** Frees the memory once the device has done what was enqueued; again, does nothing. */
  @Override
  public void close() {
    block.close();
  }

  /** Size and device. */
  @Override
  public String toString() {
    return "DeviceMemory[" + bytes + " bytes on cuda:" + device + "]";
  }
}
