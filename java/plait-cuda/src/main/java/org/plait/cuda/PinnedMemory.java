package org.plait.cuda;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.plait.DType;
import org.plait.PlaitException;
import org.plait.TensorView;

/**
 * Page-locked memory of the host, which all devices can read and write themselves. Copies from and
 * to it run beside the host, where copies of other host memory make it wait; and a kernel can write
 * its metrics here, to be read without a copy. It is freed by {@link #close()} alone, not by the
 * garbage collector; views of it then throw {@link IllegalStateException}. What it holds at first
 * is not defined. Thread-safe, but for closing what another thread is about to use.
 */
public final class PinnedMemory implements AutoCloseable {
  private static final int HOST = -1;

  private final long bytes;
  private final Block block;

  private PinnedMemory(long bytes, Pointer memory) {
    this.bytes = bytes;
    this.block =
        new Block(
            memory, pointer -> CudaRuntime.check(cudart.cudaFreeHost(pointer), "cudaFreeHost"));
  }

  /**
   * Allocates memory.
   *
   * @param bytes how much, at least 0
   * @return new memory, aligned to a page
   * @throws IllegalArgumentException if the size is negative
   * @throws PlaitException if CUDA is not available, or {@link PlaitException.Code#OUT_OF_MEMORY}
   *     if the system does not give that much
   */
  public static PinnedMemory allocate(long bytes) {
    Block.checkSize(bytes);
    CudaRuntime.require();
    Pointer memory = new Pointer();
    int flags = cudart.cudaHostAllocPortable | cudart.cudaHostAllocMapped;
    Block.checkAllocated(
        cudart.cudaHostAlloc(memory, Math.max(bytes, 1), flags),
        "cudaHostAlloc",
        bytes,
        "of page-locked host memory");
    return new PinnedMemory(bytes, memory);
  }

  /**
   * Views the memory from its start, for the host.
   *
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view on the CPU
   * @throws IllegalArgumentException if it does not fit
   * @throws IllegalStateException if the memory has been freed
   */
  public TensorView view(DType dtype, long... shape) {
    return block.view(bytes, 0, dtype, shape, HOST);
  }

  /**
   * Views the memory from its start, for kernels on a device.
   *
   * @param device the ordinal of the device
   * @param dtype type of an element
   * @param shape one or two sizes
   * @return a dense view that is said to be on the device
   * @throws IllegalArgumentException if it does not fit, or there is no such device
   * @throws IllegalStateException if the memory has been freed
   */
  public TensorView viewFor(int device, DType dtype, long... shape) {
    CudaRuntime.requireDevice(device);
    return block.view(bytes, 0, dtype, shape, device);
  }

  /**
   * Returns the address of the first byte.
   *
   * @return an address that host and devices share
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

  /** Frees the memory once the devices have done what was enqueued; again, does nothing. */
  @Override
  public void close() {
    block.close();
  }

  /** The size. */
  @Override
  public String toString() {
    return "PinnedMemory[" + bytes + " bytes]";
  }
}
