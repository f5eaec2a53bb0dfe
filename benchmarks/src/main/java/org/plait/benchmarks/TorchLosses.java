package org.plait.benchmarks;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Losses from log-probs and entropies as verl and the hybrids' authors write them in eager PyTorch,
 * with the metrics that their functions return beside the loss: masked means of the clipped, of the
 * KL divergence and so on. All tensors have the shape [sequences, length].
 *
 * @param inputs what does not depend on the policy
 * @param logProbs of the realised tokens
 * @param entropy of each position; null if the loss does not use it
 */
record TorchLosses(Inputs inputs, Tensor logProbs, @Nullable Tensor entropy) {
  static final float BONUS = 0.001f;

  /**
   * What the loss is told of a batch.
   *
   * @param mask 1 where a token counts
   * @param demonstration 1 where it is a demonstration's
   * @param advantages of each token
   * @param oldLogProbs of the policy before the step
   * @param samplerLogProbs of the inference engine
   */
  record Inputs(
      Tensor mask,
      Tensor demonstration,
      Tensor advantages,
      Tensor oldLogProbs,
      Tensor samplerLogProbs)
      implements AutoCloseable {
    @Override
    public void close() {
      mask.close();
      demonstration.close();
      advantages.close();
      oldLogProbs.close();
      samplerLogProbs.close();
    }
  }

  /** The masked mean of the negative log-likelihood. */
  Tensor sft() {
    return masked(logProbs.neg(), inputs.mask);
  }

  /**
   * verl's {@code compute_policy_loss_vanilla} with clip 0.2, dual clip 3 and means over tokens,
   * then sequences.
   */
  Tensor grpo(boolean bonus, boolean truncatedImportanceSampling) {
    Tensor perToken = clipped(0.2f, 0.2f, 3);
    if (truncatedImportanceSampling) {
      perToken = perToken.mul(samplerWeights());
    }
    Tensor loss = sequenceMeans(perToken);
    return bonus ? loss.sub(sequenceMeans(entropyOf()).mul(scalar(BONUS))) : loss;
  }

  /** The same function with clip-higher, dual clip 10 and the mean over tokens. */
  Tensor dapo() {
    return masked(clipped(0.2f, 0.28f, 10), inputs.mask);
  }

  /** LUFFY's {@code compute_token_on_off_policy_loss} as its script calls it. */
  Tensor luffy() {
    Tensor drift = logProbs.sub(inputs.oldLogProbs);
    Tensor ratio = drift.exp();
    Tensor negative = inputs.advantages.neg();
    Tensor onPolicy = negative.mul(ratio);
    Tensor p = logProbs.exp();
    Tensor reshaped = p.div(p.add(scalar(0.1f)));
    Tensor offPolicy = negative.mul(reshaped);
    Tensor others = inputs.demonstration.neg().add(scalar(1));
    Tensor onMask = others.mul(inputs.mask);
    Tensor offMask = inputs.demonstration.mul(inputs.mask);
    masked(drift.neg(), inputs.mask).detach();
    masked(onPolicy.detach(), onMask);
    masked(offPolicy.detach(), offMask);
    masked(reshaped.detach(), offMask);
    masked(p.detach(), offMask);
    masked(inputs.oldLogProbs.exp(), onMask);
    Tensor both = offPolicy.mul(inputs.demonstration).add(onPolicy.mul(others));
    return both.mul(inputs.mask).sum().div(scalar((float) inputs.mask.size(1)));
  }

  /**
   * SRFT's four terms, with weights by the entropy of each token: {@code 0.5 exp(-H)} and so on.
   */
  Tensor srft() {
    Tensor h = entropyOf().detach();
    Tensor offMask = inputs.demonstration.mul(inputs.mask);
    Tensor onMask = inputs.demonstration.neg().add(scalar(1)).mul(inputs.mask);
    Tensor sftWeight = h.neg().exp().mul(scalar(0.5f));
    Tensor sft = masked(sftWeight.mul(logProbs.neg()), offMask);
    Tensor offPolicy = masked(inputs.advantages.neg().mul(logProbs.exp()), offMask);
    Tensor right = inputs.advantages.gt(scalar(0));
    Tensor grown = h.exp().mul(scalar(0.1f));
    Tensor onWeight = torch.where(right, grown, torch.ones_like(grown));
    Tensor onPolicy = masked(onWeight.mul(inputs.advantages.neg()).mul(logProbs), onMask);
    masked(sftWeight, offMask);
    masked(onWeight, onMask);
    return sft.add(offPolicy).add(onPolicy);
  }

  private Tensor clipped(float low, float high, float dual) {
    Tensor drift = clamp(logProbs.sub(inputs.oldLogProbs), -20, 20);
    Tensor ratio = drift.exp();
    masked(drift.neg(), inputs.mask).detach();
    Tensor negative = inputs.advantages.neg();
    Tensor plain = negative.mul(ratio);
    Tensor bounded = negative.mul(clamp(ratio, 1 - low, 1 + high));
    Tensor loss = torch.maximum(plain, bounded);
    masked(bounded.gt(plain).to(torch.ScalarType.Float), inputs.mask);
    Tensor most = negative.mul(scalar(dual));
    Tensor least = torch.minimum(most, loss);
    Tensor wrong = inputs.advantages.lt(scalar(0));
    masked(loss.gt(most).logical_and(wrong).to(torch.ScalarType.Float), inputs.mask);
    return torch.where(wrong, least, loss);
  }

  /** verl's rollout correction by token, and what it logs of the mismatch. */
  private Tensor samplerWeights() {
    Tensor omega = clamp(inputs.oldLogProbs.sub(inputs.samplerLogProbs), -20, 20);
    Tensor ratio = omega.exp();
    masked(omega, inputs.mask);
    masked(ratio.sub(omega).sub(scalar(1)), inputs.mask);
    masked(ratio, inputs.mask);
    masked(ratio.mul(ratio).sub(scalar(1)), inputs.mask);
    rowMeans(inputs.oldLogProbs).neg().mean();
    rowMeans(inputs.samplerLogProbs).neg().mean();
    Tensor weights = ratio.clamp_max(scalar(2)).mul(inputs.mask);
    Tensor mean = masked(weights, inputs.mask);
    masked(weights.mul(weights), inputs.mask).div(mean.mul(mean));
    return weights;
  }

  private Tensor sequenceMeans(Tensor perToken) {
    return rowMeans(perToken).mean();
  }

  private Tensor rowMeans(Tensor perToken) {
    return perToken.mul(inputs.mask).sum(1).div(inputs.mask.sum(1).add(scalar(1e-8f)));
  }

  private static Tensor masked(Tensor values, Tensor mask) {
    return values.mul(mask).sum().div(mask.sum().add(scalar(1e-8f)));
  }

  private Tensor entropyOf() {
    if (entropy == null) {
      throw new IllegalArgumentException("entropy: expected a tensor, got null");
    }
    return entropy;
  }

  static Tensor clamp(Tensor x, float low, float high) {
    return x.clamp(new ScalarOptional(scalar(low)), new ScalarOptional(scalar(high)));
  }

  static Scalar scalar(float value) {
    return new Scalar(value);
  }
}
