package org.plait.lab.model;

import java.util.ArrayList;
import java.util.List;

/** Where each parameter of a GPT lies in one flat buffer, and how it starts. Immutable. */
public final class ParameterLayout {

  /** Standard deviation of the token and position embeddings at the start. */
  private static final double EMBEDDING_STD = 0.049;

  /** Standard deviation of a linear weight at the start, times the root of its inputs. */
  private static final double LINEAR_GAIN = 0.7;

  /**
   * One parameter.
   *
   * @param mean of its initial values
   * @param std of its initial values, normally distributed; 0 for a constant
   */
  public record Entry(String name, List<Long> shape, long offset, double mean, double std) {

    public long size() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    long[] dimensions() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private long size;

  ParameterLayout(GptConfig config) {
    int width = config.width();
    int hidden = config.hiddenWidth();
    // Each block adds to the residual stream twice, so its outputs start smaller by that root.
    double residual = 1 / Math.sqrt(2.0 * config.layers());
    add("tokens.weight", 0, EMBEDDING_STD, config.vocabulary(), width);
    add("positions.weight", 0, EMBEDDING_STD, config.context(), width);
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = block(layer);
      norm(block + "norm1.", width);
      linear(block + "qkv.", 3 * width, width, 1);
      linear(block + "projection.", width, width, residual);
      norm(block + "norm2.", width);
      linear(block + "expand.", hidden, width, 1);
      linear(block + "contract.", width, hidden, residual);
    }
    norm("norm.", width);
    add("head.weight", 0, LINEAR_GAIN / Math.sqrt(width), config.vocabulary(), width);
  }

  static String block(int layer) {
    return "blocks." + layer + ".";
  }

  private void norm(String name, int width) {
    add(name + "weight", 1, 0, width);
    add(name + "bias", 0, 0, width);
  }

  private void linear(String name, int outputs, int inputs, double scale) {
    add(name + "weight", 0, scale * LINEAR_GAIN / Math.sqrt(inputs), outputs, inputs);
    add(name + "bias", 0, 0, outputs);
  }

  private void add(String name, double mean, double std, long... shape) {
    List<Long> dimensions = new ArrayList<>();
    for (long dimension : shape) {
      dimensions.add(dimension);
    }
    Entry entry = new Entry(name, List.copyOf(dimensions), size, mean, std);
    entries.add(entry);
    size += entry.size();
  }

  /** All parameters in the order of the buffer. */
  public List<Entry> entries() {
    return List.copyOf(entries);
  }

  /** Number of values in the buffer. */
  public long size() {
    return size;
  }
}
