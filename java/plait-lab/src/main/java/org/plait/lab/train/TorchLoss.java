package org.plait.lab.train;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.lab.model.Tensors;
import org.plait.lab.oracle.ObjectiveSums;
import org.plait.lab.oracle.TokenObjectiveOracle;
import org.plait.lab.oracle.TokenProblem;
import org.plait.lab.verify.TorchObjective;

/**
 * The same loss as textbook PyTorch: log-softmax, gather, ratio, clip, weighted sums, autograd.
 * What a trainer writes without Plait, and what {@link PlaitLoss} is compared with.
 */
final class TorchLoss implements PolicyObjectiveLoss {

  @Override
  public Result compute(Tensor logits, Shard shard, Objective objective, Normalizers normalizers) {
    TokenProblem problem = shard.problem(objective, normalizers);
    long start = System.nanoTime();
    Tensor leaf = logits.detach().requires_grad_(true);
    Tensor logSoftmax = torch.log_softmax(leaf, -1);
    Tensor logProbs = logSoftmax.gather(-1, shard.targets().unsqueeze(-1)).squeeze(-1);
    Tensor entropy = logSoftmax.exp().mul(logSoftmax).sum(-1L).neg();
    Tensor loss = new TorchObjective(problem, ScalarType.Float).loss(logProbs, entropy);
    boolean differentiable = loss.requires_grad();
    if (differentiable) {
      loss.backward();
    }
    Tensor gradient = differentiable ? leaf.grad() : torch.zeros_like(leaf);
    long nanos = System.nanoTime() - start;
    TokenProblem solved =
        problem.at(Tensors.doubles(logProbs.detach()), Tensors.doubles(entropy.detach()));
    return new Result(gradient, metrics(solved, nanos));
  }

  private static LossMetrics metrics(TokenProblem problem, long nanos) {
    ObjectiveSums sums = TokenObjectiveOracle.evaluate(problem).sums();
    return new LossMetrics(
        sums.loss(),
        sums.tokens(0),
        sums.entropy.value(),
        sums.policyTokens(),
        sums.clipLowCount(),
        sums.clipHighCount(),
        sums.approxKlK3.value(),
        nanos);
  }
}
