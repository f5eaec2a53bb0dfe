package org.plait.lab.model;

/**
 * The shape of a pre-norm GPT with learned positions, an MLP of four times the width and an untied
 * head without bias.
 *
 * @param vocabulary number of tokens
 * @param context the longest sequence
 * @param layers number of blocks
 * @param width of the residual stream
 * @param heads that divide the width
 */
public record GptConfig(int vocabulary, int context, int layers, int width, int heads) {

  public GptConfig {
    if (vocabulary < 1 || context < 1 || layers < 1 || heads < 1 || width < 1) {
      throw new IllegalArgumentException("every dimension of a GPT must be at least 1");
    }
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          "heads: expected a divisor of the width " + width + ", got " + heads);
    }
  }

  /** Width of one attention head. */
  public int headWidth() {
    return width / heads;
  }

  /** Width of the hidden layer of the MLP. */
  public int hiddenWidth() {
    return 4 * width;
  }

  /** Where the parameters of such a model lie. */
  public ParameterLayout layout() {
    return new ParameterLayout(this);
  }
}
