package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Another JVM with the class path of the tests, for what a process does once. It runs {@link
 * CudaProbe}, whose answers are its result.
 */
final class Jvm {
  private final List<String> options = new ArrayList<>();
  private final Map<String, String> environment = new TreeMap<>();
  private String classPath =
      System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));

  Jvm property(String name, String value) {
    options.add("-D" + name + "=" + value);
    return this;
  }

  Jvm variable(String name, String value) {
    environment.put(name, value);
    return this;
  }

  /** Puts a directory or jar in front of the class path. */
  Jvm classPath(Path first) {
    classPath = first + System.getProperty("path.separator") + classPath;
    return this;
  }

  /**
   * The probe's answers to these questions, one each.
   *
   * @throws AssertionError if the JVM did not live to the end
   */
  List<String> ask(Path directory, String... questions) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-Xmx256m", "-cp", classPath, CudaProbe.class.getName()));
    command.addAll(Arrays.asList(questions));
    Path output = directory.resolve("output.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    Map<String, String> variables = Objects.requireNonNull(builder.environment());
    variables.keySet().removeIf(name -> name.startsWith("PLAIT_"));
    variables.putAll(environment);
    Process process = builder.start();
    boolean ended = process.waitFor(2, TimeUnit.MINUTES);
    process.destroyForcibly();
    String text = Files.readString(output);
    assertTrue(ended, () -> "did not end: " + text);
    assertEquals(0, process.exitValue(), text);
    List<String> answers =
        text.lines()
            .filter(line -> line.startsWith(CudaProbe.ANSWER))
            .map(line -> line.substring(CudaProbe.ANSWER.length()))
            .toList();
    assertEquals(questions.length, answers.size(), text);
    return answers;
  }
}
