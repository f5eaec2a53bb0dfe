package org.plait.lab.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) over the flat parameter buffer: a handful of
 * operations per step instead of a handful per parameter, and a state of two buffers and a count.
 *
 * <p>Not thread-safe.
 */
public final class AdamW {

  /**
   * Settings that do not change during a run.
   *
   * @param weightDecay decoupled: parameters shrink by learning rate times this
   */
  public record Options(double beta1, double beta2, double epsilon, double weightDecay) {}

  private final Options options;
  private final Parameters parameters;
  private final Tensor mean;
  private final Tensor variance;
  private int steps;

  public AdamW(Parameters parameters, Options options) {
    this.options = options;
    this.parameters = parameters;
    this.mean = parameters.zeros();
    this.variance = parameters.zeros();
  }

  /** Scales gradients whose Euclidean norm exceeds {@code maximum} down to it; returns the norm. */
  public static double clip(Tensor gradients, double maximum) {
    try (PointerScope scope = new PointerScope()) {
      double norm = gradients.norm().item_float();
      if (norm > maximum) {
        gradients.mul_(new Scalar(maximum / (norm + 1e-6)));
      }
      return norm;
    }
  }

  /** Updates the parameters by one step. */
  public void step(Tensor gradients, double learningRate) {
    steps++;
    double correction1 = 1 - Math.pow(options.beta1(), steps);
    double correction2 = 1 - Math.pow(options.beta2(), steps);
    try (PointerScope scope = new PointerScope()) {
      mean.lerp_(gradients, new Scalar(1 - options.beta1()));
      variance.mul_(new Scalar(options.beta2()));
      variance.addcmul_(gradients, gradients, new Scalar(1 - options.beta2()));
      Tensor denominator =
          variance
              .sqrt()
              .div_(new Scalar(Math.sqrt(correction2)))
              .add_(new Scalar(options.epsilon()));
      Tensor flat = parameters.flat();
      flat.mul_(new Scalar(1 - learningRate * options.weightDecay()));
      flat.addcdiv_(mean, denominator, new Scalar(-learningRate / correction1));
    }
  }

  /** Everything that a step depends on, besides parameters and gradients. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record State(float[] mean, float[] variance, int steps) {}

  public State state() {
    return new State(Tensors.floats(mean), Tensors.floats(variance), steps);
  }

  /** Continues from a saved state. */
  public void restore(State state) {
    try (PointerScope scope = new PointerScope()) {
      mean.copy_(Tensors.of(state.mean()));
      variance.copy_(Tensors.of(state.variance()));
    }
    steps = state.steps();
  }
}
