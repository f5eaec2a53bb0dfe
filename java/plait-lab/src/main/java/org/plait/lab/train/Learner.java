package org.plait.lab.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.plait.Backend;
import org.plait.Logits;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.RowStats;
import org.plait.TensorView;
import org.plait.TokenBatch;
import org.plait.lab.model.AdamW;
import org.plait.lab.model.Gpt;
import org.plait.lab.model.Parameters;
import org.plait.lab.model.Workers;
import org.plait.torch.TorchPlait;

/**
 * Takes optimizer steps on batches of sequences. A batch is divided into shards; each shard's
 * thread runs forward, loss and backward on its own model over the shared parameters, and the
 * shards' gradients are added in order. The loss of a shard is normalised by the counts of the
 * whole batch, so the sum is the gradient of the whole. Not thread-safe.
 */
final class Learner implements AutoCloseable {

  private static final double MAX_GRADIENT_NORM = 1.0;

  /** What one optimizer step did. */
  record Step(LossMetrics metrics, double gradientNorm) {}

  /** Log-probabilities and entropies of a shard's answer tokens. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  record Statistics(float[] logProbs, float[] entropies) {}

  private record Slot(Tensor gradients, Gpt model, PolicyObjectiveLoss loss) {}

  private final Parameters parameters;
  private final Workers workers;
  private final PolicyObjectiveLoss.Kind lossKind;
  private final Gpt inference;
  private final List<Slot> slots = new ArrayList<>();

  Learner(Parameters parameters, Workers workers, PolicyObjectiveLoss.Kind lossKind) {
    this.parameters = parameters;
    this.workers = workers;
    this.lossKind = lossKind;
    this.inference = Gpt.forInference(parameters);
  }

  /** A model over the current parameters, whatever they are when it is used. */
  Gpt inference() {
    return inference;
  }

  /** One optimizer step on the mean loss of a batch. */
  Step step(List<Shard> shards, Objective objective, AdamW optimizer, double learningRate) {
    addSlots(shards.size());
    Normalizers normalizers =
        Normalizers.count(shards.stream().map(Shard::batch).toArray(TokenBatch[]::new))
            .withLength(parameters.config().context());
    List<LossMetrics> parts =
        workers.map(
            shards.size(), i -> backward(slots.get(i), shards.get(i), objective, normalizers));
    Tensor total = slots.get(0).gradients();
    try (PointerScope scope = new PointerScope()) {
      for (Slot slot : slots.subList(1, shards.size())) {
        total.add_(slot.gradients());
      }
    }
    double norm = AdamW.clip(total, MAX_GRADIENT_NORM);
    optimizer.step(total, learningRate);
    return new Step(parts.stream().reduce(LossMetrics.ZERO, LossMetrics::plus), norm);
  }

  private void addSlots(int count) {
    while (slots.size() < count) {
      Tensor gradients = parameters.zeros();
      slots.add(new Slot(gradients, Gpt.forTraining(parameters, gradients), lossKind.create()));
    }
  }

  private static LossMetrics backward(
      Slot slot, Shard shard, Objective objective, Normalizers normalizers) {
    slot.gradients().zero_();
    Tensor logits = slot.model().logits(shard.tokens(), shard.rows());
    PolicyObjectiveLoss.Result result = slot.loss().compute(logits, shard, objective, normalizers);
    TorchPlait.backward(logits, result.gradient());
    return result.metrics();
  }

  /** What a policy thinks of the answer tokens of each shard. */
  List<Statistics> statistics(Gpt policy, List<Shard> shards) {
    return workers.map(shards.size(), i -> statistics(policy, shards.get(i)));
  }

  private static Statistics statistics(Gpt policy, Shard shard) {
    try (NoGradGuard guard = new NoGradGuard()) {
      Tensor logits = policy.logits(shard.tokens(), shard.rows());
      TensorView data = TorchPlait.view(logits);
      TensorView targets = TorchPlait.view(shard.targets());
      RowStats.Output output = RowStats.Output.allocate(shard.answerTokens());
      RowStats.compute(Backend.cpu(), Logits.of(data, targets), output);
      return new Statistics(floats(output.logProbs()), floats(output.entropy()));
    }
  }

  @Override
  public void close() {
    slots.forEach(slot -> slot.loss().close());
  }

  private static float[] floats(@Nullable TensorView view) {
    return Objects.requireNonNull(view).toFloats();
  }
}
