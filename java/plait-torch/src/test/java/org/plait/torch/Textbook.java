package org.plait.torch;

import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.plait.KlEstimator;
import org.plait.PolicyLoss;
import org.plait.Rule;

/**
 * Policy losses as textbooks write them, in PyTorch operations that autograd follows. Everything is
 * computed in the type of the logits; means are over all tokens.
 *
 * @param logProbs of the realised tokens
 * @param entropy of every position
 */
record Textbook(Tensor logProbs, Tensor entropy) {
  static Textbook of(Tensor logits, Tensor targets, double temperature) {
    Tensor all = torch.log_softmax(logits.div(Tensors.scalar(temperature)), 1);
    Tensor logProbs = all.gather(1, targets.unsqueeze(1)).squeeze(1);
    Tensor entropy = all.exp().mul(all).sum(1).neg();
    return new Textbook(logProbs, entropy);
  }

  /** The scalar loss of a rule whose terms are means over tokens. */
  Tensor loss(Rule rule, Tensor advantages, Tensor oldLogProbs, Tensor referenceLogProbs) {
    torch.ScalarType type = logProbs.scalar_type().intern();
    Tensor loss = torch.zeros_like(logProbs);
    if (rule.hasPolicyLoss()) {
      Tensor policy = policy(rule, advantages.to(type), oldLogProbs.to(type));
      loss = loss.add(policy.mul(Tensors.scalar(rule.policy().term().coefficient())));
    }
    if (rule.nll().term().isOn()) {
      loss = loss.sub(logProbs.mul(Tensors.scalar(rule.nll().term().coefficient())));
    }
    if (rule.kl().term().isOn()) {
      Tensor kl = kl(rule.kl().estimator(), logProbs.sub(referenceLogProbs.to(type)));
      loss = loss.add(kl.mul(Tensors.scalar(rule.kl().term().coefficient())));
    }
    if (rule.entropy().isOn()) {
      loss = loss.sub(entropy.mul(Tensors.scalar(rule.entropy().coefficient())));
    }
    return loss.mean();
  }

  private Tensor policy(Rule rule, Tensor advantages, Tensor oldLogProbs) {
    if (rule.policy().loss() == PolicyLoss.REINFORCE) {
      return advantages.mul(logProbs).neg();
    }
    Tensor ratio = logProbs.sub(oldLogProbs).exp();
    Tensor clipped =
        ratio.clamp(
            bound(1 - (double) rule.policy().clipLow()),
            bound(1 + (double) rule.policy().clipHigh()));
    Tensor loss = torch.maximum(advantages.mul(ratio).neg(), advantages.mul(clipped).neg());
    if (Float.isInfinite(rule.policy().dualClip())) {
      return loss;
    }
    Tensor most = advantages.mul(Tensors.scalar(-rule.policy().dualClip()));
    return torch.where(advantages.lt(Tensors.scalar(0)), torch.minimum(loss, most), loss);
  }

  private static Tensor kl(KlEstimator estimator, Tensor d) {
    return switch (estimator) {
      case K1 -> d;
      case K2 -> d.square().mul(Tensors.scalar(0.5));
      case K3 -> d.neg().exp().sub(Tensors.scalar(1)).add(d);
      case ABS -> d.abs();
    };
  }

  private static ScalarOptional bound(double value) {
    return new ScalarOptional(Tensors.scalar(value));
  }
}
