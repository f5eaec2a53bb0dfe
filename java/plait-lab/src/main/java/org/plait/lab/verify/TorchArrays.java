package org.plait.lab.verify;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Moves arrays in and out of CPU tensors. */
final class TorchArrays {

  private TorchArrays() {}

  /** A tensor of {@code type}, Float or Double, with a copy of the values. */
  static Tensor of(double[] values, ScalarType type, long... shape) {
    try (Tensor exact = AbstractTensor.create(values, shape)) {
      return exact.to(type);
    }
  }

  static float[] floats(Tensor tensor) {
    try (Tensor flat = tensor.detach().contiguous()) {
      float[] result = new float[(int) flat.numel()];
      FloatBuffer buffer = flat.createBuffer();
      buffer.get(result);
      return result;
    }
  }

  static double[] doubles(Tensor tensor) {
    try (Tensor flat = tensor.detach().to(ScalarType.Double).contiguous()) {
      double[] result = new double[(int) flat.numel()];
      DoubleBuffer buffer = flat.createBuffer();
      buffer.get(result);
      return result;
    }
  }
}
