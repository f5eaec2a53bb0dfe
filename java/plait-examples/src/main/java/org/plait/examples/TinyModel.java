package org.plait.examples;

import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.EmbeddingImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** An embedding and a linear layer: a language model that sees one token. */
final class TinyModel extends Module {
  private static final long WIDTH = 32;

  private final EmbeddingImpl embedding;
  private final LinearImpl head;

  TinyModel(long vocab) {
    super("tiny");
    embedding = register_module("embedding", new EmbeddingImpl(vocab, WIDTH));
    head = register_module("head", new LinearImpl(WIDTH, vocab));
  }

  /** Logits [T, V] from tokens, int64 [T]. */
  Tensor forward(Tensor tokens) {
    return head.forward(embedding.forward(tokens));
  }

  /** An int64 vector. */
  static Tensor tokens(long... values) {
    return AbstractTensor.create(values);
  }

  /** A number as PyTorch wants it. */
  static Scalar scalar(double value) {
    return new Scalar(value);
  }
}
