package org.plait.lab.verify;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * PyTorch's float32 answer for rows of logits: log_softmax, gather, logsumexp, -sum p log p, and
 * the gradient of c * logp + h * entropy by autograd.
 *
 * @param logProb [T]
 * @param entropy [T]
 * @param logSumExp [T]
 * @param gradient [T, V]
 */
@SuppressWarnings("ArrayRecordComponent") // plain data, never compared
record TorchRows(float[] logProb, float[] entropy, float[] logSumExp, float[] gradient) {

  /** Computes from the values of the sample, which are exact in float32 whatever the type. */
  @SuppressWarnings("try") // the scope frees the tensors
  static TorchRows of(RowSample sample) {
    try (PointerScope scope = new PointerScope()) {
      long rows = sample.rows;
      Tensor x = AbstractTensor.create(sample.x, rows, sample.vocab).set_requires_grad(true);
      Tensor z = x.div(AbstractTensor.create(sample.temperatures, rows, 1));
      Tensor logSoftmax = z.log_softmax(1);
      Tensor logProb =
          logSoftmax.gather(1, AbstractTensor.create(sample.targets, rows, 1)).squeeze(1);
      Tensor entropy = entropy(logSoftmax);
      Tensor logSumExp = torch.logsumexp(z, 1);
      Tensor c = AbstractTensor.create(sample.c, rows);
      Tensor h = AbstractTensor.create(sample.h, rows);
      logProb.mul(c).add(entropy.mul(h)).sum().backward();
      return new TorchRows(
          TorchArrays.floats(logProb),
          TorchArrays.floats(entropy),
          TorchArrays.floats(logSumExp),
          TorchArrays.floats(x.grad()));
    }
  }

  /** -sum p log p over the entries with p > 0: log 0 is replaced before it can meet p = 0. */
  static Tensor entropy(Tensor logSoftmax) {
    Tensor masked = logSoftmax.eq(new Scalar(Double.NEGATIVE_INFINITY));
    Tensor finite = logSoftmax.masked_fill(masked, new Scalar(0.0));
    return logSoftmax.exp().mul(finite).sum(1).neg();
  }
}
