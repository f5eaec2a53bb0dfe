package org.plait.lab.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Verifier;
import org.plait.lab.countdown.Vocabulary;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.Response;

/**
 * An answer that the policy is to sample: all of it, or what follows a hint. Immutable.
 *
 * @param example the problem, and the trace that a hint is the beginning of
 * @param given tokens of the trace that the policy continues
 * @param givenRole what they are to the objective
 * @param reward of right and wrong answers
 */
record Attempt(Example example, int given, Role givenRole, BinaryReward reward) {

  /** An answer without a hint. */
  static Attempt of(Example example, BinaryReward reward) {
    return new Attempt(example, 0, Role.IGNORED, reward);
  }

  /** So many equal ones: a group. */
  List<Attempt> times(int samples) {
    return Collections.nCopies(samples, this);
  }

  /** Prompt and hint. */
  private int[] prefix() {
    return example.problem().followedBy(Arrays.copyOf(example.trace().tokens(), given));
  }

  /** Samples all answers in one go, and has the verifier judge each of them, hint included. */
  static List<Response<int[]>> sample(List<Attempt> attempts, StepContext context) {
    List<int[]> sampled = context.sample(attempts.stream().map(Attempt::prefix).toList());
    List<Response<int[]>> responses = new ArrayList<>(sampled.size());
    for (int i = 0; i < sampled.size(); i++) {
      responses.add(attempts.get(i).judge(sampled.get(i)));
    }
    return responses;
  }

  private Response<int[]> judge(int[] sequence) {
    boolean accepted = Verifier.accepts(example.problem(), sequence, Problem.PROMPT_LENGTH);
    int[] answer = answer(sequence);
    return new Response<>(answer, answer.length, given, givenRole, reward.of(accepted));
  }

  /** What follows the prompt, up to and including its EOS or as long as the sequence is. */
  static int[] answer(int[] sequence) {
    int end = Problem.PROMPT_LENGTH;
    while (end < sequence.length && sequence[end - 1] != Vocabulary.EOS) {
      end++;
    }
    return Arrays.copyOfRange(sequence, Problem.PROMPT_LENGTH, end);
  }

  /** The expert's answer, judged by the same verifier. */
  static Response<int[]> demonstration(Example example, BinaryReward reward) {
    int[] trace = example.trace().tokens();
    int[] sequence = example.problem().followedBy(trace);
    boolean accepted = Verifier.accepts(example.problem(), sequence, Problem.PROMPT_LENGTH);
    return Response.demonstration(trace, reward.of(accepted));
  }
}
