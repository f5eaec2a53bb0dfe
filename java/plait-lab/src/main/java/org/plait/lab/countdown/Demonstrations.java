package org.plait.lab.countdown;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.plait.lab.util.UserException;

/**
 * Demonstrations as text, a line each: a prompt and an answer in the symbols of {@link Vocabulary}.
 *
 * <pre>2 6 3 6 -> 21 : 6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .</pre>
 *
 * <p>Stateless.
 */
public final class Demonstrations {

  private Demonstrations() {}

  /** The line of an example. */
  public static String text(Example example) {
    return Vocabulary.text(example.problem().followedBy(example.trace().tokens()));
  }

  /**
   * Puts a file's demonstrations in the place of the expert's.
   *
   * @throws UserException if a line is no right answer to a problem, or a problem has none
   */
  public static List<Example> read(Path file, List<Problem> problems) {
    Map<Problem, Trace> traces = new HashMap<>();
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw new UserException("--demonstrations: cannot read " + file + ".", e);
    }
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        Example example = parse(lines.get(i), file + ", line " + (i + 1));
        traces.put(example.problem(), example.trace());
      }
    }
    List<Example> examples = new ArrayList<>();
    for (Problem problem : problems) {
      Trace trace = traces.get(problem);
      if (trace != null) {
        examples.add(new Example(problem, trace));
      }
    }
    if (examples.size() < problems.size()) {
      Problem missing = problems.stream().filter(p -> !traces.containsKey(p)).findFirst().get();
      throw new UserException(
          "--demonstrations: %s lacks one for %d of the %d training problems, such as '%s'."
              .formatted(
                  file,
                  problems.size() - examples.size(),
                  problems.size(),
                  Vocabulary.text(missing.prompt())));
    }
    return examples;
  }

  private static Example parse(String line, String where) {
    int[] tokens =
        List.of(line.strip().split("\\s+")).stream().mapToInt(Vocabulary::token).toArray();
    int length = Problem.PROMPT_LENGTH + Trace.MAX_LENGTH;
    if (tokens.length == length) {
      List<Integer> numbers = List.of(tokens[0], tokens[1], tokens[2], tokens[3]);
      int target = tokens[Problem.MAX_NUMBERS + 1];
      if (numbers.stream().allMatch(Vocabulary::isValue) && Vocabulary.isValue(target)) {
        Problem problem = new Problem(numbers, target);
        if (Verifier.accepts(problem, tokens, Problem.PROMPT_LENGTH)) {
          return new Example(problem, Trace.of(tokens, Problem.PROMPT_LENGTH));
        }
      }
    }
    throw new UserException(
        "--demonstrations: %s: expected a problem and a right answer to it, such as '%s', got '%s'."
            .formatted(
                where, "2 6 3 6 -> 21 : 6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .", line.strip()));
  }
}
