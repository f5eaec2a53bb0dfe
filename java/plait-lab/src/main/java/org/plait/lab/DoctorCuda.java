package org.plait.lab;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.plait.Backend;
import org.plait.cuda.CudaRuntime;
import org.plait.internal.CudaPlugin;

/**
 * What this machine has of CUDA, each part asked for on its own, since any of them may be missing.
 */
final class DoctorCuda {

  private static final int MOST_DEVICES = 64;

  /** Where the kernel module says what it is and which devices it has. */
  private static final Path DRIVER = Path.of("/proc/driver/nvidia");

  private DoctorCuda() {}

  static void examine(ObjectNode json) {
    Doctor.backend(json, Backend.cuda(0));
    json.put("ordinals", ordinals());
    json.put("plugin", plugin());
    json.put("driver", driver(DRIVER));
    json.put("devices", devices(DRIVER));
    json.put("memory", memory());
  }

  /** The devices that kernels run on: "cuda:0 cuda:1", or "none". */
  private static String ordinals() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < MOST_DEVICES; i++) {
      Backend backend = Backend.cuda(i);
      if (!backend.isAvailable()) {
        break;
      }
      names.add(backend.toString());
    }
    return names.isEmpty() ? "none" : String.join(" ", names);
  }

  private static String plugin() {
    // Without the natives of plait there is nothing to plug it into.
    return Backend.cpu().isAvailable()
        ? Objects.requireNonNullElse(CudaPlugin.where(), "not found")
        : "unknown";
  }

  /** The driver's line about itself. */
  static String driver(Path directory) {
    try (Stream<String> lines = Files.lines(directory.resolve("version"))) {
      return lines.findFirst().orElse("unknown").replaceFirst("^NVRM version:\\s*", "").strip();
    } catch (IOException e) {
      return "not found";
    }
  }

  /** Models, as the driver lists them, whatever this process may see of them. */
  static String devices(Path directory) {
    List<String> models = new ArrayList<>();
    try (Stream<Path> buses = Files.list(directory.resolve("gpus"))) {
      for (Path bus : buses.sorted().toList()) {
        for (String line : Files.readAllLines(bus.resolve("information"))) {
          if (line.startsWith("Model:")) {
            models.add(line.substring("Model:".length()).strip());
          }
        }
      }
    } catch (IOException e) {
      // no driver, or one that does not say
    }
    return models.isEmpty() ? "none found" : String.join(", ", models);
  }

  /** Whether memory of devices can be had from Java, which tensors of PyTorch do not need. */
  private static String memory() {
    try {
      String reason = CudaRuntime.unavailableReason();
      return reason == null
          ? "available, CUDA " + CudaRuntime.driverVersion() + " in the driver"
          : "unavailable: " + reason;
    } catch (LinkageError e) {
      return "unavailable: the jar plait-cuda-java is not on the class path";
    }
  }
}
