package org.plait.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;

/**
 * What a native image of GraalVM is told: by JavaCPP's generator in the jar of the natives, and in
 * {@code META-INF/native-image} of the main jar, which completes it. Compared here with the
 * libraries themselves; no native image has been built.
 */
class NativeImageMetadataTest {
  private static final String ROOT = "META-INF/native-image/org.plait/plait/";
  private static final String NATIVES = ROOT + Loader.getPlatform() + "/";
  private static final Pattern CLASS_NAME =
      Pattern.compile("(?<=\\x00)(?:java|org)/[\\w/$]+(?=\\x00)");

  private static final List<String> JNI =
      List.of(
          ROOT + "jni-config.json",
          NATIVES + "jniplait/jni-config.json",
          NATIVES + "jnijavacpp/jni-config.json");
  private static final List<String> REFLECTION =
      List.of(NATIVES + "jniplait/reflect-config.json", NATIVES + "jnijavacpp/reflect-config.json");

  @Test
  void namesClassesAndMethodsThatExist() throws Exception {
    for (String file : Stream.concat(JNI.stream(), REFLECTION.stream()).toList()) {
      JsonNode entries = read(file);
      assertTrue(entries.size() > 0, file);
      for (JsonNode entry : entries) {
        Class<?> named = classOf(entry.get("name").asText());
        for (JsonNode method : entry.path("methods")) {
          assertEquals("<init>", method.get("name").asText());
          Class<?>[] parameters = new Class<?>[method.get("parameterTypes").size()];
          for (int i = 0; i < parameters.length; i++) {
            parameters[i] = classOf(method.get("parameterTypes").get(i).asText());
          }
          assertNotNull(named.getDeclaredConstructor(parameters));
        }
      }
    }
  }

  @Test
  void namesEveryClassThatTheGlueLooksUp() throws Exception {
    Set<String> lookedUp = lookedUp();
    assertTrue(lookedUp.contains("java.lang.String"), lookedUp.toString());
    lookedUp.add(Natives.class.getName()); // found by the JVM, from the names of exported symbols
    Set<String> named = new TreeSet<>();
    for (String file : JNI) {
      read(file).forEach(entry -> named.add(entry.get("name").asText()));
    }
    assertEquals(lookedUp, named);
  }

  @Test
  void givesAccessToMembersOfEveryClassAndToConstructorsOfExceptions() throws Exception {
    Set<String> open = new TreeSet<>();
    for (String file : JNI) {
      for (JsonNode entry : read(file)) {
        boolean members =
            entry.path("allDeclaredMethods").asBoolean()
                && entry.path("allDeclaredFields").asBoolean()
                && entry.path("allDeclaredConstructors").asBoolean();
        boolean exception = Throwable.class.isAssignableFrom(classOf(entry.get("name").asText()));
        if (members || (exception && entry.path("methods").size() > 0)) {
          open.add(entry.get("name").asText());
        }
      }
    }
    assertEquals(lookedUp(), open);
  }

  @Test
  void carriesEveryLibrary() throws Exception {
    List<String> patterns =
        read(NATIVES + "jniplait/resource-config.json")
            .get("resources")
            .findValuesAsText("pattern");
    try (Stream<Path> files = Files.list(library("libplait.so").getParent())) {
      Set<String> libraries = new TreeSet<>();
      for (Path file : files.toList()) {
        String name = "org/plait/internal/" + Loader.getPlatform() + "/" + file.getFileName();
        assertTrue(patterns.stream().anyMatch(name::matches), name);
        libraries.add(file.getFileName().toString());
      }
      assertEquals(Set.of("libgomp.so.1", "libjniplait.so", "libplait.so"), libraries);
    }
  }

  /** The names of classes in the glue: JNI takes them as strings, JavaCPP writes no other. */
  private static Set<String> lookedUp() throws IOException, URISyntaxException {
    byte[] glue = Files.readAllBytes(library("libjniplait.so"));
    Matcher matcher = CLASS_NAME.matcher(new String(glue, StandardCharsets.ISO_8859_1));
    Set<String> names = new TreeSet<>();
    while (matcher.find()) {
      names.add(matcher.group().replace('/', '.'));
    }
    return names;
  }

  private static Path library(String name) throws URISyntaxException {
    URL url = Natives.class.getResource(Loader.getPlatform() + "/" + name);
    return Path.of(Objects.requireNonNull(url, name).toURI());
  }

  private static Class<?> classOf(String name) throws ClassNotFoundException {
    return Class.forName(name, false, NativeImageMetadataTest.class.getClassLoader());
  }

  private static JsonNode read(String file) throws IOException {
    try (InputStream in =
        NativeImageMetadataTest.class.getClassLoader().getResourceAsStream(file)) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in, file));
    }
  }
}
