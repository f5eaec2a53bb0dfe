package org.plait;

import org.jspecify.annotations.Nullable;
import org.plait.internal.CudaPlugin;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * Where kernels run. Whether a backend can be used is asked, never found out by a crash: {@link
 * #isAvailable()} and {@link #unavailableReason()} answer, and a call on one that cannot be used
 * throws a {@link PlaitException} with that reason.
 *
 * <p>Immutable and thread-safe. Any number of threads may call the CPU backend at once; each call
 * runs on a team of OpenMP's threads, so {@code OMP_NUM_THREADS} and libtorch's {@code
 * set_num_threads} hold for it too. Results do not depend on the number of threads.
 *
 * <p>A CUDA device works asynchronously. A call checks its arguments, enqueues its kernels on the
 * backend's {@link #stream()} and returns; it waits for nothing, allocates nothing and copies
 * nothing.
 *
 * <ul>
 *   <li>Results, {@link Metrics} included, are there once the stream has been synchronised. Until
 *       then memory that the call was given must be neither freed nor closed, nor changed but by
 *       the same stream; after it returned, the call itself keeps nothing alive.
 *   <li>Views are of memory of that device, or of page-locked host memory that is labelled with it.
 *       What the call reads from Java objects, such as {@link Objective}, {@link Normalizers},
 *       shapes and addresses, it has read when it returns.
 *   <li>Values in arrays cannot be refused: wrong offsets, roles, temperatures, row indices and ids
 *       make the results that they concern meaningless, NaN where a kernel can tell, and never lead
 *       to an access out of bounds.
 *   <li>A kernel that cannot be launched throws {@link PlaitException} with CUDA's name of the
 *       error. After an error that CUDA keeps, such as an illegal address in anybody's kernel, all
 *       later calls on the device throw the same.
 * </ul>
 */
public final class Backend {
  private static final int CPU_DEVICE = -1;
  private static final Backend CPU = new Backend(CPU_DEVICE);

  private final int device;
  private final long stream;
  private final @Nullable String unavailableReason;

  private Backend(int device) {
    this(device, 0, reason(device));
  }

  private Backend(int device, long stream, @Nullable String unavailableReason) {
    this.device = device;
    this.stream = stream;
    this.unavailableReason = unavailableReason;
  }

  /**
   * Returns the CPU backend.
   *
   * @return the same object every time
   */
  public static Backend cpu() {
    return CPU;
  }

  /**
   * Returns the backend of a CUDA device, on its default stream.
   *
   * <p>The kernels are in a plugin, {@code libplait_cuda.so}. The first call of the process loads
   * it: from the path in the system property {@code org.plait.cuda.plugin} or else the environment
   * variable {@code PLAIT_CUDA_PLUGIN}; from the jar with the classifier {@code linux-x86_64-cuda}
   * on the class path; from beside {@code libplait.so}; or from where the system's loader looks.
   *
   * @param ordinal the device, counted from 0
   * @return a backend, which may not be available
   * @throws IllegalArgumentException if the ordinal is negative
   */
  public static Backend cuda(int ordinal) {
    if (ordinal < 0) {
      throw new IllegalArgumentException("ordinal: expected at least 0, got " + ordinal);
    }
    return new Backend(ordinal);
  }

  /**
   * Returns this backend with another stream.
   *
   * @param cudaStream address of a {@code cudaStream_t} of the device, which the caller keeps alive
   *     while calls use it; 0 for the default stream, and always for the CPU
   * @return an immutable backend whose calls are enqueued on that stream
   * @throws IllegalArgumentException if this is the CPU and the stream is not 0
   */
  public Backend onStream(long cudaStream) {
    if (device == CPU_DEVICE && cudaStream != 0) {
      throw new IllegalArgumentException(
          "cudaStream: expected 0 for the CPU, got 0x" + Long.toHexString(cudaStream));
    }
    return cudaStream == stream ? this : new Backend(device, cudaStream, unavailableReason);
  }

  /**
   * Returns the stream that calls are enqueued on.
   *
   * @return address of a {@code cudaStream_t}, or 0 for the default stream or the CPU
   */
  public long stream() {
    return stream;
  }

  /**
   * Returns the fastest backend of this machine: the first CUDA device if there is one that can be
   * used, else the CPU.
   *
   * @return a backend; available unless the native library could not be loaded
   */
  public static Backend best() {
    Backend cuda = cuda(0);
    return cuda.isAvailable() ? cuda : CPU;
  }

  /**
   * Says whether kernels run on this backend.
   *
   * @return true if calls will be carried out
   */
  public boolean isAvailable() {
    return unavailableReason == null;
  }

  /**
   * Says why kernels do not run on this backend.
   *
   * @return the reason, or null if they do
   */
  public @Nullable String unavailableReason() {
    return unavailableReason;
  }

  /**
   * Returns the device that views must be on.
   *
   * @return -1 for the CPU, or the ordinal of a CUDA device
   */
  public int device() {
    return device;
  }

  /**
   * Returns the SIMD target that the CPU kernels were dispatched to.
   *
   * @return {@code AVX-512}, {@code AVX2}, {@code NEON}, ...
   * @throws PlaitException if the native library cannot be loaded
   */
  public String target() {
    NativeLibrary.require();
    return Natives.plait_cpu_target();
  }

  /**
   * Dispatches the CPU kernels of the whole process to another SIMD target; for comparing targets,
   * whose results differ within rounding only.
   *
   * @param target one that {@link #target()} could have returned, or null for the best one
   * @throws IllegalArgumentException if this machine does not have the target
   * @throws PlaitException if the native library cannot be loaded
   */
  public static void selectTarget(@Nullable String target) {
    NativeLibrary.require();
    NativeLibrary.check(Natives.plait_cpu_select_target(target));
  }

  /**
   * Returns how many threads the next call from this thread would use on the CPU.
   *
   * @return the number of OpenMP threads
   * @throws PlaitException if the native library cannot be loaded
   */
  public int threads() {
    NativeLibrary.require();
    return Natives.plait_cpu_threads();
  }

  /**
   * Returns the version of the native library.
   *
   * @return a semantic version, such as {@code 0.1.0}
   * @throws PlaitException if the native library cannot be loaded
   */
  public static String nativeVersion() {
    NativeLibrary.require();
    return Natives.plait_version();
  }

  /** {@code cpu}, or {@code cuda:} and the ordinal. */
  @Override
  public String toString() {
    return deviceName(device);
  }

  static String deviceName(int device) {
    return device == CPU_DEVICE ? "cpu" : "cuda:" + device;
  }

  /**
   * The device to call, if it can be called and has the results when the call returns: what a
   * method needs that returns one.
   */
  static int requireImmediate(Backend backend, String result, DType dtype) {
    int device = require(backend);
    if (device != CPU_DEVICE) {
      throw new IllegalArgumentException(
          "%s: expected %s on %s to write to, got none, and a call there returns before it has run"
              .formatted(result, Shapes.describe(dtype, 1), backend));
    }
    return device;
  }

  /** The device to call, if it can be called. */
  static int require(Backend backend) {
    Checks.present("backend", backend);
    if (backend.unavailableReason != null) {
      throw new PlaitException(PlaitException.Code.UNAVAILABLE, backend.unavailableReason);
    }
    return backend.device;
  }

  private static @Nullable String reason(int device) {
    String failure = NativeLibrary.failure();
    if (failure != null) {
      return failure;
    }
    if (device != CPU_DEVICE) {
      return CudaPlugin.unavailableReason(device);
    }
    return Natives.plait_backend_available(device) == 0 ? null : Natives.plait_last_error();
  }
}
