package org.plait.benchmarks;

import java.util.Random;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.plait.Logits;
import org.plait.torch.TorchPlait;

/**
 * The logits that all kernels are timed on, the same memory for Plait and PyTorch: 512 tokens and
 * the vocabularies of Llama 2, Llama 3 and Qwen 2.5, or the shapes of {@link Scaling}.
 */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // by set-up methods, here and in the other states
public class LogitsState {
  @Param({"32000", "128256", "151936"})
  public int vocab;

  @Param({"f32", "bf16"})
  public String dtype;

  /** A multiple of {@link ObjectiveBatch#SEQUENCES}. */
  @Param({"512"})
  public int tokens = 512;

  /** [tokens, vocab], normally distributed. */
  Tensor tensor;

  /** int64 [tokens]. */
  Tensor targets;

  /** A view of both. */
  Logits logits;

  /** Draws the logits, the same ones in every JVM. */
  @Setup(Level.Trial)
  public void fill() {
    torch.manual_seed(1);
    try (Tensor random = torch.randn(tokens, vocab);
        Scalar spread = new Scalar(3f);
        Tensor same = random.mul_(spread)) {
      tensor = same.to(scalarType());
    }
    targets = AbstractTensor.create(new Random(1).longs(tokens, 0, vocab).toArray());
    logits = TorchPlait.logits(tensor, targets);
  }

  /** Frees the logits. */
  @TearDown(Level.Trial)
  public void free() {
    tensor.close();
    targets.close();
  }

  torch.ScalarType scalarType() {
    return switch (dtype) {
      case "f32" -> torch.ScalarType.Float;
      case "bf16" -> torch.ScalarType.BFloat16;
      default -> throw new IllegalArgumentException("dtype: expected f32 or bf16, got " + dtype);
    };
  }

  /** Bytes of the logits. */
  long bytes() {
    return logits.data().elements() * logits.data().dtype().bytes();
  }
}
