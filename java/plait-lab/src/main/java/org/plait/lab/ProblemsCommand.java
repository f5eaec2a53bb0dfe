package org.plait.lab;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.countdown.Demonstrations;
import org.plait.lab.countdown.Example;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code plait problems}: what there is to train on, in the form that train takes. */
@Command(
    name = "problems",
    description = "Print the training problems with the expert's answers, for --demonstrations.")
final class ProblemsCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec == null) {
      throw new IllegalStateException("picocli injects the command specification");
    }
    PrintWriter out = spec.commandLine().getOut();
    for (Example example : Dataset.of(Dataset.DEFAULT_SEED).training()) {
      out.println(Demonstrations.text(example));
    }
    out.flush();
    return 0;
  }
}
