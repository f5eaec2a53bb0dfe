package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Objective;
import org.plait.Role;
import org.plait.TensorView;
import org.plait.lab.countdown.Problem;
import org.plait.recipe.PackedGroups;
import org.plait.recipe.Response;
import org.plait.recipe.ResponseGroup;

/**
 * Answers to one problem, which are judged against each other. Immutable.
 *
 * @param responses sampled ones, and perhaps a demonstration
 */
record AnswerGroup(Problem problem, ResponseGroup<int[]> responses) {

  /** A group of sampled answers. */
  static AnswerGroup of(Problem problem, List<Response<int[]>> responses) {
    return new AnswerGroup(problem, new ResponseGroup<>(responses));
  }

  /** Advantages of all answers, group after group. */
  static float[] advantages(List<AnswerGroup> groups, GroupAdvantage options) {
    PackedGroups<int[]> packed = PackedGroups.of(groups.stream().map(g -> g.responses).toList());
    return options
        .of(
            TensorView.copyOf(packed.rewards()),
            Groups.ids(TensorView.copyOf(packed.groups()), packed.groupCount()))
        .toFloats();
  }

  /** Sequences to train on, with an advantage each. */
  static List<TrainingSequence> sequences(List<AnswerGroup> groups, float[] advantages) {
    List<TrainingSequence> sequences = new ArrayList<>(advantages.length);
    for (AnswerGroup group : groups) {
      for (Response<int[]> response : group.responses.responses()) {
        sequences.add(TrainingSequence.of(group.problem, response, advantages[sequences.size()]));
      }
    }
    return sequences;
  }

  /** What a step makes of groups that are judged by mean and standard deviation. */
  static Recipe.Batches batches(
      List<AnswerGroup> groups, Objective objective, int rollouts, int demonstrations) {
    float[] advantages = advantages(groups, GroupAdvantage.grpo());
    Recipe.Update update = new Recipe.Update(sequences(groups, advantages), objective);
    return new Recipe.Batches(List.of(update), solved(groups), rollouts, demonstrations);
  }

  /** Share of the sampled answers that the verifier accepts. */
  static double solved(List<AnswerGroup> groups) {
    return groups.stream()
        .flatMap(group -> group.responses.responses().stream())
        .filter(response -> response.origin() != Role.DEMONSTRATION)
        .mapToDouble(response -> response.reward() > 0 ? 1 : 0)
        .average()
        .orElse(Double.NaN);
  }

  /** How many of the answers the verifier accepts. */
  int successes() {
    return (int) responses.responses().stream().filter(r -> r.reward() > 0).count();
  }
}
