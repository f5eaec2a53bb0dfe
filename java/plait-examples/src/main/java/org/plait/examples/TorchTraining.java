package org.plait.examples;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.plait.Backend;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TokenBatch;
import org.plait.torch.TorchPlait;
import org.plait.torch.TorchStep;

/**
 * A training loop with PyTorch: supervised fine-tuning of a model that learns which token follows
 * which.
 */
public final class TorchTraining {
  private static final int VOCAB = 64;
  private static final int STEPS = 60;

  private TorchTraining() {}

  /** Trains, and returns the loss of every step. */
  static double[] run() {
    torch.manual_seed(1);
    // Token x is followed by 5 x + 3, modulo the vocabulary.
    long[] text = new long[VOCAB];
    long[] following = new long[VOCAB];
    for (int x = 0; x < VOCAB; x++) {
      text[x] = x;
      following[x] = (5L * x + 3) % VOCAB;
    }
    Tensor tokens = TinyModel.tokens(text);
    Tensor targets = TinyModel.tokens(following);
    double[] losses = new double[STEPS];

    // tag::loop[]
    TinyModel model = new TinyModel(VOCAB);
    Adam optimizer = new Adam(model.parameters(), new AdamOptions(0.02));
    TokenBatch batch = TokenBatch.builder(VOCAB).build(); // one sequence, no advantages
    try (TorchStep step = new TorchStep(Backend.cpu(), Objective.sft())) {
      for (int i = 0; i < STEPS; i++) {
        try (PointerScope scope = new PointerScope()) { // frees the tensors of the step
          Tensor logits = model.forward(tokens);
          Tensor dLogits = step.step(logits, targets, batch, Normalizers.NONE);
          optimizer.zero_grad();
          TorchPlait.backward(logits, dLogits);
          optimizer.step();
        }
        losses[i] = step.metrics().loss();
      }
    }
    // end::loop[]
    for (int i = 0; i < STEPS; i += 10) {
      System.out.printf("step %2d: loss %.4f%n", i, losses[i]);
    }
    System.out.printf("step %2d: loss %.4f%n", STEPS - 1, losses[STEPS - 1]);
    return losses;
  }

  public static void main(String[] arguments) {
    run();
  }
}
