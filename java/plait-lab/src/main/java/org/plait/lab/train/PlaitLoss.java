package org.plait.lab.train;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.plait.Backend;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TokenBatch;
import org.plait.torch.TorchStep;

/** The loss by Plait: one pass over the logits. */
final class PlaitLoss implements PolicyObjectiveLoss {

  private final Map<Objective, TorchStep> steps = new HashMap<>();

  @Override
  public Result compute(Tensor logits, Shard shard, Objective objective, Normalizers normalizers) {
    TorchStep step = steps.computeIfAbsent(objective, o -> new TorchStep(Backend.cpu(), o));
    TokenBatch batch = shard.batch();
    long start = System.nanoTime();
    Tensor gradient = step.step(logits, shard.targets(), batch, normalizers);
    return new Result(gradient, LossMetrics.of(step.metrics(), System.nanoTime() - start));
  }

  @Override
  public void close() {
    steps.values().forEach(TorchStep::close);
  }
}
