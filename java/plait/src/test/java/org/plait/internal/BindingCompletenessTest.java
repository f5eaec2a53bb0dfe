package org.plait.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.plait.Aggregation;
import org.plait.Baseline;
import org.plait.Behaviour;
import org.plait.CorrectionBounds;
import org.plait.CorrectionLevel;
import org.plait.CovarianceKind;
import org.plait.DType;
import org.plait.EpsilonPlace;
import org.plait.FilterAction;
import org.plait.ImportanceRatio;
import org.plait.KlEstimator;
import org.plait.KlForm;
import org.plait.PolicyLoss;
import org.plait.Population;
import org.plait.ProbabilityWeighting;
import org.plait.RatioLevel;
import org.plait.Reshape;
import org.plait.Role;
import org.plait.RowStats;
import org.plait.Scale;
import org.plait.Scope;
import org.plait.Singleton;
import org.plait.Statistics;

/** Header, library and Java cannot drift apart. */
class BindingCompletenessTest {
  @Test
  void libraryExportsWhatTheHeaderDeclaresAndNothingElse() throws IOException {
    Set<String> exported = ElfSymbols.exported(library());
    assertTrue(exported.size() > 10, () -> "exported: " + exported);
    assertEquals(Header.read().functions(), exported);
  }

  @Test
  void everyExportedFunctionHasItsJavaTwin() throws IOException {
    Set<String> natives =
        Arrays.stream(Natives.class.getDeclaredMethods())
            .filter(method -> Modifier.isNative(method.getModifiers()))
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(ElfSymbols.exported(library()), natives);
  }

  @Test
  void structuresAreLaidOutAsInTheHeader() throws IOException {
    Map<String, Integer> expected = new TreeMap<>();
    Header.read()
        .layouts()
        .forEach(
            (struct, fields) ->
                fields.forEach(
                    (field, offset) -> expected.put(constantName(struct, field), offset)));
    assertTrue(expected.size() > 130, () -> "in the header: " + expected);
    assertEquals(expected, constants());
  }

  @Test
  void enumerationsHaveTheCodesOfTheHeader() throws IOException {
    Map<String, Integer> codes = new TreeMap<>();
    for (DType type : DType.values()) {
      if (type != DType.UINT8) {
        codes.put("PLAIT_" + type, type.code());
      }
    }
    put(codes, "PLAIT_", Role.values(), role -> role.code());
    put(codes, "PLAIT_POLICY_", PolicyLoss.values(), PolicyLoss::code);
    put(codes, "PLAIT_KL_", KlEstimator.values(), KlEstimator::code);
    put(codes, "PLAIT_", Aggregation.values(), Aggregation::code);
    put(codes, "PLAIT_", Population.values(), Population::code);
    put(codes, "PLAIT_BASELINE_", Baseline.values(), Baseline::code);
    put(codes, "PLAIT_SCALE_", Scale.values(), Scale::code);
    put(codes, "PLAIT_SINGLETON_", Singleton.values(), Singleton::code);
    put(codes, "PLAIT_BEHAVIOUR_", Behaviour.values(), Behaviour::code);
    put(codes, "PLAIT_RESHAPE_", Reshape.values(), Reshape::code);
    put(codes, "PLAIT_KL_", KlForm.values(), KlForm::code);
    put(codes, "PLAIT_SCOPE_", Scope.values(), Scope::code);
    put(codes, "PLAIT_WEIGHT_", ProbabilityWeighting.values(), ProbabilityWeighting::code);
    put(codes, "PLAIT_COVARIANCE_", CovarianceKind.values(), CovarianceKind::code);
    put(codes, "PLAIT_CORRECTION_", CorrectionLevel.values(), CorrectionLevel::code);
    put(codes, "PLAIT_CORRECTION_", CorrectionBounds.values(), CorrectionBounds::code);
    put(codes, "PLAIT_FILTER_", FilterAction.values(), FilterAction::code);
    put(codes, "PLAIT_EPSILON_", EpsilonPlace.values(), EpsilonPlace::code);
    put(codes, "PLAIT_STATISTICS_", Statistics.values(), Statistics::code);
    put(codes, "PLAIT_RATIO_", RatioLevel.values(), RatioLevel::code);
    codes.put("PLAIT_RATIO_BELOW", ImportanceRatio.BELOW);
    codes.put("PLAIT_RATIO_ABOVE", ImportanceRatio.ABOVE);
    codes.put("PLAIT_RATIO_LIMITED", ImportanceRatio.LIMITED);
    codes.put("PLAIT_STATE_FLOATS", RowStats.STATE_FLOATS);
    codes.put("PLAIT_ABI_VERSION", NativeLibrary.ABI_VERSION);
    codes.put("PLAIT_CPU", -1);

    Map<String, Integer> header = new TreeMap<>(Header.read().constants());
    // These are not choices but results; NativeLibrary turns them into exceptions.
    assertEquals(0, header.remove("PLAIT_OK"));
    assertEquals(1, header.remove("PLAIT_INVALID_ARGUMENT"));
    assertEquals(2, header.remove("PLAIT_UNAVAILABLE"));
    assertEquals(3, header.remove("PLAIT_INTERNAL"));
    assertEquals(header, codes);
  }

