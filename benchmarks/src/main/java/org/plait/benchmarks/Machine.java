package org.plait.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch;
import org.plait.Backend;

/**
 * What the numbers depend on besides the code.
 *
 * @param simdForced whether the SIMD target was named, instead of the best one
 * @param load processes that wanted a core in the minute before the run; near 0 on an idle machine
 */
record Machine(
    String date,
    String commit,
    String cpu,
    int cores,
    long memoryGib,
    String kernel,
    String hugePages,
    double load,
    String jdk,
    String plait,
    String simd,
    boolean simdForced,
    int plaitThreads,
    String pytorch,
    int pytorchThreads,
    String javacpp) {

  static Machine here(String commit, boolean simdForced) throws IOException {
    return new Machine(
        LocalDate.now(ZoneOffset.UTC).toString(),
        commit,
        cpuModel(),
        Runtime.getRuntime().availableProcessors(),
        Math.round(Pointer.totalPhysicalBytes() / 0x1p30),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        firstLine("/sys/kernel/mm/transparent_hugepage/enabled").replaceAll(".*\\[|\\].*", ""),
        Double.parseDouble(firstLine("/proc/loadavg").split(" ", 2)[0]),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"),
        Backend.nativeVersion(),
        Backend.cpu().target(),
        simdForced,
        Backend.cpu().threads(),
        Loader.getVersion("org.bytedeco", "pytorch"),
        torch.get_num_threads(),
        Loader.getVersion("org.bytedeco", "javacpp"));
  }

  private static String cpuModel() throws IOException {
    return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(System.getProperty("os.arch"));
  }

  private static String firstLine(String file) throws IOException {
    Path path = Path.of(file);
    return Files.exists(path) ? Files.readAllLines(path).get(0) : "0 unknown";
  }
}
