package org.plait.benchmarks;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The textbook computations in eager PyTorch, in float32 as trainers do them. Tensors as large as
 * the logits are closed where Python would drop them, so that peak memory is Python's; the small
 * ones by a scope.
 */
final class TorchEager {
  private TorchEager() {}

  /** float32 [T] each. */
  record RowStats(Tensor logProbs, Tensor entropy) implements AutoCloseable {
    @Override
    public void close() {
      logProbs.close();
      entropy.close();
    }
  }

  /** A leaf of the graph that shares the logits' memory, and the loss. Closing frees the graph. */
  record Graph(Tensor leaf, Tensor loss) implements AutoCloseable {
    /** Runs autograd; the gradient is then {@code leaf.grad()}. */
    void backward() {
      loss.backward();
    }

    @Override
    public void close() {
      loss.close();
      leaf.close();
    }
  }

  /** What the loss of a policy step is made of. */
  record PolicyInputs(
      Tensor targets, Tensor oldLogProbs, Tensor advantages, long sequences, float entropyBonus) {}

  /**
   * Log-prob, then entropy, as trainers do them: two functions that each start from the logits,
   * {@code log_softmax(logits.float()).gather(targets)} and {@code -(logp.exp() * logp).sum()} of a
   * {@code logp = log_softmax(logits.float())} of its own.
   */
  static RowStats rowStats(Tensor logits, Tensor targets) {
    Tensor logProbs;
    try (Tensor logSoftmax = logSoftmax(logits)) {
      logProbs = gather(logSoftmax, targets);
    }
    return new RowStats(logProbs, entropy(logits));
  }

  /** The graph of {@code (c * logp).sum() + (h * entropy).sum()}. */
  @SuppressWarnings("try") // the scope frees the small tensors
  static Graph weightedSum(Tensor logits, Tensor targets, Tensor c, Tensor h) {
    Tensor leaf = logits.detach().requires_grad_(true);
    try (RowStats stats = rowStats(leaf, targets);
        PointerScope scope = new PointerScope()) {
      Tensor loss = stats.logProbs.mul(c).sum().add(stats.entropy.mul(h).sum());
      return new Graph(leaf, loss.<Tensor>retainReference());
    }
  }

  /**
   * The graph of GRPO's loss with clip range 0.2 and dual clip 3: token means of sequences of equal
   * length, then their mean. The entropy is computed only where the loss needs it.
   */
  static Graph policyLoss(Tensor logits, PolicyInputs inputs) {
    Tensor leaf = logits.detach().requires_grad_(true);
    if (inputs.entropyBonus == 0) {
      try (Tensor logSoftmax = logSoftmax(leaf)) {
        try (Tensor logProbs = gather(logSoftmax, inputs.targets)) {
          return new Graph(leaf, clipLoss(logProbs, inputs));
        }
      }
    }
    try (RowStats stats = rowStats(leaf, inputs.targets);
        Tensor policy = clipLoss(stats.logProbs, inputs);
        Tensor entropy = sequenceMean(stats.entropy, inputs.sequences);
        Scalar bonus = new Scalar(inputs.entropyBonus)) {
      return new Graph(leaf, policy.sub(entropy, bonus));
    }
  }

  /** {@code (r - mean) / (std + epsilon)} of contiguous groups of one size. */
  @SuppressWarnings("try")
  static Tensor groupAdvantage(Tensor rewards, long groups, float epsilon) {
    try (PointerScope scope = new PointerScope()) {
      Tensor table = rewards.view(groups, -1);
      long[] rows = {1};
      Tensor mean = table.mean(rows, true, new ScalarTypeOptional());
      Tensor std = table.std(rows, true, true);
      Tensor advantages = table.sub(mean).div(std.add(new Scalar(epsilon))).view(-1);
      return advantages.<Tensor>retainReference();
    }
  }

  private static Tensor logSoftmax(Tensor logits) {
    try (Tensor x = logits.to(torch.ScalarType.Float)) {
      return x.log_softmax(-1);
    }
  }

  private static Tensor gather(Tensor logSoftmax, Tensor targets) {
    try (Tensor index = targets.unsqueeze(-1);
        Tensor column = logSoftmax.gather(-1, index)) {
      return column.squeeze(-1);
    }
  }

  private static Tensor entropy(Tensor logits) {
    try (Tensor products = products(logits);
        Tensor sum = products.sum(-1)) {
      return sum.neg();
    }
  }

  private static Tensor products(Tensor logits) {
    try (Tensor logSoftmax = logSoftmax(logits);
        Tensor softmax = logSoftmax.exp()) {
      return softmax.mul(logSoftmax);
    }
  }

  @SuppressWarnings("try")
  private static Tensor clipLoss(Tensor logProbs, PolicyInputs inputs) {
    try (PointerScope scope = new PointerScope()) {
      Tensor ratio = logProbs.sub(inputs.oldLogProbs).exp();
      Tensor clipped =
          ratio.clamp(new ScalarOptional(new Scalar(0.8f)), new ScalarOptional(new Scalar(1.2f)));
      Tensor negative = inputs.advantages.neg();
      Tensor loss = torch.maximum(negative.mul(ratio), negative.mul(clipped));
      Tensor bounded = torch.minimum(loss, negative.mul(new Scalar(3f)));
      Tensor dual = torch.where(inputs.advantages.lt(new Scalar(0f)), bounded, loss);
      return sequenceMean(dual, inputs.sequences).<Tensor>retainReference();
    }
  }

  private static Tensor sequenceMean(Tensor perToken, long sequences) {
    try (Tensor table = perToken.view(sequences, -1);
        Tensor means = table.mean(1)) {
      return means.mean();
    }
  }
}
