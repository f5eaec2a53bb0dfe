package org.plait;

import java.lang.ref.Reference;
import org.plait.internal.NativeLibrary;
import org.plait.internal.Natives;

/**
 * The memory bandwidth that the CPU kernels can hope for: what a benchmark divides by. Reads and
 * writes at the kernels' own width and thread count. Thread-safe.
 */
public final class Bandwidth {
  private Bandwidth() {}

  /**
   * Reads memory once: the roof of {@link RowStats}.
   *
   * @param data contiguous, on the CPU, of a multiple of 4096 bytes
   * @return a checksum, so that the reads cannot be optimised away
   * @throws IllegalArgumentException if the view does not fit
   * @throws PlaitException if the native library cannot be loaded
   */
  public static double read(TensorView data) {
    long bytes = check(data);
    Scratch scratch = Scratch.get();
    try {
      NativeLibrary.check(
          Natives.plait_bandwidth_read(data.address("data"), bytes, scratch.slot()));
      return scratch.slotDouble();
    } finally {
      Reference.reachabilityFence(data);
    }
  }

  /**
   * Multiplies every element by a factor in place, one read and one write: the roof of {@link
   * LogitsGrad} and {@link PolicyStep} in place.
   *
   * @param data contiguous FLOAT32 on the CPU
   * @param factor what to multiply by
   * @throws IllegalArgumentException if the view does not fit
   * @throws PlaitException if the native library cannot be loaded
   */
  public static void scale(TensorView data, float factor) {
    long bytes = check(data);
    if (data.dtype() != DType.FLOAT32) {
      throw Checks.unexpected("data", "FLOAT32", data);
    }
    Checks.writable("data", data);
    try {
      NativeLibrary.check(Natives.plait_bandwidth_scale(data.address("data"), bytes, factor));
    } finally {
      Reference.reachabilityFence(data);
    }
  }

  private static long check(TensorView data) {
    int device = Backend.require(Backend.cpu());
    Checks.present("data", data);
    if (!data.isContiguous()) {
      throw Checks.unexpected("data", "contiguous rows", data);
    }
    Checks.device("data", data, device);
    return data.elements() * data.dtype().bytes();
  }
}
