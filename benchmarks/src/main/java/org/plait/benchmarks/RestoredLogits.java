package org.plait.benchmarks;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Puts the logits back before every call of a kernel that overwrites them, outside the measured
 * time. Without it the second call would get the tiny, nearly equal gradients of the first, where
 * ratios leave the clip range and rows need not be read.
 */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init")
public class RestoredLogits {
  private Tensor original;
  private Pointer from;
  private Pointer to;
  private long bytes;

  /** Copies the logits away. */
  @Setup(Level.Trial)
  public void save(LogitsState logits) {
    original = logits.tensor.clone();
    from = original.data_ptr();
    to = logits.tensor.data_ptr();
    bytes = logits.bytes();
  }

  /** Copies them back, without an allocation that would count as the kernel's. */
  @Setup(Level.Invocation)
  public void restore() {
    Pointer.memcpy(to, from, bytes);
  }

  /** Frees the copy. */
  @TearDown(Level.Trial)
  public void free() {
    original.close();
  }
}
