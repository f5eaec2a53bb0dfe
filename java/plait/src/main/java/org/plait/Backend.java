package org.plait;

import org.jspecify.annotations.Nullable;
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
 */
public final class Backend {
  private static final int CPU_DEVICE = -1;
  private static final Backend CPU = new Backend(CPU_DEVICE);

  private final int device;
  private final @Nullable String unavailableReason;

  private Backend(int device) {
    this.device = device;
    this.unavailableReason = reason(device);
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
   * Returns the backend of a CUDA device.
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
    return Natives.plait_backend_available(device) == 0 ? null : Natives.plait_last_error();
  }
}
