package org.plait.examples;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.HybridObjectives;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.Role;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenBatch;

/**
 * Logits in, their gradient out, with direct buffers and nothing else: for engines that are not
 * PyTorch. One LUFFY step (arXiv:2504.14945) on two prompts, each with three sampled answers and
 * one demonstration.
 *
 * <p>There is no model here. The logits are random, and gradient descent on them stands for
 * training.
 */
public final class PlainBuffers {
  private static final int VOCAB = 50;
  private static final int LONGEST = 8;

  /** Row t of the logits predicts token t + 1, so the last row of a sequence predicts nothing. */
  private static final int PROMPT = 3;

  private static final int[] ANSWERS = {5, 2, 4, 3, 4, 4, 1, 5}; // tokens of each answer
  private static final float[] REWARDS = {1, 0, 0, 1, 0, 1, 1, 1};
  private static final int PER_PROMPT = 4; // three rollouts and, last, the demonstration
  private static final float RATE = 2;

  private PlainBuffers() {}

  /** What there is to check about it. */
  record Result(List<Double> losses, List<Role> roles, TensorView gradient) {}

  /** Takes three steps and prints what they did. */
  static Result run() {
    // tag::packing[]
    int sequences = ANSWERS.length;
    long[] offsets = new long[sequences + 1];
    for (int i = 0; i < sequences; i++) {
      offsets[i + 1] = offsets[i] + PROMPT + ANSWERS[i]; // as many rows as tokens
    }
    int rows = (int) offsets[sequences];
    Role[] roles = new Role[rows];
    Arrays.fill(roles, Role.IGNORED); // prompts, and the last row of every sequence
    long[] targets = new long[rows];
    for (int i = 0; i < sequences; i++) {
      boolean demonstration = i % PER_PROMPT == PER_PROMPT - 1;
      for (int row = (int) offsets[i] + PROMPT - 1; row < offsets[i + 1] - 1; row++) {
        targets[row] = (7L * row + i) % VOCAB; // the token after this row: tokens[row + 1]
        roles[row] = demonstration ? Role.DEMONSTRATION : Role.ROLLOUT;
      }
    }
    // end::packing[]

    // tag::advantages[]
    TensorView rewards = TensorView.copyOf(REWARDS);
    Groups groups = Groups.offsets(TensorView.copyOf(0, PER_PROMPT, 2 * PER_PROMPT));
    TensorView advantages = GroupAdvantage.luffy().of(rewards, groups);
    // end::advantages[]
    System.out.println("advantages " + Arrays.toString(advantages.toFloats()));

    // tag::buffers[]
    ByteBuffer memory =
        ByteBuffer.allocateDirect(rows * VOCAB * Float.BYTES).order(ByteOrder.nativeOrder());
    TensorView data = TensorView.of(memory, DType.FLOAT32, rows, VOCAB); // no copy
    Logits logits = Logits.of(data, TensorView.copyOf(targets));
    // end::buffers[]
    Random random = new Random(1);
    for (int i = 0; i < rows * VOCAB; i++) {
      memory.putFloat(i * Float.BYTES, (float) random.nextGaussian());
    }

    // tag::old[]
    Backend cpu = Backend.cpu();
    TensorView old = TensorView.allocate(DType.FLOAT32, rows); // of the policy that sampled
    RowStats.compute(cpu, logits, new RowStats.Output(old, null, null, null));
    // end::old[]

    // tag::step[]
    TokenBatch batch =
        TokenBatch.builder(rows)
            .offsets(TensorView.copyOf(offsets))
            .roles(TensorView.copyOf(roles))
            .sequenceAdvantages(advantages)
            .oldLogProbs(old)
            .build();
    Objective objective = HybridObjectives.luffy();
    Normalizers normalizers = Normalizers.NONE.withLength(LONGEST);
    PolicyStep.Output out = PolicyStep.Output.allocate(logits); // or inPlace(logits)
    Metrics metrics = new Metrics();
    TensorView workspace =
        TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(rows, sequences));

    PolicyStep.compute(cpu, logits, batch, objective, normalizers, out, metrics, workspace);
    // end::step[]
    metrics.toVerlMap().forEach((name, value) -> System.out.printf("%-28s %9.4f%n", name, value));
    Result result =
        new Result(new ArrayList<>(), List.of(roles), TensorView.copyOf(out.dLogits().toFloats()));

    // Everything is reused: a call allocates nothing, and reads what the buffers hold now.
    for (int step = 0; step < 3; step++) {
      for (int i = 0; i < rows * VOCAB; i++) {
        int at = i * Float.BYTES;
        memory.putFloat(at, memory.getFloat(at) - RATE * out.dLogits().getFloat(i));
      }
      PolicyStep.compute(cpu, logits, batch, objective, normalizers, out, metrics, workspace);
      result.losses.add(metrics.loss());
      System.out.printf(
          "after %d updates: loss %.4f, ratio up to %.3f, probability of demonstrations %.4f%n",
          step + 1,
          metrics.loss(),
          metrics.ratioMax(),
          metrics.probabilityMean(Role.DEMONSTRATION));
    }
    return result;
  }

  public static void main(String[] arguments) {
    run();
  }
}
