package org.plait.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Stream;
import org.bytedeco.pytorch.cuda.CUDAStream;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.plait.PlaitException;

/**
 * A stream of PyTorch's, by the address that kernels are enqueued with. PyTorch says of a stream
 * that 0 is the identity of the default one, and no more: the address of another one is only to be
 * had from its CUDA classes, which need the presets for CUDA. Confined to one thread.
 */
final class TorchStream implements AutoCloseable {
  private final Stream stream;
  private final long handle;

  private TorchStream(Stream stream, long handle) {
    this.stream = stream;
    this.handle = handle;
  }

  /**
   * The stream that this thread's operations on a device go to.
   *
   * @throws PlaitException if PyTorch has no CUDA, or does not say where the stream is
   */
  static TorchStream current(int device) {
    Stream stream;
    try {
      stream = torch.getCurrentStream((byte) device);
    } catch (RuntimeException e) {
      throw unavailable("PyTorch has no stream of cuda:" + device + " here; " + needed(), e);
    }
    long handle = handle(stream, device);
    // Counted, so that an enclosing PointerScope does not free it.
    return new TorchStream(stream.<Stream>retainReference(), handle);
  }

  /** Throws unless PyTorch can put tensors on CUDA devices. */
  static void requireCuda() {
    if (!torch.cuda_is_available()) {
      throw unavailable("PyTorch finds no CUDA device here; " + needed(), null);
    }
  }

  /** Address of a {@code cudaStream_t}, 0 for the default stream. */
  long handle() {
    return handle;
  }

  /** Waits until everything that was enqueued has been done. */
  void synchronize() {
    stream.synchronize();
  }

  @Override
  public void close() {
    stream.close();
  }

  static long handle(Stream stream, int device) {
    if (stream.id() == 0) {
      return 0;
    }
    try (CUDAStream cuda = new CUDAStream(stream)) {
      // By reflection, because the type of the address is one of the presets for CUDA, which the
      // module of PyTorch does not read, so that the compiler does not find it.
      Pointer address = (Pointer) CUDAStream.class.getMethod("stream").invoke(cuda);
      return Pointer.isNull(address) ? 0 : address.address();
    } catch (LinkageError | ReflectiveOperationException e) {
      throw unavailable(
          "the current stream of cuda:"
              + device
              + " is not its default one, and PyTorch does not say where it is without the jar"
              + " org.bytedeco:cuda and its natives on the class path",
          e);
    }
  }

  private static String needed() {
    return "it needs org.bytedeco:pytorch with the classifier of this platform and -gpu";
  }

  private static PlaitException unavailable(String reason, @Nullable Throwable cause) {
    PlaitException e = new PlaitException(PlaitException.Code.UNAVAILABLE, reason);
    if (cause != null) {
      e.initCause(cause);
    }
    return e;
  }
}
