package org.plait.lab.model;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;

/** Copies between Java arrays and CPU tensors. */
public final class Tensors {

  private Tensors() {}

  /** An int64 tensor. */
  public static Tensor of(long[] values, long... shape) {
    return AbstractTensor.create(values, shape);
  }

  /** A float32 vector. */
  public static Tensor of(float[] values) {
    return AbstractTensor.create(values);
  }

  /** A copy of a contiguous float32 tensor. */
  public static float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.numel())];
    new FloatPointer(tensor.data_ptr()).get(values);
    return values;
  }

  /** A copy of a contiguous float32 tensor, widened. */
  public static double[] doubles(Tensor tensor) {
    return doubles(floats(tensor));
  }

  /** The same values, widened. */
  public static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }
}
