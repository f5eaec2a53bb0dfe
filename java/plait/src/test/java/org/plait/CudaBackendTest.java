package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The CUDA backend from Java, with the plugin that emulates a device on the CPU: {@code
 * -Dplait.test.simt.plugin=/path/to/libplait_cuda.so}. Its switches, {@code PLAIT_SIMT_*}, make it
 * fail as a device would. Each test has a JVM of its own, which goes on.
 */
@EnabledIfSystemProperty(named = CudaBackendTest.PLUGIN, matches = ".+")
class CudaBackendTest {
  static final String PLUGIN = "plait.test.simt.plugin";

  private static final String[] KERNELS = {"row_stats", "token_objective", "policy_step"};

  @TempDir private Path directory;

  @Test
  void kernelsGiveWhatTheCpuGives() throws Exception {
    Jvm jvm = emulated().variable("PLAIT_SIMT_ANY_POINTER", "1");
    assertEquals(List.of("ok", "ok", "ok"), jvm.ask(directory, KERNELS));
  }

  @Test
  void thePluginIsFoundByTheVariableToo() throws Exception {
    Jvm jvm =
        new Jvm()
            .variable("PLAIT_CUDA_PLUGIN", Objects.requireNonNull(System.getProperty(PLUGIN)))
            .variable("PLAIT_SIMT_ANY_POINTER", "1");
    assertEquals(List.of("ok", "ok"), jvm.ask(directory, "available:0", "policy_step"));
  }

  @Test
  void aMachineWithoutDevicesOrDriverSaysSo() throws Exception {
    for (String devices : List.of("0", "-1")) {
      Jvm jvm = emulated().variable("PLAIT_SIMT_DEVICES", devices);
      List<String> answers = jvm.ask(directory, "available:0", "policy_step", "cpu");
      String reason = answers.get(0);
      assertTrue(reason.toLowerCase(Locale.ROOT).contains("cuda"), reason);
      // The plugin is there: nothing has to be put on the class path.
      assertFalse(reason.contains("class path"), reason);
      assertEquals("UNAVAILABLE " + reason, answers.get(1));
      assertEquals("ok", answers.get(2));
    }
  }

  @Test
  void anOrdinalBeyondTheLastDeviceIsTheReason() throws Exception {
    List<String> answers = emulated().ask(directory, "available:0", "available:4711", "cpu");
    assertEquals("ok", answers.get(0));
    assertTrue(answers.get(1).contains("4711"), answers.get(1));
    assertEquals("ok", answers.get(2));
  }

  @Test
  void aDeviceThatIsTooOldSaysWhatItIs() throws Exception {
    Jvm jvm = emulated().variable("PLAIT_SIMT_CAPABILITY", "7.5");
    List<String> answers = jvm.ask(directory, "available:0", "row_stats", "cpu");
    assertTrue(answers.get(0).contains("7.5"), answers.get(0));
    assertEquals("UNAVAILABLE " + answers.get(0), answers.get(1));
    assertEquals("ok", answers.get(2));
  }

  @Test
  void aFailedLaunchIsAnExceptionThatLaterCallsRepeat() throws Exception {
    Jvm jvm =
        emulated()
            .variable("PLAIT_SIMT_ANY_POINTER", "1")
            .variable("PLAIT_SIMT_FAIL_LAUNCH", "1:illegalAddress:sticky");
    List<String> answers = jvm.ask(directory, "policy_step", "row_stats", "policy_step", "cpu");
    for (String answer : answers.subList(0, 3)) {
      assertTrue(answer.startsWith("INTERNAL "), answer);
      assertTrue(answer.toLowerCase(Locale.ROOT).contains("illegaladdress"), answer);
    }
    assertEquals("ok", answers.get(3));
  }

  @Test
  void aHostPointerIsRefusedByTheNameOfItsArgument() throws Exception {
    List<String> answers =
        emulated().ask(directory, "row_stats", "token_objective", "policy_step", "cpu");
    for (String answer : answers.subList(0, 3)) {
      assertTrue(answer.startsWith(IllegalArgumentException.class.getName() + ": "), answer);
      assertTrue(answer.contains(": expected "), answer);
    }
    assertEquals("ok", answers.get(3));
  }

  private static Jvm emulated() {
    return new Jvm()
        .property("org.plait.cuda.plugin", Objects.requireNonNull(System.getProperty(PLUGIN)));
  }
}
