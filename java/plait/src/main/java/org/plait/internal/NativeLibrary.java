package org.plait.internal;

import java.nio.Buffer;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.plait.PlaitException;

/**
 * Whether the native library could be loaded, and if not, why. Loading is tried once; a failure is
 * kept as text, so that no call ends in a {@link LinkageError}. Thread-safe.
 */
public final class NativeLibrary {
  /** {@code PLAIT_ABI_VERSION} that {@link Natives} and {@link Structs} were written for. */
  public static final int ABI_VERSION = 2;

  private static final @Nullable Throwable CAUSE;
  private static final @Nullable String FAILURE;

  static {
    Throwable cause = null;
    String failure = null;
    try {
      int version = Natives.plait_abi_version();
      if (version != ABI_VERSION) {
        failure =
            "the plait library that was loaded has ABI version "
                + version
                + ", this jar needs "
                + ABI_VERSION
                + "; use a library and a jar of the same release";
      }
    } catch (LinkageError | RuntimeException e) {
      cause = e;
      failure = describe(e);
    }
    CAUSE = cause;
    FAILURE = failure;
  }

  private NativeLibrary() {}

  /** Returns why the library cannot be used, or null if it can. */
  public static @Nullable String failure() {
    return FAILURE;
  }

  /** Throws a {@link PlaitException} that says why, if the library cannot be used. */
  public static void require() {
    if (FAILURE != null) {
      throw unavailable(FAILURE, CAUSE);
    }
  }

  /** Throws the exception of a status that is not {@code PLAIT_OK}. */
  public static void check(int status) {
    if (status != 0) {
      throw failed(status, Natives.plait_last_error());
    }
  }

  /** Address of the first element at {@code position()} of a direct buffer of bytes. */
  public static long address(Buffer buffer, int elementBytes) {
    require();
    return Address.of(buffer) + (long) buffer.position() * elementBytes;
  }

  private static RuntimeException failed(int status, String message) {
    return switch (status) {
      case 1 -> new IllegalArgumentException(message);
      case 2 -> new PlaitException(PlaitException.Code.UNAVAILABLE, message);
      default -> new PlaitException(PlaitException.Code.INTERNAL, message);
    };
  }

  private static PlaitException unavailable(String reason, @Nullable Throwable cause) {
    PlaitException e = new PlaitException(PlaitException.Code.UNAVAILABLE, reason);
    if (cause != null) {
      e.initCause(cause);
    }
    return e;
  }

  private static String describe(Throwable e) {
    Throwable root =
        e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
    return "the native library of plait could not be loaded ("
        + Objects.requireNonNullElse(root.getMessage(), root.getClass().getName())
        + "); put the plait jar with the classifier of this platform on the class path";
  }

  /** Reaches JavaCPP's address of a direct buffer, which is visible to subclasses only. */
  private static final class Address extends Pointer {
    private static long of(Buffer buffer) {
      return getDirectBufferAddress(buffer);
    }
  }
}
