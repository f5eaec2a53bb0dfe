package org.plait.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** What a command of {@code plait} returned and printed. */
public record CommandResult(int code, String out, String err) {

  /** Runs a command line. */
  public static CommandResult of(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int code = commandLine.execute(arguments);
    return new CommandResult(code, out.toString(), err.toString());
  }

  /** One sentence for the user that holds these parts, and nothing else. */
  public void assertRefused(String... parts) {
    assertEquals(2, code, err);
    for (String part : parts) {
      assertTrue(err.contains(part), err);
    }
    assertEquals(1, err.strip().lines().count(), err);
    assertFalse(err.contains("Exception"), err);
    assertEquals("", out);
  }
}
