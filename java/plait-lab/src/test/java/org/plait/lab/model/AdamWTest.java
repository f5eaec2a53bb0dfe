package org.plait.lab.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.junit.jupiter.api.Test;

class AdamWTest {

  private static final GptConfig CONFIG = new GptConfig(11, 6, 1, 8, 2);
  private static final AdamW.Options OPTIONS = new AdamW.Options(0.9, 0.99, 1e-8, 0.01);

  private static Tensor gradient(Parameters parameters, int step) {
    SplittableRandom random = new SplittableRandom(step);
    float[] values = new float[(int) parameters.layout().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensors.of(values);
  }

  @Test
  void stepsAreThoseOfPyTorch() {
    Parameters parameters = Parameters.initialize(CONFIG, new SplittableRandom(1));
    Tensor reference = Tensors.of(parameters.values()).requires_grad_(true);
    AdamWOptions options = new AdamWOptions(1e-2);
    // A std::tuple in memory, which libstdc++ lays out from the last element to the first.
    assertEquals(0.9, options.betas().get(1));
    options.betas().put(1, OPTIONS.beta1()).put(0, OPTIONS.beta2());
    options.eps().put(OPTIONS.epsilon());
    options.weight_decay().put(OPTIONS.weightDecay());
    org.bytedeco.pytorch.AdamW theirs =
        new org.bytedeco.pytorch.AdamW(new TensorVector(reference), options);
    AdamW ours = new AdamW(parameters, OPTIONS);
    float[] start = parameters.values();
    for (int step = 0; step < 20; step++) {
      reference.mutable_grad().put(gradient(parameters, step));
      theirs.step();
      ours.step(gradient(parameters, step), 1e-2);
    }
    float[] expected = Tensors.floats(reference.detach());
    assertArrayEquals(expected, parameters.values(), 1e-6f);
    assertTrue(Math.abs(expected[0] - start[0]) > 1e-3);
  }

  @Test
  void restoredStateContinuesBitForBit() {
    Parameters straight = Parameters.initialize(CONFIG, new SplittableRandom(1));
    AdamW optimizer = new AdamW(straight, OPTIONS);
    for (int step = 0; step < 5; step++) {
      optimizer.step(gradient(straight, step), 1e-2);
    }
    Parameters resumed = Parameters.of(CONFIG, straight.values());
    AdamW restored = new AdamW(resumed, OPTIONS);
    restored.restore(optimizer.state());
    for (int step = 5; step < 10; step++) {
      optimizer.step(gradient(straight, step), 1e-2);
      restored.step(gradient(resumed, step), 1e-2);
    }
    assertArrayEquals(straight.values(), resumed.values());
  }

  @Test
  void clippingScalesToTheMaximumAndReturnsTheNorm() {
    Tensor gradients = Tensors.of(new float[] {3, 4});
    assertEquals(5, AdamW.clip(gradients, 1), 1e-6);
    assertArrayEquals(new float[] {0.6f, 0.8f}, Tensors.floats(gradients), 1e-6f);
    assertEquals(1, AdamW.clip(gradients, 1.5), 1e-5);
    assertArrayEquals(new float[] {0.6f, 0.8f}, Tensors.floats(gradients), 1e-6f);
  }
}
