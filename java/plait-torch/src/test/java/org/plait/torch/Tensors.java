package org.plait.torch;

import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Small things that the presets spell long. */
final class Tensors {
  private Tensors() {}

  /** Normally distributed float32 of a fixed seed. */
  static Tensor gaussian(long seed, double scale, long... shape) {
    Random random = new Random(seed);
    long count = 1;
    for (long size : shape) {
      count *= size;
    }
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return AbstractTensor.create(values, shape);
  }

  /** Tokens of a fixed seed, with the first and the last of the vocabulary among them. */
  static Tensor tokens(long seed, int count, int vocab) {
    Random random = new Random(seed);
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = i == 0 ? 0 : i == 1 ? vocab - 1 : random.nextInt(vocab);
    }
    return AbstractTensor.create(values);
  }

  /** A leaf that gradients end in. */
  static Tensor leaf(Tensor values, torch.ScalarType type) {
    return values.detach().to(type).clone().set_requires_grad(true);
  }

  /** The elements of any tensor. */
  static double[] values(Tensor tensor) {
    Tensor wide = tensor.detach().to(torch.ScalarType.Double).contiguous();
    double[] values = new double[Math.toIntExact(wide.numel())];
    if (values.length > 0) {
      new DoublePointer(wide.data_ptr()).get(values);
    }
    return values;
  }

  /** The elements of a contiguous float32 tensor. */
  static float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.numel())];
    new FloatPointer(tensor.data_ptr()).get(values);
    return values;
  }

  static Scalar scalar(double value) {
    return new Scalar(value);
  }

  static double largest(double[] values) {
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
