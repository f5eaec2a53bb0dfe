package org.plait.lab.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a GPT over shared {@link Parameters}.
 *
 * <p>A model for training owns a gradient buffer: backward adds into it, parameter by parameter, so
 * several threads can each run a part of a batch on a model of their own over the same parameters.
 * A model without one is for inference and may be used by any number of threads at once.
 */
public final class Gpt {

  private static final double NORM_EPSILON = 1e-5;

  private final GptConfig config;
  private final long[] normShape;
  private final Tensor tokenEmbedding;
  private final Tensor positionEmbedding;
  private final List<Block> blocks = new ArrayList<>();
  private final Norm norm;
  private final Tensor head;
  private final TensorOptional noMask = new TensorOptional();
  private final DoubleOptional defaultScale = new DoubleOptional();

  private record Norm(TensorOptional weight, TensorOptional bias) {}

  private record Linear(Tensor weight, Tensor bias) {
    Tensor apply(Tensor x) {
      return torch.linear(x, weight, bias);
    }
  }

  private record Block(
      Norm norm1, Linear qkv, Linear projection, Norm norm2, Linear expand, Linear contract) {}

  private Gpt(Parameters parameters, @Nullable Tensor gradients) {
    config = parameters.config();
    normShape = new long[] {config.width()};
    Map<String, Tensor> leaves = parameters.views(parameters.flat());
    if (gradients != null) {
      Map<String, Tensor> views = parameters.views(gradients);
      leaves.forEach(
          (name, leaf) -> {
            leaf.requires_grad_(true);
            // A gradient that exists already is added to in place.
            leaf.mutable_grad().put(Objects.requireNonNull(views.get(name)));
          });
    }
    Loader loader = new Loader(leaves);
    tokenEmbedding = loader.tensor("tokens.weight");
    positionEmbedding = loader.tensor("positions.weight");
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = ParameterLayout.block(layer);
      blocks.add(
          new Block(
              loader.norm(name + "norm1."),
              loader.linear(name + "qkv."),
              loader.linear(name + "projection."),
              loader.norm(name + "norm2."),
              loader.linear(name + "expand."),
              loader.linear(name + "contract.")));
    }
    norm = loader.norm("norm.");
    head = loader.tensor("head.weight");
  }

  private record Loader(Map<String, Tensor> leaves) {
    Tensor tensor(String name) {
      return Objects.requireNonNull(leaves.get(name), name);
    }

    Norm norm(String name) {
      return new Norm(
          new TensorOptional(tensor(name + "weight")), new TensorOptional(tensor(name + "bias")));
    }

    Linear linear(String name) {
      return new Linear(tensor(name + "weight"), tensor(name + "bias"));
    }
  }

  /** A model for inference. */
  public static Gpt forInference(Parameters parameters) {
    return new Gpt(parameters, null);
  }

  /**
   * A model whose backward pass adds to {@code gradients}, a buffer like {@link Parameters#flat}.
   */
  public static Gpt forTraining(Parameters parameters, Tensor gradients) {
    return new Gpt(parameters, gradients);
  }

  public GptConfig config() {
    return config;
  }

  /**
   * Logits [rows, vocabulary] at some positions of a batch. Only those rows pass the head, and the
   * caller decides which: a loss on answers never pays for the logits of prompts.
   *
   * @param tokens int64 [batch, length]; shorter sequences are padded on the right, which a causal
   *     model does not see
   * @param rows int64, positions in the flattened batch: {@code sequence * length + position}
   */
  public Tensor logits(Tensor tokens, Tensor rows) {
    long batch = tokens.size(0);
    long length = tokens.size(1);
    Tensor x = embed(tokens, 0, length);
    for (Block block : blocks) {
      x = attend(block, x, batch, length, null);
      x = transform(block, x);
    }
    return project(x.view(batch * length, config.width()).index_select(0, rows));
  }

  /**
   * Logits [batch, vocabulary] after the last of some new tokens, whose keys and values join those
   * of the tokens before them in the cache: several tokens into an empty cache, then one at a time.
   * No gradient may be recorded.
   */
  Tensor next(Tensor tokens, KeyValueCache cache) {
    long batch = tokens.size(0);
    long length = tokens.size(1);
    if (length > 1 && cache.length() > 0) {
      // A causal mask would be aligned with the first key, not with the last.
      throw new IllegalArgumentException("tokens: expected one per sequence, got " + length);
    }
    Tensor x = embed(tokens, cache.length(), length);
    for (int layer = 0; layer < blocks.size(); layer++) {
      Block block = blocks.get(layer);
      x = attend(block, x, batch, length, cache.layer(layer));
      x = transform(block, x);
    }
    cache.advance(length);
    return project(x.select(1, length - 1));
  }

  private Tensor embed(Tensor tokens, long from, long length) {
    return torch.embedding(tokenEmbedding, tokens).add(positionEmbedding.narrow(0, from, length));
  }

  private Tensor attend(
      Block block, Tensor x, long batch, long length, KeyValueCache.@Nullable Layer cache) {
    TensorVector qkv =
        block.qkv().apply(normalize(block.norm1(), x)).split(config.width(), /* dim= */ -1L);
    Tensor query = heads(qkv.get(0), batch, length);
    Tensor key = heads(qkv.get(1), batch, length);
    Tensor value = heads(qkv.get(2), batch, length);
    if (cache != null) {
      key = cache.appendKey(key);
      value = cache.appendValue(value);
    }
    Tensor attended =
        torch.scaled_dot_product_attention(
            query, key, value, noMask, 0.0, /* is_causal= */ length > 1, defaultScale, false);
    Tensor merged = attended.transpose(1, 2).reshape(batch, length, config.width());
    return x.add(block.projection().apply(merged));
  }

  private Tensor heads(Tensor x, long batch, long length) {
    return x.view(batch, length, config.heads(), config.headWidth()).transpose(1, 2);
  }

  private Tensor transform(Block block, Tensor x) {
    Tensor hidden = torch.gelu(block.expand().apply(normalize(block.norm2(), x)));
    return x.add(block.contract().apply(hidden));
  }

  private Tensor project(Tensor x) {
    return torch.linear(normalize(norm, x), head);
  }

  private Tensor normalize(Norm norm, Tensor x) {
    return torch.layer_norm(x, normShape, norm.weight(), norm.bias(), NORM_EPSILON, false);
  }
}
