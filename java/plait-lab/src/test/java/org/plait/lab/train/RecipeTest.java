package org.plait.lab.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.plait.Role;
import org.plait.lab.countdown.Dataset;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Vocabulary;
import org.plait.lab.train.Recipe.Batches;
import org.plait.lab.train.Recipe.Optimizer;

/** Recipes with a policy whose successes are known. */
class RecipeTest {

  private static final int PROMPTS = 4;
  private static final int SAMPLES = 4;
  private static final List<Example> EXAMPLES = Dataset.of(1).training().subList(0, 12);

  /** What the policy was asked to continue. */
  private final List<int[]> asked = new ArrayList<>();

  private static Recipe recipe(String name, String... more) {
    Options options = new Options(TrainConfig.OPTIONS);
    options.put("recipe", name);
    options.put("prompts", Integer.toString(PROMPTS));
    options.put("samples", Integer.toString(SAMPLES));
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return TrainConfig.of(options).newRecipe();
  }

  /**
   * Whether the policy is right, given so many tokens, with the answer of that number in a group.
   */
  private interface Ability {
    boolean solves(int given, int answer);
  }

  private StepContext context(int step, int tokensNeeded, int alwaysRight) {
    return context(step, (given, answer) -> given >= tokensNeeded || answer < alwaysRight);
  }

  /** A policy that answers like the expert where it is able to, and stops at once elsewhere. */
  private StepContext context(int step, Ability ability) {
    StepContext.Policy policy =
        (prefixes, prompt, streams) -> {
          asked.addAll(prefixes);
          List<int[]> answers = new ArrayList<>();
          for (int i = 0; i < prefixes.size(); i++) {
            int[] prefix = prefixes.get(i);
            boolean right = ability.solves(prefix.length - prompt, i % SAMPLES);
            int[] solved = solved(prefix);
            int[] answer = Arrays.copyOf(prefix, solved.length);
            for (int at = prefix.length; at < answer.length; at++) {
              answer[at] = right ? solved[at] : Vocabulary.EOS;
            }
            answers.add(answer);
          }
          return answers;
        };
    return new StepContext(step, 7, new PromptOrder(EXAMPLES, 7), policy);
  }

  /** The prompt that a sequence begins with, and the expert's answer to it. */
  private static int[] solved(int[] sequence) {
    int[] prompt = Arrays.copyOf(sequence, Problem.PROMPT_LENGTH);
    Example example =
        EXAMPLES.stream()
            .filter(e -> Arrays.equals(e.problem().prompt(), prompt))
            .findFirst()
            .orElseThrow();
    return example.problem().followedBy(example.trace().tokens());
  }

