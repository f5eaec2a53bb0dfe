package org.plait.lab;

import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.lab.util.UserException;
import org.plait.lab.verify.VerifyCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParseResult;

/** The {@code plait} command line. */
@Command(
    name = "plait",
    description = "Fused kernels for language-model post-training: check, verify, train, compare.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    scope = CommandLine.ScopeType.INHERIT,
    subcommands = {DoctorCommand.class, VerifyCommand.class, ProblemsCommand.class})
public final class Main {

  private static final int USER_ERROR = 2;
  private static final String DEBUG = "PLAIT_DEBUG";

  static {
    // JavaCPP would stop allocations to collect garbage once the process holds four heaps of
    // memory,
    // which it does not manage: tensors are freed by scopes.
    setIfAbsent("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    setIfAbsent("java.awt.headless", "true");
  }

  private Main() {}

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"plait " + Backend.nativeVersion()};
    }
  }

  /** The command line, ready to execute. */
  public static CommandLine commandLine() {
    return new CommandLine(new Main())
        .addSubcommand(TrainCommand.create())
        .addSubcommand(CompareCommand.create())
        .setParameterExceptionHandler((e, arguments) -> fail(e.getCommandLine(), e.getMessage()))
        .setExecutionExceptionHandler(Main::fail);
  }

  private static int fail(Exception e, CommandLine command, ParseResult parsed) throws Exception {
    if (System.getenv(DEBUG) != null) {
      throw e;
    }
    if (e instanceof UserException) {
      return fail(command, e.getMessage());
    }
    fail(
        command,
        "%s failed: %s. Set %s=1 to see where.".formatted(command.getCommandName(), e, DEBUG));
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static int fail(CommandLine command, @Nullable String message) {
    command.getErr().println("plait: " + (message == null ? "unknown error" : message));
    return USER_ERROR;
  }

  /** Runs a command and exits with its code. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }
}
