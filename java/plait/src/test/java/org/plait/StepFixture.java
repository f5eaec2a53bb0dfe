package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a policy step that works: five tokens of every role in three sequences, one of
 * them empty, over seven vocabulary entries. Tests change one of them, and look at the outputs.
 */
final class StepFixture {
  static final int T = 5;
  static final int V = 7;
  private static final byte SENTINEL = 0x5a;

  Backend backend = Backend.cpu();
  TensorView data = gaussian(1, T, V);
  TensorView targets = TensorView.copyOf(3L, 0, 6, 2, 5);
  float temperature = 0.8f;
  TensorView offsets = TensorView.copyOf(0L, 3, 3, 5);
  TensorView roles =
      TensorView.copyOf(Role.ROLLOUT, Role.ROLLOUT, Role.HINT, Role.DEMONSTRATION, Role.IGNORED);
  TensorView advantages = TensorView.copyOf(0.7f, -1.2f, 0.3f, 1.1f, -0.4f);
  TensorView oldLogProbs = TensorView.copyOf(-2f, -1.5f, -3f, -0.5f, -2.5f);
  TensorView referenceLogProbs = TensorView.copyOf(-1.8f, -1.7f, -2.9f, -0.9f, -2.2f);
  TensorView samplerLogProbs = TensorView.copyOf(-2.1f, -1.2f, -3.3f, -0.5f, -2f);
  Objective objective =
      Objective.ppo().toBuilder()
          .demonstration(Rule.builder().nll(Term.of(0.5f)).build())
          .hint(Rule.builder().nll(Term.of(0.25f)).build())
          .kl(KlEstimator.K3, 0.1f)
          .entropyBonus(0.05f)
          .build();
  Normalizers normalizers = Normalizers.NONE;
  TensorView dLogits = TensorView.allocate(DType.FLOAT32, T, V);
  TensorView logProbs = TensorView.allocate(DType.FLOAT32, T);
  TensorView entropy = TensorView.allocate(DType.FLOAT32, T);
  TensorView tokenLoss = TensorView.allocate(DType.FLOAT32, T);
  TensorView workspace = TensorView.allocate(DType.UINT8, PolicyStep.workspaceBytes(T, 3));
  Metrics metrics = new Metrics();

  /** What a change replaces, in terms of the fixture. */
  Supplier<Logits> logits = () -> Logits.builder(data, targets).temperature(temperature).build();

  Supplier<TokenBatch> batch = () -> batchBuilder().build();

  TokenBatch.Builder batchBuilder() {
    return TokenBatch.builder(T)
        .offsets(offsets)
        .roles(roles)
        .advantages(advantages)
        .oldLogProbs(oldLogProbs)
        .referenceLogProbs(referenceLogProbs)
        .samplerLogProbs(samplerLogProbs);
  }

  void run() {
    PolicyStep.compute(
        backend,
        logits.get(),
        batch.get(),
        objective,
        normalizers,
        new PolicyStep.Output(dLogits, logProbs, entropy, tokenLoss),
        metrics,
        workspace);
  }

  /** Marks every byte of the outputs. */
  Runnable guardOutputs() {
    return guard(dLogits, logProbs, entropy, tokenLoss);
  }

  /** Fills views with a sentinel; the result asserts that nothing has been written since. */
  static Runnable guard(@Nullable TensorView... outputs) {
    List<Runnable> checks = new ArrayList<>();
    for (TensorView output : outputs) {
      if (output == null || output.isReadOnly()) {
        continue;
      }
      TensorView bytes = bytes(output);
      for (long i = 0; i < bytes.elements(); i++) {
        bytes.setLong(i, SENTINEL);
      }
      long[] expected = bytes.toLongs();
      checks.add(() -> assertArrayEquals(expected, bytes.toLongs(), "written although refused"));
    }
    return () -> checks.forEach(Runnable::run);
  }

  /** The memory of a view, gaps between rows too. */
  static TensorView bytes(TensorView view) {
    long elements =
        view.elements() == 0
            ? 0
            : (view.size(0) - 1) * view.rowStride() + view.elements() / view.size(0);
    return TensorView.ofAddress(
        view.address(),
        DType.UINT8,
        new long[] {elements * view.dtype().bytes()},
        1,
        -1,
        view.owner());
  }

  static TensorView gaussian(long seed, long... shape) {
    TensorView view = TensorView.allocate(DType.FLOAT32, shape);
    Random random = new Random(seed);
    for (long i = 0; i < view.elements(); i++) {
      view.setFloat(i, (float) (2 * random.nextGaussian()));
    }
    return view;
  }

  /** The same values in new memory of another type, rounded. */
  static TensorView as(DType dtype, TensorView view) {
    TensorView copy =
        view.rank() == 1
            ? TensorView.allocate(dtype, view.size(0))
            : TensorView.allocate(dtype, view.size(0), view.size(1));
    copy.copyFrom(view.toFloats());
    return copy;
  }

  /** A vector whose elements are all the same. */
  static TensorView filled(long length, float value) {
    TensorView view = TensorView.allocate(DType.FLOAT32, length);
    float[] values = new float[Math.toIntExact(length)];
    Arrays.fill(values, value);
    view.copyFrom(values);
    return view;
  }
}
