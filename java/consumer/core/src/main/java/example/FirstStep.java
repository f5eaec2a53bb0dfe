package example;

import org.plait.Backend;
import org.plait.DType;
import org.plait.GroupAdvantage;
import org.plait.Groups;
import org.plait.Logits;
import org.plait.Metrics;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.PolicyStep;
import org.plait.TensorView;
import org.plait.TokenBatch;

/** One GRPO step over the logits of two answers to one question, and a call that is refused. */
public final class FirstStep {
  public static void main(String[] args) {
    Backend backend = Backend.cpu();

    // The first answer was right, the second wrong.
    Groups groups = Groups.offsets(TensorView.copyOf(0L, 2L));
    TensorView advantages = GroupAdvantage.grpo().of(TensorView.copyOf(1f, 0f), groups);

    // Two tokens each, over a vocabulary of three.
    TensorView data = TensorView.allocate(DType.FLOAT32, 4, 3);
    data.copyFrom(0.5f, -1f, 2f, 1f, 0f, -1f, 0f, 3f, 1f, -2f, 1f, 0.25f);
    TensorView targets = TensorView.copyOf(2L, 0L, 1L, 1L);
    Logits logits = Logits.of(data, targets);
    TokenBatch batch =
        TokenBatch.builder(4)
            .offsets(TensorView.copyOf(0L, 2L, 4L))
            .sequenceAdvantages(advantages)
            .build();

    // The gradient replaces the logits. Memory is allocated once, outside of the training loop.
    PolicyStep.Output out = PolicyStep.Output.inPlace(logits);
    Metrics metrics = new Metrics();
    TensorView workspace =
        TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(4, batch.sequences()));
    PolicyStep.compute(
        backend, logits, batch, Objective.grpo(), Normalizers.NONE, out, metrics, workspace);

    float[] gradient = data.toFloats();
    for (int token = 0; token < 4; token++) {
      int target = (int) targets.getLong(token);
      // Descent raises the logits of the answer that was right, and lowers those of the other.
      float ofTarget = gradient[3 * token + target];
      boolean right = token < 2;
      check(right ? ofTarget < 0 : ofTarget > 0, "gradient of token " + token + ": " + ofTarget);
    }
    check(metrics.tokens() == 4 && metrics.entropyMean() > 0, metrics.toString());

    try {
      TokenBatch oneToken = TokenBatch.builder(1).advantages(TensorView.copyOf(1f)).build();
      PolicyStep.compute(
          backend, logits, oneToken, Objective.grpo(), Normalizers.NONE, out, null, workspace);
      throw new AssertionError("one token for the logits of four was not refused");
    } catch (IllegalArgumentException e) {
      check(e.getMessage().startsWith("batch: expected the 4 tokens"), e.getMessage());
    }
    System.out.println(
        "plait %s on %s, loss %s"
            .formatted(Backend.nativeVersion(), backend.target(), metrics.loss()));
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  private FirstStep() {}
}
