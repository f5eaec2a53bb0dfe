package org.plait.lab.verify;

import java.util.List;
import java.util.function.Supplier;

/**
 * A piece of the sweep.
 *
 * @param title for the progress bar and for test reports
 * @param checks makes the checks
 */
record Step(String title, Supplier<List<Check>> checks) {

  /** Makes the checks; a step that throws is a failed check. */
  List<Check> run() {
    try {
      return checks.get();
    } catch (RuntimeException e) {
      return List.of(Check.exact(title, "", "", "does not throw", false, String.valueOf(e)));
    }
  }
}
