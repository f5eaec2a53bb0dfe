package org.plait.internal;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * The plugin with the CUDA kernels: where it is looked for, and whether it could be loaded. Asked
 * for by the first CUDA {@code Backend}, tried once; a failure is kept as text. Thread-safe.
 *
 * <p>The first of these that is given is the one: the system property {@value #PROPERTY}, a path;
 * the environment variable {@value #ENVIRONMENT}, which C reads; the resource of the classifier jar
 * on the class path, which JavaCPP extracts to its cache; and last whatever C finds beside {@code
 * libplait.so} or on the loader's path.
 */
public final class CudaPlugin {
  /** System property with the path of the plugin. */
  public static final String PROPERTY = "org.plait.cuda.plugin";

  /** Environment variable with the path of the plugin. */
  public static final String ENVIRONMENT = "PLAIT_CUDA_PLUGIN";

  /** File name of the plugin. */
  public static final String LIBRARY = "libplait_cuda.so";

  private CudaPlugin() {}

  /**
   * Why kernels do not run on a CUDA device, or null if they do.
   *
   * @param device an ordinal
   */
  public static @Nullable String unavailableReason(int device) {
    if (Once.FAILURE != null) {
      return Once.FAILURE;
    }
    if (Natives.plait_backend_available(device) == 0) {
      return null;
    }
    String reason = Natives.plait_last_error();
    return isMissing(reason) ? reason + "; " + whatToDo() : reason;
  }

  /** Whether C says that it found no plugin, where nobody said which. */
  private static boolean isMissing(String reason) {
    return Once.PATH == null && given() == null && reason.contains(LIBRARY);
  }

  /** The path that the property or the variable names. */
  private static @Nullable String given() {
    for (String path : new String[] {System.getProperty(PROPERTY), System.getenv(ENVIRONMENT)}) {
      if (path != null && !path.isEmpty()) {
        return path;
      }
    }
    return null;
  }

  /**
   * Where the plugin was found, for people: a path as far as it is known here, or null if there is
   * none. That it was found does not mean that it could be loaded.
   */
  public static @Nullable String where() {
    if (Once.PATH != null) {
      return Once.PATH;
    }
    String given = given();
    if (given != null) {
      return given;
    }
    String reason = unavailableReason(0);
    return reason != null && isMissing(reason)
        ? null
        : LIBRARY + " beside libplait.so or on the loader's path";
  }

  /** What brings a plugin that is not there. */
  static String whatToDo() {
    return "put the jar plait-cuda with the classifier "
        + classifier()
        + " on the class path, or set "
        + ENVIRONMENT
        + " to a "
        + LIBRARY;
  }

  static String classifier() {
    return Loader.getPlatform() + "-cuda";
  }

  private static @Nullable String find() throws IOException {
    String property = System.getProperty(PROPERTY);
    if (property != null && !property.isEmpty()) {
      if (!isFile(property)) {
        throw new IOException("the system property " + PROPERTY + " names no file: " + property);
      }
      return Path.of(property).toAbsolutePath().toString(); // a bare name would be searched for
    }
    if (given() != null) {
      return null; // the variable, which C reads
    }
    URL resource = Loader.findResource(CudaPlugin.class, classifier() + "/" + LIBRARY);
    if (resource == null) {
      return null;
    }
    if (resource.getProtocol().equals("file")) {
      try {
        return Path.of(resource.toURI()).toString();
      } catch (URISyntaxException e) {
        throw new IOException("the class path names no file: " + resource, e);
      }
    }
    File extracted = Loader.cacheResource(resource);
    if (extracted == null) {
      throw new IOException(resource + " could not be extracted to JavaCPP's cache");
    }
    return extracted.getPath();
  }

  private static boolean isFile(String path) {
    try {
      return Files.isRegularFile(Path.of(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** Loading happens when this class is initialised: once, whichever thread comes first. */
  private static final class Once {
    private static final @Nullable String PATH;
    private static final @Nullable String FAILURE;

    static {
      String path = null;
      String failure = null;
      try {
        path = find();
        if (path != null && Natives.plait_cuda_load(path) != 0) {
          failure = Natives.plait_last_error();
        }
      } catch (IOException | RuntimeException | LinkageError e) {
        // JavaCPP's cache fails with a RuntimeException where it cannot be written.
        String message = e.getMessage();
        failure =
            "the CUDA backend could not be loaded: " + (message == null ? e.toString() : message);
      }
      PATH = path;
      FAILURE = failure;
    }
  }
}
