package org.plait.lab.model;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The parameters of one model in one flat tensor: the optimizer, the gradient norm and a checkpoint
 * then cost one operation each, not one per parameter. Confined to one thread while it is written.
 */
public final class Parameters {

  private final GptConfig config;
  private final ParameterLayout layout;
  private final Tensor flat;

  private Parameters(GptConfig config, float[] values) {
    this.config = config;
    this.layout = config.layout();
    if (values.length != layout.size()) {
      throw new IllegalArgumentException(
          "values: expected " + layout.size() + " for this model, got " + values.length);
    }
    this.flat = Tensors.of(values);
  }

  /** Parameters with given values, in the order of the layout. */
  public static Parameters of(GptConfig config, float[] values) {
    return new Parameters(config, values);
  }

  /** Fresh parameters. */
  public static Parameters initialize(GptConfig config, SplittableRandom random) {
    ParameterLayout layout = config.layout();
    float[] values = new float[Math.toIntExact(layout.size())];
    int next = 0;
    for (ParameterLayout.Entry entry : layout.entries()) {
      for (long i = 0; i < entry.size(); i++) {
        double noise = entry.std() == 0 ? 0 : entry.std() * random.nextGaussian();
        values[next++] = (float) (entry.mean() + noise);
      }
    }
    return new Parameters(config, values);
  }

  public GptConfig config() {
    return config;
  }

  public ParameterLayout layout() {
    return layout;
  }

  /** The buffer itself; writing to it changes every model that is built on these parameters. */
  public Tensor flat() {
    return flat;
  }

  /** A copy of all values. */
  public float[] values() {
    return Tensors.floats(flat);
  }

  /** Takes over the values of another model of the same shape. */
  public void copyFrom(Parameters other) {
    flat.copy_(other.flat); // returns flat itself
  }

  /** A zeroed buffer of the same size, for gradients or optimizer state. */
  public Tensor zeros() {
    return torch.zeros(layout.size());
  }

  /** Views of a buffer of this layout, by parameter name. They share its memory, not its graph. */
  Map<String, Tensor> views(Tensor buffer) {
    Map<String, Tensor> views = new HashMap<>();
    for (ParameterLayout.Entry entry : layout.entries()) {
      views.put(
          entry.name(),
          buffer.narrow(0, entry.offset(), entry.size()).view(entry.dimensions()).detach());
    }
    return views;
  }
}
