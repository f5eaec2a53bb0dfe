package org.plait.lab.train;

import java.io.Console;
import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on a terminal, a line now and then in a log. Thread-safe. */
public final class Progress implements AutoCloseable {

  private static final int TERMINAL_INTERVAL_MS = 250;
  private static final int LOG_INTERVAL_MS = 10_000;
  private static final int WIDTH = 110;

  private final ProgressBar bar;

  private Progress(ProgressBar bar) {
    this.bar = bar;
  }

  /** Starts at step {@code done} of {@code total}. */
  public static Progress start(String task, long done, long total) {
    PrintStream err = System.err;
    boolean terminal = hasTerminal();
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(terminal ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS)
            .startsFrom(done, Duration.ZERO)
            .setConsumer(
                terminal
                    ? new ConsoleProgressBarConsumer(err, WIDTH)
                    : new DelegatingProgressBarConsumer(err::println, WIDTH));
    return new Progress(builder.build());
  }

  @SuppressWarnings("SystemConsoleNull") // null is not all that is asked
  private static boolean hasTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // From JDK 22 on there is a console even where there is no terminal, and this to tell.
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }

  /** Counts a step and shows what it came to. */
  public synchronized void step(String message) {
    show(message);
    bar.step();
  }

  /** Shows what goes on without counting a step. */
  public synchronized void show(String message) {
    bar.setExtraMessage(" " + message);
  }

  @Override
  public synchronized void close() {
    bar.close();
  }
}
