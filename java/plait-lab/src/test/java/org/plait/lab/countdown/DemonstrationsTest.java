package org.plait.lab.countdown;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.plait.lab.util.UserException;

class DemonstrationsTest {

  private static final List<Example> EXAMPLES = Dataset.of(1).training().subList(0, 20);
  private static final List<Problem> PROBLEMS = EXAMPLES.stream().map(Example::problem).toList();

  @TempDir Path directory;

  private Path file(List<String> lines) throws IOException {
    return Files.write(directory.resolve("demonstrations.txt"), lines);
  }

  private static List<String> lines() {
    return new ArrayList<>(EXAMPLES.stream().map(Demonstrations::text).toList());
  }

  private static void assertRefused(Path file, String part) {
    Throwable e = assertThrows(UserException.class, () -> Demonstrations.read(file, PROBLEMS));
    assertTrue(e.toString().contains(part), e.toString());
  }

  @Test
  void printedExamplesAreReadAgainInAnyOrder() throws IOException {
    List<String> shuffled = lines();
    Collections.reverse(shuffled);
    shuffled.add("");
    assertEquals(EXAMPLES, Demonstrations.read(file(shuffled), PROBLEMS));
  }

  @Test
  void otherRightAnswersTakeTheExpertsPlace() throws IOException {
    Problem problem = new Problem(List.of(2, 6, 3, 6), 21);
    String line = "2 6 3 6 -> 21 : 6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .";
    String other = "2 6 3 6 -> 21 : 6 + 6 = 12 ; 2 * 12 = 24 ; 24 - 3 = 21 .";
    Example first = Demonstrations.read(file(List.of(line)), List.of(problem)).get(0);
    Example second = Demonstrations.read(file(List.of(other)), List.of(problem)).get(0);
    assertEquals(line, Demonstrations.text(first));
    assertNotEquals(first, second);
  }

  @Test
  void aProblemWithoutADemonstrationIsNamed() throws IOException {
    List<String> lines = lines();
    lines.subList(5, 8).clear();
    String prompt = Vocabulary.text(PROBLEMS.get(5).prompt());
    assertRefused(file(lines), "lacks one for 3 of the 20 training problems, such as '" + prompt);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2 6 3 6 -> 21 : 6 + 6 = 13 ; 13 * 2 = 26 ; 26 - 3 = 23 .",
        "2 6 3 6 -> 21 : 6 + 6 = 12",
        "two 6 3 6 -> 21 : 6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .",
        "+ 6 3 6 -> 21 : 6 + 6 = 12 ; 12 * 2 = 24 ; 24 - 3 = 21 .",
        "nonsense"
      })
  void whatIsNoRightAnswerIsRefusedByItsLine(String line) throws IOException {
    List<String> lines = lines();
    lines.add(3, line);
    assertRefused(file(lines), "line 4: expected a problem and a right answer");
  }

  @Test
  void aFileThatCannotBeReadIsNamed() {
    assertRefused(directory.resolve("absent.txt"), "cannot read");
  }
}
