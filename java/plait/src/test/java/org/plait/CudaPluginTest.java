package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.plait.internal.Natives;

/**
 * Where the CUDA plugin is looked for and what is said when it cannot be used. Each test has a JVM
 * of its own, which goes on computing on the CPU.
 */
class CudaPluginTest {
  private static final String RESOURCE =
      "org/plait/internal/" + Loader.getPlatform() + "-cuda/libplait_cuda.so";

  @TempDir private Path directory;

  @Test
  void withoutAPluginTheReasonSaysInOneLineWhatToPutOnTheClassPath() throws Exception {
    List<String> answers = new Jvm().ask(directory, "available:0", "available:7", "cpu");
    for (String reason : answers.subList(0, 2)) {
      assertTrue(reason.contains("libplait_cuda.so"), reason);
      assertTrue(reason.contains("classifier " + Loader.getPlatform() + "-cuda"), reason);
      assertTrue(reason.contains("PLAIT_CUDA_PLUGIN"), reason);
      assertFalse(reason.contains("|"), "more than one line: " + reason);
    }
    assertEquals("ok", answers.get(2));
  }

  @Test
  void aPropertyThatNamesNoFileIsTheReason() throws Exception {
    String missing = directory.resolve("missing.so").toString();
    for (String path : List.of(missing, directory.toString())) {
      List<String> answers =
          new Jvm()
              .property("org.plait.cuda.plugin", path)
              .ask(directory, "available:0", "available:1", "row_stats", "cpu");
      assertTrue(answers.get(0).contains("org.plait.cuda.plugin"), answers.get(0));
      assertTrue(answers.get(0).contains(path), answers.get(0));
      assertEquals(answers.get(0), answers.get(1));
      assertEquals("UNAVAILABLE " + answers.get(0), answers.get(2));
      assertEquals("ok", answers.get(3));
    }
  }

  @Test
  void aFileThatIsNoLibraryIsTheReasonWhereverItWasFound() throws Exception {
    Path text = directory.resolve("text.so");
    Files.writeString(text, "not a library");
    reasonNames(text, new Jvm().property("org.plait.cuda.plugin", text.toString()));

    Path classes = directory.resolve("classes");
    Path resource = classes.resolve(RESOURCE);
    Files.createDirectories(resource.getParent());
    Files.copy(text, resource);
    reasonNames(resource, new Jvm().classPath(classes));

    Path jar = directory.resolve("plugin.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry(RESOURCE));
      Files.copy(text, out);
      out.closeEntry();
    }
    Path cache = directory.resolve("cache");
    Jvm extracted = new Jvm().classPath(jar).property("org.bytedeco.javacpp.cachedir", cache + "/");
    reasonNames(cache.resolve("plugin.jar").resolve(RESOURCE), extracted);
  }

  @Test
  void theFirstOfPropertyVariableAndClassPathIsTheOne() throws Exception {
    Path classes = directory.resolve("classes");
    Path resource = classes.resolve(RESOURCE);
    Files.createDirectories(resource.getParent());
    Files.writeString(resource, "not a library");
    Path other = directory.resolve("other.so");
    Files.writeString(other, "not a library either");
    reasonNames(
        other,
        new Jvm()
            .classPath(classes)
            .variable("PLAIT_CUDA_PLUGIN", directory.resolve("third.so").toString())
            .property("org.plait.cuda.plugin", other.toString()));
    String reason =
        new Jvm()
            .classPath(classes)
            .variable("PLAIT_CUDA_PLUGIN", other.toString())
            .ask(directory, "available:0")
            .get(0);
    assertNotEquals("ok", reason);
    assertFalse(reason.contains(resource.toString()), reason);
  }

  @Test
  void aLibraryThatIsNoPluginMakesNoDeviceAvailable() throws Exception {
    String other = Loader.load(Natives.class);
    List<String> answers =
        new Jvm().property("org.plait.cuda.plugin", other).ask(directory, "available:0", "cpu");
    assertNotEquals("ok", answers.get(0));
    assertFalse(answers.get(0).isBlank());
    assertEquals("ok", answers.get(1));
  }

  private void reasonNames(Path file, Jvm jvm) throws Exception {
    List<String> answers = jvm.ask(directory, "available:0", "cpu");
    assertTrue(answers.get(0).contains(file.toString()), answers.get(0));
    assertEquals("ok", answers.get(1));
  }
}
