package org.plait.examples;

import java.util.Random;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.plait.Backend;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.KlEstimator;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.torch.TorchPlait;
import org.plait.torch.TorchStep;

/**
 * The step of the README: GRPO with a KL term and an entropy bonus, from the logits of a model to
 * the gradients of its parameters.
 */
public final class TrainingStep {
  private static final int VOCAB = 64;

  private TrainingStep() {}

  /** Prepares what a trainer has at hand and takes the step; returns the norm of a gradient. */
  static double run() {
    torch.manual_seed(1);
    TinyModel model = new TinyModel(VOCAB);
    long[] offsets = {0, 5, 8, 12, 20}; // four answers, two to each prompt
    int tokenCount = 20;
    Random random = new Random(1);
    Tensor tokens = TinyModel.tokens(random.longs(tokenCount, 0, VOCAB).toArray());
    Tensor targets = TinyModel.tokens(random.longs(tokenCount, 0, VOCAB).toArray());
    TensorView rewards = TensorView.copyOf(1f, 0f, 0f, 1f);
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 2L, 4L));
    Tensor oldLogProbs = logProbs(model, tokens, targets).add_(TinyModel.scalar(0.1));
    Tensor referenceLogProbs = logProbs(new TinyModel(VOCAB), tokens, targets);
    step(
        model,
        tokens,
        targets,
        tokenCount,
        offsets,
        oldLogProbs,
        referenceLogProbs,
        rewards,
        groups);
    double norm = model.parameters().get(0).grad().norm().item_double();
    System.out.printf("norm of the embedding's gradient %.4f%n", norm);
    return norm;
  }

  private static void step(
      TinyModel model,
      Tensor tokens,
      Tensor targets,
      int tokenCount,
      long[] offsets,
      Tensor oldLogProbs,
      Tensor referenceLogProbs,
      TensorView rewards,
      Groups groups) {
    // tag::step[]
    Backend backend = Backend.cpu(); // or Backend.cuda(0), for tensors there
    Objective objective =
        Objective.grpo().toBuilder()
            .clip(0.2f, 0.28f)
            .kl(KlEstimator.K3, 1e-3f)
            .entropyBonus(1e-3f)
            .build(); // data: print it, save it, compose it

    try (TorchStep step = new TorchStep(backend, objective)) {
      Tensor logits = model.forward(tokens); // [T, V] float32, bfloat16 or float16
      TokenBatch batch =
          TokenBatch.builder(tokenCount) // packed: T tokens in B sequences
              .offsets(TensorView.copyOf(offsets)) // int64 [B + 1]
              .oldLogProbs(TorchPlait.view(oldLogProbs)) // float32 [T]
              .referenceLogProbs(TorchPlait.view(referenceLogProbs)) // float32 [T]
              .sequenceAdvantages(GroupAdvantage.grpo().of(rewards, groups))
              .build();
      Tensor dLogits = step.step(logits, targets, batch, Normalizers.NONE);
      TorchPlait.backward(logits, dLogits); // on into the model
      System.out.println(step.metrics()); // loss, clip fractions, KL, entropy, ...
    }
    // end::step[]
  }

  /** Log-probabilities of the targets, as of another policy: constants. */
  private static Tensor logProbs(TinyModel model, Tensor tokens, Tensor targets) {
    try (NoGradGuard guard = new NoGradGuard();
        TorchStep step = new TorchStep(Backend.cpu(), Objective.sft())) {
      TokenBatch batch = TokenBatch.builder(tokens.numel()).build();
      step.step(model.forward(tokens), targets, batch, Normalizers.NONE);
      return step.logProbs().clone();
    }
  }

  public static void main(String[] arguments) {
    run();
  }
}
