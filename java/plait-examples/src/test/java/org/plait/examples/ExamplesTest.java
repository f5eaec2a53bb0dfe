package org.plait.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.plait.Role;

/** Every example does what it says. */
class ExamplesTest {

  @Test
  void plainBuffersDescendAndLeaveIgnoredRowsAlone() {
    PlainBuffers.Result result = PlainBuffers.run();
    List<Double> losses = result.losses();
    for (int i = 1; i < losses.size(); i++) {
      assertTrue(losses.get(i) < losses.get(i - 1), losses.toString());
    }
    int rows = result.roles().size();
    float[] gradient = result.gradient().toFloats();
    int vocab = gradient.length / rows;
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      double magnitude = 0;
      for (int i = row * vocab; i < (row + 1) * vocab; i++) {
        sum += gradient[i];
        magnitude += Math.abs(gradient[i]);
      }
      if (result.roles().get(row) == Role.IGNORED) {
        assertEquals(0, magnitude);
      } else {
        // Softmax does not see a common offset, so no gradient changes it.
        assertTrue(magnitude > 1e-3, "row " + row);
        assertEquals(0, sum, 1e-6 * magnitude);
      }
    }
  }

  @Test
  void theStepOfTheReadmeReachesTheParameters() {
    assertTrue(TrainingStep.run() > 1e-3);
  }

  @Test
  void torchTrainingLearnsEveryToken() {
    double[] losses = TorchTraining.run();
    assertTrue(losses[0] > 4, "ln 64 is 4.16, got " + losses[0]);
    assertTrue(losses[losses.length - 1] < 0.01, "got " + losses[losses.length - 1]);
  }

  @Test
  void accumulatedGradientsAreThoseOfTheWholeBatch() {
    GradientAccumulation.Result result = GradientAccumulation.run();
    assertTrue(result.sameBits());
    assertTrue(result.counted() < 1e-6, "off by " + result.counted());
    assertTrue(result.averaged() > 0.1, "a mean of means happens to be right");
  }
}
