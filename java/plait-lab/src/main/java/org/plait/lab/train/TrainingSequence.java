package org.plait.lab.train;

import java.util.Arrays;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.lab.countdown.Vocabulary;

/** A prompt and the answer tokens that follow it, with what each of them is to the objective. */
public final class TrainingSequence {

  private final int[] tokens;
  private final Role[] roles;
  private final float advantage;

  private TrainingSequence(int[] tokens, Role[] roles, float advantage) {
    this.tokens = tokens;
    this.roles = roles;
    this.advantage = advantage;
  }

  /** An expert's answer. */
  public static TrainingSequence demonstration(Example example) {
    int[] answer = example.trace().tokens();
    int[] tokens = Arrays.copyOf(example.problem().prompt(), Problem.PROMPT_LENGTH + answer.length);
    System.arraycopy(answer, 0, tokens, Problem.PROMPT_LENGTH, answer.length);
    return new TrainingSequence(tokens, roles(tokens, Role.DEMONSTRATION), 0);
  }

  /** A sampled answer, up to and including its EOS or as long as the sequence is. */
  public static TrainingSequence rollout(int[] sampled, float advantage) {
    int length = Problem.PROMPT_LENGTH;
    while (length < sampled.length && sampled[length - 1] != Vocabulary.EOS) {
      length++;
    }
    int[] tokens = Arrays.copyOf(sampled, length);
    return new TrainingSequence(tokens, roles(tokens, Role.ROLLOUT), advantage);
  }

  private static Role[] roles(int[] tokens, Role role) {
    Role[] roles = new Role[tokens.length - Problem.PROMPT_LENGTH];
    Arrays.fill(roles, role);
    return roles;
  }

  /** Tokens of prompt and answer. */
  int length() {
    return tokens.length;
  }

  int token(int position) {
    return tokens[position];
  }

  /** Tokens of the answer. */
  int answerLength() {
    return roles.length;
  }

  /** The role of an answer token. */
  Role role(int answerPosition) {
    return roles[answerPosition];
  }

  /** The advantage of every policy-gradient token of the sequence. */
  float advantage() {
    return advantage;
  }
}
