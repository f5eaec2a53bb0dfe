package org.plait;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.Test;

/** Plait needs neither PyTorch nor any other engine: buffers and pointers will do. */
class PlainMemoryTest {
  private static final int T = 3;
  private static final int V = 4;
  private static final float[] VALUES = {1, 2, 3, 4, 0, -1, 5, 2, 1, 1, 1, 1};
  private static final long[] TARGETS = {3, 2, 0};

  @Test
  void pyTorchIsNotOnTheClassPath() {
    assertThrows(ClassNotFoundException.class, () -> Class.forName("org.bytedeco.pytorch.Tensor"));
    assertThrows(
        ClassNotFoundException.class, () -> Class.forName("org.bytedeco.pytorch.global.torch"));
  }

  @Test
  void aTrainingStepRunsOnByteBuffersAloneAndOnPointersAlone() {
    float[] onBuffers = stepOnBuffers();
    assertArrayEquals(expectedGradient(), onBuffers, 1e-7f);
    assertArrayEquals(onBuffers, stepOnPointers());
  }

  private static float[] stepOnBuffers() {
    ByteBuffer data = direct(4 * T * V);
    data.asFloatBuffer().put(VALUES);
    ByteBuffer targets = direct(8 * T);
    targets.asLongBuffer().put(TARGETS);
    TensorView logits = TensorView.of(data, DType.FLOAT32, T, V);
    int workspaceBytes = Math.toIntExact(PolicyStep.workspaceBytes(T, 0));
    step(
        logits,
        TensorView.of(targets.asLongBuffer()),
        TensorView.of(direct(4 * T).asFloatBuffer()),
        TensorView.of(direct(4 * T).asFloatBuffer()),
        TensorView.of(direct(workspaceBytes), DType.UINT8, workspaceBytes));
    float[] gradient = new float[T * V];
    data.asFloatBuffer().get(gradient);
    return gradient;
  }

  private static float[] stepOnPointers() {
    long workspaceBytes = PolicyStep.workspaceBytes(T, 0);
    try (FloatPointer data = new FloatPointer(VALUES);
        LongPointer targets = new LongPointer(TARGETS);
        FloatPointer logProbs = new FloatPointer(T);
        FloatPointer entropy = new FloatPointer(T);
        BytePointer workspace = new BytePointer(workspaceBytes)) {
      step(
          TensorView.of(data, DType.FLOAT32, T, V),
          TensorView.of(targets, DType.INT64, T),
          TensorView.of(logProbs, DType.FLOAT32, T),
          TensorView.of(entropy, DType.FLOAT32, T),
          TensorView.of(workspace, DType.UINT8, workspaceBytes));
      float[] gradient = new float[T * V];
      data.get(gradient);
      return gradient;
    }
  }

  private static void step(
      TensorView data,
      TensorView targets,
      TensorView logProbs,
      TensorView entropy,
      TensorView workspace) {
    Metrics metrics = new Metrics();
    PolicyStep.compute(
        Backend.cpu(),
        Logits.of(data, targets),
        TokenBatch.builder(T).build(),
        Objective.sft(),
        Normalizers.NONE,
        new PolicyStep.Output(data, logProbs, entropy, null),
        metrics,
        workspace);
    assertEquals(T, metrics.tokens());
    assertTrue(metrics.loss() > 0.1, () -> "loss " + metrics.loss());
  }

  /** Mean negative log-likelihood: (softmax - one hot) / T. */
  private static float[] expectedGradient() {
    float[] gradient = new float[T * V];
    for (int t = 0; t < T; t++) {
      double sum = 0;
      for (int j = 0; j < V; j++) {
        sum += Math.exp(VALUES[t * V + j]);
      }
      for (int j = 0; j < V; j++) {
        double p = Math.exp(VALUES[t * V + j]) / sum;
        gradient[t * V + j] = (float) ((p - (TARGETS[t] == j ? 1 : 0)) / T);
      }
    }
    return gradient;
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}
