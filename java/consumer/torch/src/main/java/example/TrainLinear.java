package example;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.plait.Backend;
import org.plait.Normalizers;
import org.plait.Objective;
import org.plait.TokenBatch;
import org.plait.torch.TorchPlait;
import org.plait.torch.TorchStep;

/** Fine-tunes a linear layer on eight tokens, with Plait between its logits and their gradient. */
public final class TrainLinear {
  public static void main(String[] args) {
    torch.manual_seed(1);
    Tensor hidden = torch.randn(8, 16);
    Tensor targets = torch.arange(new Scalar(8)); // int64 [8]
    Tensor weight = torch.zeros(32, 16).set_requires_grad(true);

    double first = 0;
    double last = 0;
    try (TorchStep step = new TorchStep(Backend.cpu(), Objective.sft())) {
      for (int i = 0; i < 50; i++) {
        Tensor logits = torch.linear(hidden, weight);
        TokenBatch batch = TokenBatch.builder(8).build();
        Tensor dLogits = step.step(logits, targets, batch, Normalizers.NONE);
        TorchPlait.backward(logits, dLogits);
        weight.data().sub_(weight.grad());
        weight.grad().zero_();

        last = step.metrics().loss();
        if (i == 0) {
          first = last;
        }
      }
    }
    // A layer of zeros knows nothing: the loss is ln 32.
    if (Math.abs(first - Math.log(32)) > 1e-5 || last > 0.1 * first) {
      throw new AssertionError("the loss went from " + first + " to " + last);
    }
    System.out.println("loss " + first + " to " + last);
  }

  private TrainLinear() {}
}