  private static List<Integer> ints(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  private static long count(TrainingSequence sequence, Role role) {
    return IntStream.range(0, sequence.answerLength())
        .filter(t -> sequence.role(t) == role)
        .count();
  }

  private static List<TrainingSequence> only(Batches batches) {
    assertEquals(1, batches.updates().size());
    return batches.updates().get(0).sequences();
  }

  @Test
  void everyRecipeTrainsOnTokensThatItsObjectiveHasARuleFor() {
    for (String name : Recipes.names()) {
      Batches batches = recipe(name).next(context(0, 3, 1));
      Set<Role> made = new HashSet<>();
      for (Recipe.Update update : batches.updates()) {
        for (TrainingSequence sequence : update.sequences()) {
          for (int t = 0; t < sequence.answerLength(); t++) {
            made.add(sequence.role(t));
          }
          assertTrue(
              IntStream.range(0, sequence.answerLength())
                  .anyMatch(t -> update.objective().rule(sequence.role(t)).isOn()),
              name);
        }
      }
      assertFalse(made.isEmpty(), name);
    }
  }

  @Test
  void grpoJudgesAnswersAgainstTheirGroup() {
    Batches batches = recipe("grpo").next(context(0, 99, 1));
    List<TrainingSequence> sequences = only(batches);
    assertEquals(PROMPTS * SAMPLES, sequences.size());
    assertEquals(0.25, batches.reward());
    for (int i = 0; i < sequences.size(); i++) {
      // One right of four: (1 - 1/4) / sqrt(1/4) and (0 - 1/4) / sqrt(1/4).
      assertEquals(
          i % SAMPLES == 0 ? 1.5 : -0.5, sequences.get(i).advantage(), 1e-5, "answer " + i);
    }
  }

  @Test
  void luffyPutsTheExpertsAnswerIntoTheGroup() {
    Batches batches = recipe("luffy").next(context(0, 99, 0));
    List<TrainingSequence> sequences = only(batches);
    assertEquals(PROMPTS, batches.demonstrations());
    assertEquals(PROMPTS * (SAMPLES - 1), batches.rollouts());
    assertEquals(0, batches.reward());
    for (int i = 0; i < sequences.size(); i++) {
      TrainingSequence sequence = sequences.get(i);
      boolean expert = i % SAMPLES == SAMPLES - 1;
      Role role = expert ? Role.DEMONSTRATION : Role.ROLLOUT;
      assertEquals(sequence.answerLength(), count(sequence, role));
      assertEquals(expert ? 1.5 : -0.5, sequence.advantage(), 1e-5);
    }
  }

  @Test
  void srftRewardsRolloutsByThemselvesAndTheDemonstrationByItsGroup() {
    List<TrainingSequence> sequences = only(recipe("srft").next(context(0, 99, 0)));
    for (int i = 0; i < sequences.size(); i++) {
      boolean expert = i % SAMPLES == SAMPLES - 1;
      assertEquals(expert ? 1.5 : -1, sequences.get(i).advantage(), 1e-5);
    }
    assertEquals(1, only(recipe("srft").next(context(0, 0, 0))).get(0).advantage());
  }

  @Test
  void uftGivesAGroupOneHintAndNoneInTheEnd() {
    Recipe uft = recipe("uft", "schedule-steps", "100");
    Set<Long> lengths = new HashSet<>();
    for (int step = 0; step < 5; step++) {
      List<TrainingSequence> sequences = only(uft.next(context(step, 99, 0)));
      for (int i = 0; i < sequences.size(); i++) {
        long hint = count(sequences.get(i), Role.HINT);
        assertEquals(count(sequences.get(i - i % SAMPLES), Role.HINT), hint);
        lengths.add(hint);
      }
    }
    assertTrue(lengths.contains(14L) || lengths.contains(18L), lengths.toString());
    assertTrue(Set.of(0L, 4L, 7L, 11L, 14L, 18L).containsAll(lengths), lengths.toString());
    Batches late = uft.next(context(100, 99, 0));
    assertEquals(0, late.demonstrations());
    assertEquals(0, only(late).stream().mapToLong(s -> count(s, Role.HINT)).sum());
  }

  @Test
  void prefixRftLetsOneAnswerOfAGroupContinueTheExpert() {
    Recipe prefixRft = recipe("prefix-rft");
    for (int step : new int[] {0, 300, 600}) {
      Batches batches = prefixRft.next(context(step, 1, 0));
      List<TrainingSequence> sequences = only(batches);
      for (int i = 0; i < sequences.size(); i++) {
        long prefix = count(sequences.get(i), Role.HINT);
        boolean hybrid = i % SAMPLES == SAMPLES - 1;
        assertEquals(hybrid, prefix > 0);
        assertTrue(prefix < sequences.get(i).answerLength());
        assertEquals(hybrid ? 1.5 : -0.5, sequences.get(i).advantage(), 1e-5);
      }
      assertEquals(PROMPTS, batches.demonstrations());
    }
  }

  @Test
  void breadSearchesWhereAllFailForAnAnchorWhereSomeSucceed() {
    // Of five episodes the first three, 11 tokens, are what one of four answers needs.
    Ability ability = (given, answer) -> given >= 14 || (given >= 11 && answer == 0);
    Batches batches = recipe("bread").next(context(0, ability));
    assertEquals(0, batches.reward());
    assertEquals(PROMPTS, batches.demonstrations());
    for (TrainingSequence sequence : only(batches)) {
      assertEquals(11, count(sequence, Role.IGNORED));
      assertEquals(0, count(sequence, Role.HINT));
      assertTrue(sequence.advantage() != 0);
    }
    assertEquals(PROMPTS * SAMPLES * 2, batches.rollouts());
  }

  @Test
  void breadLeavesGroupsAloneThatSucceedAtTimes() {
    Batches batches = recipe("bread").next(context(0, 99, 1));
    assertEquals(PROMPTS * SAMPLES, batches.rollouts());
    assertEquals(0, batches.demonstrations());
  }

  @Test
  void reliftFineTunesOnHardPromptsOnceThereAreEnough() {
    Recipe relift = recipe("relift");
    assertEquals(1, relift.next(context(0, 99, 0)).updates().size());
    Batches second = relift.next(context(1, 99, 0));
    assertEquals(2, second.updates().size());
    Recipe.Update supervised = second.updates().get(1);
    assertEquals(Optimizer.SUPERVISED, supervised.optimizer());
    assertEquals(8, supervised.sequences().size());
    assertEquals(8, second.demonstrations());
    for (TrainingSequence sequence : supervised.sequences()) {
      assertEquals(sequence.answerLength(), count(sequence, Role.DEMONSTRATION));
    }
    assertEquals(1, recipe("relift").next(context(0, 0, 0)).updates().size());
  }

  @Test
  void reliftGoesOnFromASavedState() {
    Recipe straight = recipe("relift");
    straight.next(context(0, 99, 0));
    Recipe resumed = recipe("relift");
    resumed.restore(straight.state());
    List<TrainingSequence> expected = straight.next(context(1, 99, 0)).updates().get(1).sequences();
    List<TrainingSequence> actual = resumed.next(context(1, 99, 0)).updates().get(1).sequences();
    for (int i = 0; i < expected.size(); i++) {
      for (int at = 0; at < expected.get(i).length(); at++) {
        assertEquals(expected.get(i).token(at), actual.get(i).token(at));
      }
    }
  }

  @Test
  void thePipelineChangesOverWhenItsScheduleEnds() {
    Recipe pipeline = recipe("sft-grpo", "steps", "8");
    assertEquals(0, pipeline.next(context(1, 99, 1)).rollouts());
    assertEquals(PROMPTS * SAMPLES, pipeline.next(context(2, 99, 1)).rollouts());
  }

  @Test
  void hintsAreTheBeginningOfTheTrace() {
    recipe("uft", "schedule-steps", "600").next(context(0, 99, 0));
    for (int[] prefix : asked) {
      assertEquals(ints(Arrays.copyOf(solved(prefix), prefix.length)), ints(prefix));
    }
    assertFalse(asked.isEmpty());
  }
}
