package org.plait.benchmarks;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

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

  /** The graph of an objective's loss. The entropy is computed only where the loss needs it. */
  @SuppressWarnings("try") // the scope frees the small tensors
  static Graph policyLoss(
      Tensor logits, Tensor targets, TorchLosses.Inputs inputs, StepObjective objective) {
    Tensor leaf = logits.detach().requires_grad_(true);
    if (objective.usesEntropy) {
      try (RowStats stats = rowStats(leaf, targets);
          PointerScope scope = new PointerScope()) {
        return new Graph(leaf, loss(objective, inputs, stats.logProbs, stats.entropy));
      }
    }
    Tensor logProbs;
    try (Tensor logSoftmax = logSoftmax(leaf)) {
      logProbs = gather(logSoftmax, targets);
    }
    try (logProbs;
        PointerScope scope = new PointerScope()) {
      return new Graph(leaf, loss(objective, inputs, logProbs, null));
    }
  }

  private static Tensor loss(
      StepObjective objective,
      TorchLosses.Inputs inputs,
      Tensor logProbs,
      @Nullable Tensor entropy) {
    long rows = inputs.mask().size(0);
    Tensor table = entropy == null ? null : entropy.view(rows, -1);
    return objective
        .torch(new TorchLosses(inputs, logProbs.view(rows, -1), table))
        .<Tensor>retainReference();
  }

  /** {@code (r - mean) / (std + epsilon)} of contiguous groups of one size, as TRL writes it. */
  @SuppressWarnings("try")
  static Tensor groupAdvantage(Tensor rewards, long groups, float epsilon) {
    try (PointerScope scope = new PointerScope()) {
      Tensor table = rewards.view(groups, -1);
      long[] rows = {1};
      long size = table.size(1);
      Tensor mean = table.mean(rows, false, new ScalarTypeOptional());
      Tensor std = table.std(rows, true, false);
      Tensor centred = rewards.sub(mean.repeat_interleave(size));
      Tensor spread = std.repeat_interleave(size);
      return centred.div(spread.add(new Scalar(epsilon))).<Tensor>retainReference();
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
}
