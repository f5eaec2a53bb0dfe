package org.plait.lab.verify;

import org.plait.Backend;
import org.plait.TensorView;

/**
 * Where the arrays of a kernel's call are. Suites write and read their arrays on the host; a {@link
 * Stage} brings those of one call to where the kernel runs, and what it wrote back.
 */
interface Memory {

  /**
   * Set to 1 for a CUDA plugin that runs on the CPU and takes any memory of the host for a
   * device's: it reads the variable too.
   */
  String ANY_POINTER = "PLAIT_SIMT_ANY_POINTER";

  /** The stream that calls must be enqueued on; 0 for the default one or none. */
  long stream();

  /** Starts with no arrays. */
  Stage stage();

  /** The arrays of one call. Closing it frees what it took. */
  interface Stage extends AutoCloseable {

    /**
     * The same array where the kernel runs, holding what it holds on the host; parts of an array
     * that was asked for before are parts of it there too.
     */
    TensorView at(TensorView view);

    /** Waits for the call, and brings every array back. */
    void finish();

    @Override
    void close();
  }

  /**
   * The memory for a backend.
   *
   * @throws IllegalArgumentException if there is none, with the reason
   */
  static Memory of(Backend backend) {
    int device = backend.device();
    if (device < 0 || "1".equals(System.getenv(ANY_POINTER))) {
      return new HostMemory(device);
    }
    try {
      return CudaMemory.of(device);
    } catch (LinkageError e) {
      throw new IllegalArgumentException(
          "memory of "
              + backend
              + " cannot be had: put the jars plait-cuda-java and org.bytedeco:cuda on the class"
              + " path ("
              + e
              + ")",
          e);
    }
  }
}
