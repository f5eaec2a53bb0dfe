package org.plait.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's call from Python, where there is a Python; PyTorch is stood in for. */
class PythonExampleTest {

  private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();

  /** As much of PyTorch as the example uses, on ctypes. */
  private static final String TORCH =
      """
      import ctypes, random

      class Tensor:
          def __init__(self, kind, count, value):
              self.values = (kind * count)(*(value() for _ in range(count)))

          def data_ptr(self):
              return ctypes.addressof(self.values)

      def randn(rows, columns):
          return Tensor(ctypes.c_float, rows * columns, lambda: random.gauss(0, 1))

      def randint(limit, shape):
          return Tensor(ctypes.c_int64, shape[0], lambda: random.randrange(limit))

      def empty(count):
          return Tensor(ctypes.c_float, count, lambda: 7.0)
      """;

  /** Rows of standard normal logits have nearly the same entropy. */
  private static final String CHECK =
      """

      assert all(h < 10.38 and h > 9.7 for h in entropy.values), list(entropy.values[:5])
      assert all(l < -4 and l > -17 for l in logp.values), list(logp.values[:5])
      print("checked", len(logp.values))
      """;

  @TempDir Path directory;

  @Test
  void theCallOfTheReadmeComputesLogProbsAndEntropies() throws Exception {
    Path library = ROOT.resolve("native/target/prefix/lib/libplait.so");
    assumeTrue(Files.exists(library), "no " + library);
    assumeTrue(hasPython(), "no python3");
    String readme = Files.readString(ROOT.resolve("README.md"));
    String fence = "```python\n";
    int from = readme.indexOf(fence) + fence.length();
    String code = readme.substring(from, readme.indexOf("```", from)).replace("512,", "16,");
    assertTrue(code.contains("16, 32000") && code.contains("libplait.so"), code);
    Files.writeString(directory.resolve("torch.py"), TORCH);
    Path script = directory.resolve("example.py");
    Files.writeString(script, code.replace("libplait.so", library.toString()) + CHECK);
    assertEquals("checked 16", python(script.toString()));
  }

  private boolean hasPython() throws InterruptedException {
    try {
      return !python("--version").isEmpty();
    } catch (IOException e) {
      return false;
    }
  }

  private String python(String argument) throws IOException, InterruptedException {
    Path output = directory.resolve("output.txt");
    Process process =
        new ProcessBuilder("python3", argument)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(process.waitFor(2, TimeUnit.MINUTES), "python3 hangs");
    return Files.readString(output).strip();
  }
}
