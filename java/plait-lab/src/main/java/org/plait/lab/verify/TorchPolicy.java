package org.plait.lab.verify;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.plait.Behaviour;
import org.plait.CovarianceKind;
import org.plait.PolicyTerm;
import org.plait.Reshaping;
import org.plait.Vespo;

/**
 * The policy losses of trainers in PyTorch, one value a token of one role, before any weight.
 *
 * <p>A sequence's ratio is written in the token form, {@code sg(S) + logp - sg(logp)}, whose
 * gradient is that of the sequence's own loss where all its tokens have one advantage and weight.
 */
final class TorchPolicy {
  private final TorchRole chosen;
  private final PolicyTerm policy;
  private final Tensor logp;
  private final Tensor old;
  private final Tensor advantage;
  private final Tensor positive; // whether the advantage is above 0

  TorchPolicy(TorchRole chosen, PolicyTerm policy, Tensor logp) {
    this.chosen = chosen;
    this.policy = policy;
    this.logp = logp;
    this.old = chosen.old(logp);
    this.advantage = chosen.advantages();
    this.positive = advantage.gt(new Scalar(0.0));
  }

  Tensor loss() {
    Tensor logX = policy.behaviour() == Behaviour.CERTAIN ? logp : logp.sub(old);
    Tensor limited =
        TorchObjective.clamp(level(logX), -policy.logRatioLimit(), policy.logRatioLimit());
    Tensor ratio = limited.exp();
    Tensor loss =
        switch (policy.loss()) {
          case NONE -> throw new IllegalArgumentException("no policy loss");
          case REINFORCE -> advantage.mul(logp).neg();
          case CLIP -> clip(ratio);
          case CISPO -> clipped(ratio).detach().mul(advantage).mul(logp).neg();
          case SAPO -> sapo(ratio);
          case RESHAPED -> reshaped(ratio);
          case GMPO -> advantage.mul(gmpoRatio(logX)).neg();
          case VESPO -> phi(logX).detach().mul(advantage).mul(logp).neg();
        };
    // An advantage of 0 gives 0 also where the ratio is infinite.
    Tensor none = advantage.eq(new Scalar(0.0));
    loss = torch.where(none, torch.zeros_like(loss), loss);
    if (policy.covariance().kind() == CovarianceKind.KL) {
      Tensor penalty =
          logp.sub(old).abs().mul(new Scalar((double) policy.covariance().coefficient()));
      Tensor penalised = chosen.penalised();
      loss = loss.add(torch.where(penalised, penalty, torch.zeros_like(penalty)));
    }
    return loss;
  }

  private Tensor level(Tensor logX) {
    return switch (policy.ratioLevel()) {
      case TOKEN -> logX;
      case SEQUENCE_MEAN -> share(chosen.sequenceMean(logX), logX);
      case SEQUENCE_SUM ->
          // The loss of the sequence is that of every of its tokens, so each counts as often.
          share(chosen.sequenceSum(logX), logX.mul(chosen.sequenceCount(logX)));
    };
  }

  private static Tensor share(Tensor ofSequence, Tensor ofToken) {
    return ofSequence.detach().add(ofToken.sub(ofToken.detach()));
  }

  private Tensor clipped(Tensor ratio) {
    return TorchObjective.clamp(
        ratio, 1 - (double) policy.clipLow(), 1 + (double) policy.clipHigh());
  }

  private Tensor clip(Tensor ratio) {
    Tensor loss = torch.maximum(advantage.mul(ratio).neg(), advantage.mul(clipped(ratio)).neg());
    if (policy.dualClip() < Float.POSITIVE_INFINITY) {
      Tensor bound = advantage.mul(new Scalar(-(double) policy.dualClip()));
      Tensor negative = advantage.lt(new Scalar(0.0));
      loss = torch.where(negative, torch.minimum(loss, bound), loss);
    }
    return loss;
  }

  private Tensor sapo(Tensor ratio) {
    Tensor tau = bySign(policy.sapo().positive(), policy.sapo().negative());
    // The sigmoid as a reciprocal: its derivative keeps its precision where the sigmoid nears 1.
    Tensor gate = ratio.sub(new Scalar(1.0)).mul(tau).neg().exp().add(new Scalar(1.0)).reciprocal();
    return gate.div(tau).mul(new Scalar(4.0)).mul(advantage).neg();
  }

  private Tensor bySign(double positiveValue, double otherValue) {
    Tensor ones = torch.ones_like(advantage);
    return torch.where(
        positive, ones.mul(new Scalar(positiveValue)), ones.mul(new Scalar(otherValue)));
  }

  private Tensor reshaped(Tensor ratio) {
    Reshaping reshaping = policy.reshaping();
    Scalar g = new Scalar((double) reshaping.parameter());
    Tensor f =
        switch (reshaping.reshape()) {
          case RATIONAL -> ratio.div(ratio.add(g));
          case POWER -> ratio.pow(g);
          case LOG -> logp.mul(g);
          case LINEAR_LOG -> ratio.add(logp.mul(g));
          case RATIONAL_RATIO -> {
            Tensor p = logp.exp();
            Tensor q = old.exp();
            yield p.div(p.add(g)).div(q.div(q.add(g)));
          }
        };
    f = TorchObjective.clamp(f, reshaping.low(), reshaping.high());
    return advantage.mul(f).neg();
  }

  private Tensor gmpoRatio(Tensor logX) {
    double infinity = Double.POSITIVE_INFINITY;
    Tensor above = TorchObjective.clamp(logX, -infinity, policy.clipHigh());
    Tensor below = TorchObjective.clamp(logX, -policy.clipLow(), infinity);
    Tensor negative = advantage.lt(new Scalar(0.0));
    Tensor bounded = torch.where(positive, above, torch.where(negative, below, logX));
    return share(chosen.sequenceMean(bounded), bounded).exp();
  }

  private Tensor phi(Tensor logX) {
    double lowest = Math.log(1e-8);
    Tensor log = chosen.sequenceSum(logX);
    if (policy.samplerCorrection()) {
      Tensor weights = TorchObjective.clamp(chosen.samplerWeights().log(), lowest, 20);
      log = log.add(chosen.sequenceSum(weights));
    }
    log = TorchObjective.clamp(log, lowest, 20);
    Vespo vespo = policy.vespo();
    Tensor notNegative = advantage.ge(new Scalar(0.0));
    Tensor phi =
        torch.where(
            notNegative,
            phi(log, vespo.positiveK(), vespo.positiveLambda()),
            phi(log, vespo.negativeK(), vespo.negativeLambda()));
    return torch.where(phi.isfinite(), phi, torch.zeros_like(phi));
  }

  private static Tensor phi(Tensor log, double k, double lambda) {
    Tensor exponent = log.mul(new Scalar(k)).sub(log.exp().mul(new Scalar(lambda)));
    return exponent.add(new Scalar(lambda)).exp();
  }
}
