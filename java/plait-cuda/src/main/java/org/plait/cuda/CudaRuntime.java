package org.plait.cuda;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.plait.PlaitException;

/**
 * Whether CUDA's runtime and driver can be used from Java, and if not, why. That is asked of the
 * presets once; a failure is kept as text, so that no call ends in a {@link LinkageError}. Whether
 * Plait's kernels run is another question, which {@link org.plait.Backend#isAvailable()} answers.
 * Thread-safe.
 */
public final class CudaRuntime {
  private static final String WHAT_IS_NEEDED =
      "; it needs an NVIDIA driver, CUDA 13's libcudart, and the jar org.bytedeco:cuda with the"
          + " classifier of this platform";

  private CudaRuntime() {}

  /**
   * Says whether there is a driver with at least one device.
   *
   * @return true if memory, streams and events can be made
   */
  public static boolean isAvailable() {
    return unavailableReason() == null;
  }

  /**
   * Says why memory, streams and events cannot be made.
   *
   * @return the reason, or null if they can
   */
  public static @Nullable String unavailableReason() {
    return Once.REASON;
  }

  /**
   * Returns the number of devices.
   *
   * @return how many there are; 0 if CUDA is not available
   */
  public static int deviceCount() {
    return Once.DEVICES;
  }

  /**
   * Returns the newest version of CUDA that the driver supports.
   *
   * @return such as {@code 13.0}
   * @throws PlaitException if CUDA is not available
   */
  public static String driverVersion() {
    require();
    int[] version = new int[1];
    check(cudart.cudaDriverGetVersion(version), "cudaDriverGetVersion");
    return version[0] / 1000 + "." + version[0] % 1000 / 10;
  }

  /** Throws why CUDA cannot be used, if it cannot. */
  static void require() {
    String reason = unavailableReason();
    if (reason != null) {
      throw new PlaitException(PlaitException.Code.UNAVAILABLE, reason);
    }
  }

  /** Refuses an ordinal without a device, once CUDA is known to be available. */
  static void requireDevice(int device) {
    if (device < 0) {
      throw new IllegalArgumentException("device: expected at least 0, got " + device);
    }
    require();
    if (device >= deviceCount()) {
      throw new IllegalArgumentException(
          "device: expected one of the %d devices, got %d".formatted(deviceCount(), device));
    }
  }

  /** Throws the exception of a status that is not {@code cudaSuccess}. */
  static void check(int status, String call) {
    if (status != cudart.cudaSuccess) {
      // Forgotten here, so that the next call does not report it as its own.
      cudart.cudaGetLastError();
      throw new PlaitException(PlaitException.Code.INTERNAL, call + ": " + describe(status));
    }
  }

  /** {@code cudaErrorInvalidValue (invalid argument)}. */
  private static String describe(int status) {
    return text(cudart.cudaGetErrorName(status))
        + " ("
        + text(cudart.cudaGetErrorString(status))
        + ")";
  }

  private static String text(@Nullable BytePointer pointer) {
    return pointer == null || Pointer.isNull(pointer) ? "unknown error" : pointer.getString();
  }

  /**
   * Carries something out with a device current to this thread, and makes current again what was.
   */
  static void on(int device, Runnable action) {
    int[] before = new int[1];
    check(cudart.cudaGetDevice(before), "cudaGetDevice");
    if (before[0] == device) {
      action.run();
      return;
    }
    check(cudart.cudaSetDevice(device), "cudaSetDevice");
    try {
      action.run();
    } finally {
      check(cudart.cudaSetDevice(before[0]), "cudaSetDevice");
    }
  }

  /** The presets are touched here first, when this class is initialised. */
  private static final class Once {
    private static final int DEVICES;
    private static final @Nullable String REASON;

    static {
      int devices = 0;
      String reason;
      try {
        int[] count = new int[1];
        int status = cudart.cudaGetDeviceCount(count);
        if (status != cudart.cudaSuccess) {
          cudart.cudaGetLastError();
          reason = "CUDA cannot be used: " + describe(status);
        } else if (count[0] == 0) {
          reason = "CUDA cannot be used: there is no device";
        } else {
          devices = count[0];
          reason = null;
        }
      } catch (LinkageError | RuntimeException e) {
        reason = "CUDA cannot be used from Java (" + message(e) + ")" + WHAT_IS_NEEDED;
      }
      DEVICES = devices;
      REASON = reason;
    }

    private static String message(Throwable e) {
      // JavaCPP's error says where it looked, and its cause why the library could not be loaded.
      Throwable root = e;
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        root = cause;
      }
      String message = root.getMessage();
      return message == null ? root.getClass().getName() : message;
    }
  }
}