  /** The checks that run on a GPU call the library from Python; nothing else runs without one. */
  @Test
  void thePythonOfTheGpuChecksHasTheFieldsOfTheHeader() throws IOException {
    String python = Header.beside("../../benchmarks/gpu/plait.py");
    Map<String, Set<String>> expected = new TreeMap<>();
    Map<String, Set<String>> found = new TreeMap<>();
    Header.read()
        .layouts()
        .forEach(
            (struct, fields) -> {
              Set<String> names = new LinkedHashSet<>(fields.keySet());
              names.remove("size");
              expected.put(struct, names);
              Matcher name = Pattern.compile("\"" + struct + "\": (\\w+),").matcher(python);
              found.put(struct, name.find() ? pythonFields(python, name.group(1)) : Set.of());
            });
    assertEquals(expected.toString(), found.toString());
  }

  /** The words in the strings of a class, up to a colon; in braces are the types of its fields. */
  private static Set<String> pythonFields(String python, String type) {
    String body = python.split("class " + type + "\\(", -1)[1].split("\n\n\n", -1)[0];
    Matcher string =
        Pattern.compile("\"\"\"(.*?)\"\"\"|\"(.*?)\"", Pattern.DOTALL)
            .matcher(body.replaceAll("\\{.*?\\}", ""));
    Set<String> names = new LinkedHashSet<>();
    while (string.find()) {
      String words = string.group(1) == null ? string.group(2) : string.group(1);
      for (String word : words.strip().split("\\s+", -1)) {
        names.add(word.replaceAll(":.*", ""));
      }
    }
    names.remove("");
    return names;
  }

  private static <E extends Enum<E>> void put(
      Map<String, Integer> to,
      String prefix,
      E[] values,
      java.util.function.ToIntFunction<E> code) {
    for (E value : values) {
      to.put(prefix + value.name(), code.applyAsInt(value));
    }
  }

  private static byte[] library() throws IOException {
    String name = Loader.getPlatform() + "/libplait.so";
    try (InputStream in = Natives.class.getResourceAsStream(name)) {
      assertNotNull(in, name);
      return in.readAllBytes();
    }
  }

  private static String constantName(String struct, String field) {
    return (struct.substring("plait_".length()) + "_" + field).toUpperCase(Locale.ROOT);
  }

  private static Map<String, Integer> constants() {
    return Stream.of(Structs.class.getDeclaredFields())
        .filter(field -> field.getType() == int.class && Modifier.isPublic(field.getModifiers()))
        .collect(
            Collectors.toMap(
                Field::getName, BindingCompletenessTest::value, (a, b) -> a, TreeMap::new));
  }

  private static int value(Field field) {
    try {
      return field.getInt(null);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }
}
