package org.plait.lab.model;

import java.io.IOException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.global.torch;

/** Process-wide settings and facts of the PyTorch presets. */
public final class TorchRuntime {

  private TorchRuntime() {}

  /** Makes the operators that this thread calls run in this thread alone. */
  public static void computeInCallingThread() {
    torch.set_num_threads(1);
    // OpenBLAS has a pool of its own; its size is that of the process.
    openblas.blas_set_num_threads(1);
  }

  /** The version of the presets, such as 2.10.0-1.5.13. */
  public static String version() {
    try {
      return Loader.getVersion("org.bytedeco", "pytorch");
    } catch (IOException e) {
      return "unknown";
    }
  }
}
