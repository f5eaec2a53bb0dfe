package org.plait.lab.train;

import org.bytedeco.pytorch.Tensor;
import org.plait.Normalizers;
import org.plait.Objective;

/** Logits in, gradient of the logits out. One instance serves one thread at a time. */
interface PolicyObjectiveLoss extends AutoCloseable {

  /** Who computes the loss. */
  enum Kind {
    /** Plait's fused kernel. */
    PLAIT,
    /** Textbook PyTorch operators and autograd. */
    TORCH;

    PolicyObjectiveLoss create() {
      return switch (this) {
        case PLAIT -> new PlaitLoss();
        case TORCH -> new TorchLoss();
      };
    }
  }

  /**
   * What a loss gives.
   *
   * @param gradient dLoss/dlogits, like the logits
   */
  record Result(Tensor gradient, LossMetrics metrics) {}

  /**
   * The gradient of a shard's share of the loss.
   *
   * @param logits float32 [answer tokens, vocabulary]
   * @param normalizers counts of the whole batch
   */
  Result compute(Tensor logits, Shard shard, Objective objective, Normalizers normalizers);

  @Override
  default void close() {}
}
