package org.plait;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;

/** The table of presets in OBJECTIVES.md says what they are. */
class PresetTableTest {
  /** Of a preset's parameter, where 0.5 is out of range. */
  private static final Map<String, Float> PARAMETERS = Map.of("grpoTwoSided", 1.5f);

  @Test
  void theTableSaysWhatEachPresetIs() throws IOException {
    Map<String, String> expected = new TreeMap<>();
    presets().forEach((name, objective) -> expected.put(name, row(objective)));
    Path module = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    Map<String, String> found = new TreeMap<>();
    Matcher row =
        Pattern.compile("(?m)^\\| `((?:Hybrid)?Objectives?\\.\\w+)\\(\\w*\\)` \\|(.*)$")
            .matcher(section(Files.readString(module.resolve("OBJECTIVES.md")), "Presets"));
    while (row.find()) {
      found.put(row.group(1), "|" + row.group(2));
    }
    assertEquals(lines(expected), lines(found));
  }

  /** What the columns of types promise, of the CPU. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void everyPresetTrainsTheRolesThatItHasARuleForOnLogitsOfEveryType(DType dtype) {
    presets()
        .forEach(
            (name, objective) -> {
              StepFixture step = new StepFixture();
              step.data = StepFixture.as(dtype, step.data);
              step.dLogits = TensorView.allocate(dtype, StepFixture.T, StepFixture.V);
              step.objective = objective;
              step.normalizers = Normalizers.NONE.withLength(4);
              step.batch =
                  () ->
                      TokenBatch.builder(StepFixture.T)
                          .offsets(step.offsets)
                          .roles(step.roles)
                          .advantages(step.advantages)
                          .referenceLogProbs(step.referenceLogProbs)
                          .build();
              step.run();
              Role[] roles = {Role.ROLLOUT, Role.ROLLOUT, Role.HINT, Role.DEMONSTRATION};
              Set<Role> trained = new TreeSet<>();
              for (int t = 0; t < roles.length; t++) {
                for (float value : step.dLogits.rows(t, t + 1).toFloats()) {
                  assertTrue(Float.isFinite(value), name);
                  if (value != 0) {
                    trained.add(roles[t]);
                  }
                }
              }
              Set<Role> expected =
                  Stream.of(roles)
                      .filter(role -> objective.rule(role).isOn())
                      .collect(Collectors.toCollection(TreeSet::new));
              assertEquals(expected, trained, name);
            });
  }

  @Test
  void everyPresetHasItsGradientWrittenOutInATest() {
    Set<String> written =
        Stream.concat(PresetGradientTest.presets(), HybridObjectivesTest.presets())
            .map(Arguments::get)
            .map(arguments -> (String) arguments[0])
            .collect(Collectors.toCollection(TreeSet::new));
    written.add("clipCov"); // drawn at random; PresetGradientTest has a test of its own
    Set<String> all = new TreeSet<>();
    presets().keySet().forEach(name -> all.add(name.replaceAll(".*\\.", "")));
    assertEquals(all, written);
  }

  /** By class and method, with some parameter. */
  private static Map<String, Objective> presets() {
    Map<String, Objective> presets = new TreeMap<>();
    for (Class<?> type : List.of(Objective.class, HybridObjectives.class)) {
      for (Method method : type.getDeclaredMethods()) {
        if (Modifier.isStatic(method.getModifiers())
            && Modifier.isPublic(method.getModifiers())
            && method.getReturnType() == Objective.class) {
          presets.put(type.getSimpleName() + "." + method.getName(), call(method));
        }
      }
    }
    return presets;
  }

  private static Objective call(Method method) {
    Object[] arguments =
        Stream.of(method.getParameterTypes())
            .map(
                type ->
                    type == int.class
                        ? (Object) 1
                        : (Object) PARAMETERS.getOrDefault(method.getName(), 0.5f))
            .toArray();
    try {
      return (Objective) method.invoke(null, arguments);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(method.getName(), e);
    }
  }

  private static String row(Objective objective) {
    String twice = objective.secondPass();
    String types = "f32, bf16, f16";
    return "| %s | %s | %s | %s | %s | %s | %s |"
        .formatted(
            rule(objective.rollout()),
            rule(objective.demonstration()),
            rule(objective.hint()),
            needs(objective),
            twice.isEmpty() ? "one" : "two: `" + twice + "`",
            types,
            types)
        .replace("|  |", "| |")
        .replace("|  |", "| |");
  }

  private static String rule(Rule rule) {
    List<String> terms = new ArrayList<>();
    PolicyTerm policy = rule.policy();
    if (policy.isOn()) {
      String level = policy.ratioLevel() == RatioLevel.TOKEN ? "" : " of sequences";
      String loss = policy.loss().name().toLowerCase(Locale.ROOT) + level;
      terms.add(loss + byEntropy(policy.weighting()));
    }
    if (rule.nll().term().isOn()) {
      String byProbability =
          switch (rule.nll().probabilityWeighting()) {
            case NONE -> "";
            case PROBABILITY -> " by p";
            case VARIANCE -> " by p (1 - p)";
          };
      terms.add("nll" + byEntropy(rule.nll().weighting()) + byProbability);
    }
    if (rule.kl().term().isOn()) {
      terms.add("kl");
    }
    if (rule.entropy().isOn()) {
      terms.add("entropy");
    }
    return String.join(" + ", terms);
  }

  private static String byEntropy(EntropyWeighting weighting) {
    return weighting.isOn() ? " by entropy" : "";
  }

  private static String needs(Objective objective) {
    Set<String> needs = new TreeSet<>();
    for (Role role : Role.values()) {
      Rule rule = objective.rule(role);
      if (rule.policy().isOn()) {
        needs.add("advantages");
      }
      if (rule.kl().term().isOn()) {
        needs.add("reference");
      }
      for (Term term :
          List.of(rule.policy().term(), rule.nll().term(), rule.kl().term(), rule.entropy())) {
        boolean constant =
            term.aggregation() == Aggregation.CONSTANT_LENGTH
                || term.aggregation() == Aggregation.SEQ_MEAN_CONSTANT_LENGTH;
        if (term.isOn() && constant) {
          needs.add("length");
        }
      }
    }
    return String.join(", ", needs);
  }

  private static String section(String markdown, String title) {
    return markdown.split("\n## " + title + "\n", -1)[1].split("\n## ", -1)[0];
  }

  /** One a line, as they would stand in the table. */
  private static String lines(Map<String, String> rows) {
    return rows.entrySet().stream()
        .map(row -> "| `" + row.getKey() + "()` " + row.getValue())
        .collect(Collectors.joining("\n"));
  }
}
