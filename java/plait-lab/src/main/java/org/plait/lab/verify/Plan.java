package org.plait.lab.verify;

import java.util.List;
import org.plait.Backend;

/**
 * What to sweep.
 *
 * @param kernels what is swept
 * @param quick a smaller sweep, for tests and the impatient
 * @param cases recorded cases to replay
 */
record Plan(Kernels kernels, boolean quick, List<Case> cases) {

  Plan(Backend backend, boolean quick, List<Case> cases) {
    this(Kernels.of(backend), quick, cases);
  }

  /**
   * Whether a call is refused for a value in an array. A CUDA device sees the values after the call
   * has returned, and gives results without meaning instead.
   */
  boolean refusesValues() {
    return kernels.backend().device() < 0;
  }

  /** Vocabulary sizes, from degenerate ones to those of real models. */
  int[] vocabs() {
    return quick
        ? new int[] {1, 2, 7, 128, 2053, 32000, 151936}
        : new int[] {1, 2, 7, 128, 2053, 32000, 50257, 128256, 151936, 262144};
  }

  /**
   * Rows of each kind: many where they are cheap, since the largest error over them is compared.
   */
  int rows(int vocab) {
    if (vocab >= 10_000) {
      return quick ? 3 : 8;
    }
    return quick ? 33 : vocab > 1000 ? 65 : 257;
  }
}
