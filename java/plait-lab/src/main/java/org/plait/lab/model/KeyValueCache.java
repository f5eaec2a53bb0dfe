package org.plait.lab.model;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Keys and values of the tokens that a batch of sequences has so far. Confined to one thread. */
final class KeyValueCache {

  private final List<Layer> layers = new ArrayList<>();
  private long length;

  KeyValueCache(GptConfig config, long batch) {
    for (int layer = 0; layer < config.layers(); layer++) {
      layers.add(new Layer(buffer(config, batch), buffer(config, batch)));
    }
  }

  private static Tensor buffer(GptConfig config, long batch) {
    return torch.empty(batch, config.heads(), config.context(), config.headWidth());
  }

  /** Keys and values [batch, heads, context, head width] of one block. */
  final class Layer {
    private final Tensor keys;
    private final Tensor values;

    private Layer(Tensor keys, Tensor values) {
      this.keys = keys;
      this.values = values;
    }

    /** Stores the keys of the new tokens; returns those of all tokens up to them. */
    Tensor appendKey(Tensor key) {
      return append(keys, key);
    }

    Tensor appendValue(Tensor value) {
      return append(values, value);
    }

    private Tensor append(Tensor all, Tensor added) {
      all.narrow(2, length, added.size(2)).copy_(added);
      return all.narrow(2, 0, length + added.size(2));
    }
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /** Tokens stored so far. */
  long length() {
    return length;
  }

  void advance(long tokens) {
    length += tokens;
  }
}
