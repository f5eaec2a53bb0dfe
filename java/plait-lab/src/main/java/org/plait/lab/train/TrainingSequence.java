package org.plait.lab.train;

import java.util.Arrays;
import org.plait.Role;
import org.plait.lab.countdown.Example;
import org.plait.lab.countdown.Problem;
import org.plait.recipe.BinaryReward;
import org.plait.recipe.Response;

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
    return of(example.problem(), Attempt.demonstration(example, BinaryReward.ONE_ZERO), 0);
  }

  /** A sampled answer, up to and including its EOS or as long as the sequence is. */
  public static TrainingSequence rollout(int[] sampled, float advantage) {
    int[] tokens = Arrays.copyOf(sampled, Problem.PROMPT_LENGTH + Attempt.answer(sampled).length);
    Role[] roles = new Role[tokens.length - Problem.PROMPT_LENGTH];
    Arrays.fill(roles, Role.ROLLOUT);
    return new TrainingSequence(tokens, roles, advantage);
  }

  /** An answer with the roles that its expert's tokens and its own have. */
  static TrainingSequence of(Problem problem, Response<int[]> response, float advantage) {
    Role[] roles = new Role[response.length()];
    Arrays.fill(roles, 0, response.expertTokens(), response.expertRole());
    Arrays.fill(roles, response.expertTokens(), roles.length, Role.ROLLOUT);
    return new TrainingSequence(problem.followedBy(response.tokens()), roles, advantage);
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
