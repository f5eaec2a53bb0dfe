package org.plait.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.plait.Backend;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.torch.TorchPlait;
import org.plait.torch.TorchStep;

/**
 * A batch that does not fit, in micro-batches: one optimiser step with the gradient of the whole
 * batch, however it is divided between sequences. Ranks are the same: each passes the counts of all
 * of them, and gradients are summed, not averaged.
 */
public final class GradientAccumulation {
  private static final int VOCAB = 64;
  private static final int[] LENGTHS = {9, 2, 3, 30, 4, 1, 12, 7}; // of the sequences
  private static final int[] SPLIT = {0, 3, 4, 8}; // sequences of the micro-batches
  private static final Objective OBJECTIVE = Objective.dapo(); // a mean over tokens

  private final TinyModel model = new TinyModel(VOCAB);
  private final float[] advantages =
      GroupAdvantage.grpo()
          .of(
              TensorView.copyOf(1f, 0f, 0f, 1f, 0f, 0f, 0f, 1f),
              Groups.offsets(TensorView.copyOf(0L, 4L, 8L)))
          .toFloats();

  private GradientAccumulation() {}

  /** Sequences that are in memory together. */
  private record Part(Tensor tokens, Tensor targets, TokenBatch batch) {}

  /** The gradient of the parameters, and what was measured on the way. */
  private record Gradient(Tensor parameters, Metrics metrics) {
    /** Distance relative to the norm. */
    double distance(Tensor other) {
      return parameters.sub(other).norm().item_double() / parameters.norm().item_double();
    }
  }

  /**
   * What was found.
   *
   * @param counted error of micro-batches that are given the counts of the whole batch
   * @param averaged error of averaging the means of micro-batches
   * @param sameBits whether dividing the batch changes no bit of the gradient of the logits
   */
  record Result(double counted, double averaged, boolean sameBits) {}

  /** Computes the gradient in one piece and in several, and compares. */
  static Result run() {
    torch.manual_seed(1);
    return new GradientAccumulation().compare();
  }

  private Result compare() {
    Part whole = part(0, LENGTHS.length);
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i + 1 < SPLIT.length; i++) {
      parts.add(part(SPLIT[i], SPLIT[i + 1]));
    }
    Gradient expected = accumulate(List.of(whole), Normalizers.NONE);

    // tag::count[]
    Normalizers all = Normalizers.count(parts.stream().map(Part::batch).toArray(TokenBatch[]::new));
    // end::count[]
    Gradient counted = accumulate(parts, all);
    Gradient summed = accumulate(parts, Normalizers.NONE); // each by its own counts
    Tensor averaged = summed.parameters().div(TinyModel.scalar(parts.size()));

    Result result =
        new Result(
            expected.distance(counted.parameters()),
            expected.distance(averaged),
            sameBits(whole, parts, all));
    System.out.printf("%.0f tokens in %.0f sequences%n", all.tokens(), all.sequences());
    System.out.printf(
        "by the counts of the batch: parameters' gradient off by %.1e of its norm%n",
        result.counted());
    System.out.printf("  every bit of the logits' gradient the same: %s%n", result.sameBits());
    System.out.printf(
        "  metrics add up: loss %.6f and %.6f%n",
        expected.metrics().loss(), counted.metrics().loss());
    System.out.printf("mean of the micro-batches' means: off by %.0f%%%n", 100 * result.averaged());
    return result;
  }

  private Gradient accumulate(List<Part> parts, Normalizers normalizers) {
    // tag::accumulate[]
    Metrics metrics = new Metrics();
    model.zero_grad(true);
    try (TorchStep step = new TorchStep(Backend.cpu(), OBJECTIVE)) {
      for (Part part : parts) {
        Tensor logits = model.forward(part.tokens());
        Tensor dLogits = step.step(logits, part.targets(), part.batch(), normalizers);
        TorchPlait.backward(logits, dLogits); // adds to the parameters' gradients
        metrics.add(step.metrics());
      }
    }
    // now one step of the optimiser
    // end::accumulate[]
    TensorVector gradients = new TensorVector();
    for (long i = 0; i < model.parameters().size(); i++) {
      gradients.push_back(model.parameters().get(i).grad().flatten().clone());
    }
    return new Gradient(torch.cat(gradients), metrics);
  }

  /** Compares gradients of the same logits: a model gives others by a bit for another batch. */
  private boolean sameBits(Part whole, List<Part> parts, Normalizers all) {
    try (NoGradGuard guard = new NoGradGuard();
        TorchStep step = new TorchStep(Backend.cpu(), OBJECTIVE)) {
      Tensor logits = model.forward(whole.tokens());
      Tensor expected = step.step(logits, whole.targets(), whole.batch(), Normalizers.NONE);
      boolean same = true;
      long from = 0;
      for (Part part : parts) {
        long rows = part.batch().tokens();
        Tensor own = logits.narrow(0, from, rows);
        Tensor dLogits = step.step(own, part.targets(), part.batch(), all);
        same &= expected.narrow(0, from, rows).equal(dLogits);
        from += rows;
      }
      return same;
    }
  }

  /** Sequences {@code from} to {@code to - 1} as a batch. */
  private Part part(int from, int to) {
    long[] offsets = new long[to - from + 1];
    for (int i = from; i < to; i++) {
      offsets[i - from + 1] = offsets[i - from] + LENGTHS[i];
    }
    int rows = (int) offsets[to - from];
    long[] tokens = new long[rows];
    long[] targets = new long[rows];
    for (int i = from; i < to; i++) {
      Random random = new Random(i); // a sequence is the same in any part
      for (int row = (int) offsets[i - from]; row < offsets[i - from + 1]; row++) {
        tokens[row] = random.nextInt(VOCAB);
        targets[row] = random.nextInt(VOCAB);
      }
    }
    TokenBatch batch =
        TokenBatch.builder(rows)
            .offsets(TensorView.copyOf(offsets))
            .sequenceAdvantages(TensorView.copyOf(Arrays.copyOfRange(advantages, from, to)))
            .build();
    return new Part(TinyModel.tokens(tokens), TinyModel.tokens(targets), batch);
  }

  public static void main(String[] arguments) {
    run();
  }
}
